use loom_domain::{
    Refusal,
    decision::{Answer, Decision, DecisionStatus, comment, normalise},
};
use loom_platform::{Random, Statements};

use super::{apply::apply, get, settle::settle};
use crate::{StoreError, change::Change, knowledge};

/// Who answers, as far as it matters: only a person gives a bead new attempts (invariant I10).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// A person, or a program that acts for one.
    Person,
    /// The decision-maker, by the run on its bead.
    Agent,
    /// The deadline, by the declared default.
    Deadline,
}

/// Answers a decision as a person, with everything that the answer does, exactly once.
///
/// Refuses an unknown decision (`decision_not_found`), one that somebody else has answered (`already_decided`, with who
/// decided what and when), one that has expired (`decision_expired`), another version than `expected_version`
/// (`version_conflict`), and an answer outside the vocabulary (`unknown_answer`). Nothing is changed then.
pub async fn decide<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    id: &str,
    answer: &str,
    rationale: &str,
    expected_version: Option<i64>,
) -> Result<Decision, StoreError> {
    let decision = get(change.tx, id).await?;
    refuse_ended(&decision)?;
    if expected_version.is_some_and(|expected| expected != decision.version) {
        return Err(changed(&decision).into());
    }
    let answer = normalise(answer, &decision.options)?;
    take(change, &decision, &answer, rationale, By::Person).await
}

/// Answers the decision as it was read: one conditional statement, so that of two deciders one wins.
pub(super) async fn take<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    decision: &Decision,
    answer: &Answer,
    rationale: &str,
    by: By,
) -> Result<Decision, StoreError> {
    let sql = "UPDATE decision SET status = 'decided', decision = ?2, decider = ?3, rationale = ?4, decided_at = ?5, \
               version = version + 1 WHERE id = ?1 AND status = 'open' AND version = ?6";
    let values = vec![
        (&decision.id).into(),
        answer.as_str().into(),
        change.actor.into(),
        rationale.into(),
        change.now.0.into(),
        decision.version.into(),
    ];
    let won = change.tx.execute(sql, values).await?;
    let decided = get(change.tx, &decision.id).await?;
    if won == 0 {
        refuse_ended(&decided)?;
        return Err(changed(&decided).into());
    }
    settle(change, &decided, by != By::Agent).await?;
    if let Some(bead_id) = &decided.bead_id {
        let text = comment(&decided, answer.as_str(), rationale);
        knowledge::comment(change, bead_id, &text, None).await?;
    }
    apply(change, &decided, answer, rationale, by).await?;
    Ok(decided)
}

/// Refuses a decision that is no longer open.
pub(super) fn refuse_ended(decision: &Decision) -> Result<(), Refusal> {
    let at = decision
        .decided_at
        .map(loom_domain::time::Timestamp::to_rfc3339)
        .unwrap_or_default();
    match decision.status {
        DecisionStatus::Open => Ok(()),
        DecisionStatus::Decided => {
            let answer = decision.decision.as_deref().unwrap_or_default();
            let decider = decision.decider.as_deref().unwrap_or_default();
            let message = format!(
                "Decision {} was decided already: {decider} answered {answer} at {at}. That answer holds; nothing was \
                 changed.",
                decision.id
            );
            Err(Refusal::conflict("already_decided", message)
                .detail("decision", answer)
                .detail("decider", decider)
                .detail("rationale", decision.rationale.clone().unwrap_or_default())
                .detail("decided_at", at))
        }
        DecisionStatus::Expired => {
            let next = match &decision.bead_id {
                Some(bead_id) => format!(
                    "Go on with POST /api/v1/beads/{bead_id}/redispatch, or ask again with POST /api/v1/decisions."
                ),
                None => "Ask again with POST /api/v1/decisions.".to_owned(),
            };
            let message = format!(
                "Decision {} expired at {at}, because nobody had answered. {next}",
                decision.id
            );
            Err(Refusal::conflict("decision_expired", message).detail("expired_at", at))
        }
    }
}

fn changed(decision: &Decision) -> Refusal {
    let message = format!(
        "Decision {} was changed meanwhile, to version {}. Read it again before you answer.",
        decision.id, decision.version
    );
    Refusal::conflict("version_conflict", message).detail("current", decision.version)
}
