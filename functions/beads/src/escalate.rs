use axum::extract::State;
use loom_api::{Caller, Created, Error, Json, Path};
use loom_domain::{
    Refusal,
    bead::{Bead, BeadStatus, Priority, transition},
    decision::{Decision, DecisionKind, DecisionStatus, NewDecision, decided_by_bead},
};
use loom_platform::{Database, Platform, Statements, Transaction};
use loom_store::{Change, StoreError, agent, bead, decision, run};
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
    transition(&id, found.status, BeadStatus::Blocked)?;
    refuse_second(&tx, &found).await?;
    refuse_decider(&found)?;
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
    if let Some(run_id) = &found.run_id {
        run::cancel(
            &change,
            run_id,
            &format!("{} escalated the bead: {reason}", caller.name),
        )
        .await?;
    }
    let now = bead::get(&tx, &id).await?;
    bead::change_status(&change, &now, BeadStatus::Blocked, reason).await?;
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
    let context = format!("{reason}{returned_to}");
    let asked = decision::ask(&change, &now, &question, &context).await?;
    let asked = asked.ok_or_else(|| Error::internal("an escalation was open after all"))?;
    let decision = decision::get(&tx, &asked).await?;
    tx.commit().await?;
    Ok(Created(
        format!("/api/v1/decisions/{}", decision.id),
        decision,
    ))
}

/// The decision-maker's bead is about a question already; there is none about it.
fn refuse_decider(bead: &Bead) -> Result<(), Refusal> {
    match decided_by_bead(bead.fingerprint.as_deref()) {
        None => Ok(()),
        Some(decision_id) => {
            let message = format!(
                "Bead {} is the decision-maker's work on decision {decision_id}. Answer that decision yourself instead: \
                 POST /api/v1/decisions/{decision_id}/decide.",
                bead.id
            );
            Err(Refusal::conflict("bead_of_decision", message).detail("decision_id", decision_id))
        }
    }
}

async fn refuse_second<S: Statements>(tx: &S, bead: &Bead) -> Result<(), StoreError> {
    let decisions = decision::of_bead(tx, &bead.id).await?;
    let open = decisions.iter().find(|decision| {
        decision.status == DecisionStatus::Open && decision.kind == DecisionKind::Escalation
    });
    match open {
        None => Ok(()),
        Some(decision) => {
            let message = format!(
                "Bead {} is escalated already: decision {} waits for its answer since {}.",
                bead.id,
                decision.id,
                decision.created_at.to_rfc3339()
            );
            Err(Refusal::conflict("already_escalated", message)
                .detail("decision_id", decision.id.clone())
                .into())
        }
    }
}
