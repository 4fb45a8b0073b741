use loom_domain::decision::Decision;
use loom_platform::{Random, Statements};

use crate::{StoreError, change::Change};

/// Moves an execution on, whose question a person has answered: `answer` is canonical (`approve`, `deny`,
/// `needs_more_info`, or one of the options).
pub async fn answered<S: Statements, R: Random>(
    _change: &Change<'_, S, R>,
    _decision: &Decision,
    _answer: &str,
    _rationale: &str,
) -> Result<(), StoreError> {
    Ok(())
}

/// Moves an execution on, whose question nobody answered in time.
pub async fn decision_expired<S: Statements, R: Random>(
    _change: &Change<'_, S, R>,
    _decision: &Decision,
) -> Result<(), StoreError> {
    Ok(())
}
