use axum::extract::State;
use loom_api::{Caller, Created, Error, Json, Path};
use loom_domain::{
    bead::Priority,
    decision::{Decision, DecisionKind, NewDecision},
};
use loom_platform::{Database, Platform, Transaction};
use loom_store::{Change, StoreError, agent, bead, decision};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Input {
    reason: String,
    /// The agent that goes on when the answer is `needs_more_info`.
    returned_to: Option<String>,
}

/// Stops work on the bead, blocks it, and puts one question to a person.
pub(crate) async fn escalate<P: Platform>(
    State(platform): State<P>,
    caller: Caller,
    Path(id): Path<String>,
    Json(input): Json<Input>,
) -> Result<Created<Decision>, Error> {
    let reason = input.reason.trim();
    if reason.is_empty() || reason.len() > 4096 {
        return Err(Error::invalid_fields().field("reason", "must be 1 byte to 4 KiB"));
    }
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), &caller.name).await?;
    let found = bead::get(&tx, &id).await?;
    let returned_to = match &input.returned_to {
        None => String::new(),
        Some(agent_id) => match agent::get(&tx, agent_id).await {
            Ok(agent) => format!(
                "\nReturned to on needs_more_info: {} ({})",
                agent.name, agent.id
            ),
            Err(StoreError::Refused(_)) => {
                let problem = format!("there is no agent {agent_id}");
                return Err(Error::invalid_fields().field("returned_to", problem));
            }
            Err(other) => return Err(other.into()),
        },
    };
    // Whoever escalates by hand wants a person, now.
    let question = NewDecision::new(
        DecisionKind::Escalation,
        format!("escalation:{id}"),
        format!(
            "{} escalated {id} ({}): {reason} What should happen?",
            caller.name, found.title
        ),
    )
    .priority(Priority::P0)
    .returned_to(input.returned_to.clone())
    .high_risk();
    let why = format!("{} escalated the bead: {reason}", caller.name);
    let context = format!("{reason}{returned_to}");
    let asked = decision::stop_and_ask(&change, &found, &question, &why, &context).await?;
    let decision = decision::get(&tx, &asked).await?;
    tx.commit().await?;
    Ok(Created(
        format!("/api/v1/decisions/{}", decision.id),
        decision,
    ))
}
