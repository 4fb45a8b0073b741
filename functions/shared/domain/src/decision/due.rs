use super::{Answer, Assignee, DEADLINE, Decision, DecisionKind, effect, normalise};
use crate::time::Timestamp;

/// What happens when nobody has answered in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// The declared default holds.
    Decide(Answer),
    /// The decision-maker did not answer, so a person is asked, with a new deadline.
    HandToHuman,
    /// A person is asked once more, more loudly, with a new deadline.
    AskAgain,
    /// It expires, and the workflow takes its edge for that.
    ExpireInWorkflow,
    /// It expires, and what it held stays as it is.
    Expire,
}

/// Decides what the passing of a decision's deadline means. Every decision comes to an end this way after at most
/// three deadlines.
///
/// A default never gives new attempts to a bead that has used up its own (invariant I10), and never allows what is
/// dangerous: only a person does.
pub fn when_due(decision: &Decision, bead_is_exhausted: bool) -> Due {
    let default = decision
        .default_answer
        .as_deref()
        .and_then(|text| normalise(text, &decision.options).ok())
        .filter(|answer| {
            let reopens = effect(decision.kind, answer).reopens();
            !(reopens && (bead_is_exhausted || decision.kind == DecisionKind::HighRisk))
        });
    match default {
        Some(answer) => Due::Decide(answer),
        None if decision.assignee == Assignee::DecisionMaker => Due::HandToHuman,
        None if decision.kind.is_of_workflow() => Due::ExpireInWorkflow,
        // Handing over from the decision-maker counts as well, but a person has then been asked only once.
        None if decision.escalations < most_escalations(decision) => Due::AskAgain,
        None => Due::Expire,
    }
}

/// One repetition for the person, after the hand-over if there was one.
fn most_escalations(decision: &Decision) -> i64 {
    1 + i64::from(decision.decider_bead.is_some())
}

/// The deadline of a question that is put again.
pub fn next_deadline(now: Timestamp) -> Timestamp {
    Timestamp(now.0 + DEADLINE)
}
