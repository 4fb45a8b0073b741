//! `approve` and `reject` on the bead of the decision-maker: the answer to the decision that the bead is about.

use loom_domain::{action::ActionOutcome, bead::Bead};
use loom_platform::{Random, Statements};
use loom_store::{
    Change, StoreError,
    decision::{self, AgentAnswer},
};

use crate::journal::{Brought, Effect};

/// Answers the decision on which the run's bead works, with its effects, in the transaction that journals the action.
pub(super) async fn answer<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    own: &Bead,
    approves: bool,
    option: Option<&str>,
    reason: &str,
) -> Result<Brought, StoreError> {
    let answered = decision::answer_as_agent(change, own, approves, option, reason).await?;
    let (text, decision) = match answered {
        None => {
            return Ok(ActionOutcome::refused(
                "no_approval_pending",
                "This bead waits for no approval, so there is nothing to approve or reject. Do the work and use done.",
            )
            .into());
        }
        Some(AgentAnswer::Decided(decision)) => {
            let answer = decision.decision.as_deref().unwrap_or_default();
            (
                format!("Decision {} is answered with {answer}.", decision.id),
                decision,
            )
        }
        Some(AgentAnswer::HandedToHuman(decision)) => (
            format!(
                "Your answer contradicts what {} recommends, so a person decides {}.",
                decision.requester, decision.id
            ),
            decision,
        ),
    };
    Ok(Brought {
        outcome: ActionOutcome::ok(text),
        effect: Some(Effect::Answered {
            decision_id: decision.id,
        }),
    })
}
