//! Where executions, runs and beads move each other, and a future would contain itself: these come in boxes.

use std::{future::Future, pin::Pin};

use loom_domain::workflow::Command;
use loom_platform::{Random, Statements};

use super::advance::advance;
use crate::{StoreError, change::Change, run};

/// A future in a box.
pub(super) type Boxed<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Moves an execution on whose wait is over.
pub(super) fn end_wait<'a, S: Statements, R: Random>(
    change: &'a Change<'a, S, R>,
    execution_id: &'a str,
) -> Boxed<'a, ()> {
    Box::pin(async move {
        advance(change, execution_id, Command::EndWait, None, None).await?;
        Ok(())
    })
}

/// Stops a live run.
pub(super) fn cancel_run<'a, S: Statements, R: Random>(
    change: &'a Change<'a, S, R>,
    run_id: &'a str,
    why: &'a str,
) -> Boxed<'a, ()> {
    Box::pin(run::cancel(change, run_id, why))
}
