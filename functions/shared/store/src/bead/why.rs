use loom_domain::{
    agent::Agent,
    bead::{Bead, BeadStatus, HeldBy, Reason, ReasonCode, overlap, reasons},
    budget::BudgetScope,
    decision::{Decision, DecisionStatus, budget_fingerprint},
    dispatch::{Wanted, choose_agent},
    project::{Project, ProjectStatus},
    run::{RunStatus, WaitKind},
    time::Timestamp,
};
use loom_platform::Statements;
use serde::Serialize;

use super::live_touches;
use crate::{StoreError, agent, budget, budget::Caps, decision, project, provider, run, workflow};

/// Limits that hold for the whole of Loom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many runs may be worked on at once.
    pub max_concurrent: i64,
    /// What may be spent on one UTC day, in micro-US-dollars; none = no cap.
    pub day_budget_micro_usd: Option<i64>,
}

/// Whether a bead is ready and would be dispatched, and everything that is in the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Why {
    /// The bead.
    pub bead_id: String,
    /// Nothing about the bead itself keeps it back (invariant I4).
    pub ready: bool,
    /// Ready, and Loom has room, an agent and a provider for it now.
    pub dispatchable: bool,
    /// Every reason that is in the way; the one reason `ready` when nothing is.
    pub reasons: Vec<Reason>,
}

/// Why a bead is dispatched, or is not.
pub async fn why<S: Statements>(
    statements: &S,
    bead: &Bead,
    limits: Limits,
    now: Timestamp,
) -> Result<Why, StoreError> {
    let mut found = reasons(bead, now);
    let waiting = waiting_reasons(statements, bead).await?;
    if !waiting.is_empty() {
        found.retain(|reason| reason.code != ReasonCode::HasLiveRun);
        found.splice(0..0, waiting);
    }
    if let Some(reason) = workflow::why(statements, bead).await? {
        // It says what the bead waits for, which "blocked" does not.
        found.retain(|reason| reason.code != ReasonCode::Blocked);
        found.insert(0, reason);
    }
    if let Some(reason) = hold_reason(statements, bead).await? {
        found.retain(|reason| reason.code != ReasonCode::Blocked);
        found.push(reason);
    }
    let project = project::get(statements, &bead.project_id).await?;
    // What is done, or is being done, needs neither room nor an agent.
    let waits = matches!(bead.status, BeadStatus::Open | BeadStatus::Blocked);
    if waits {
        found.extend(budget_reason(statements, bead, &project, limits, now).await?);
        found.extend(touches_reason(statements, bead).await?);
    }
    let ready = found.is_empty();
    if waits {
        found.extend(project_closed(&project));
        found.extend(capacity_reason(statements, &project, limits).await?);
        found.extend(agent_reason(bead, &agent::all(statements).await?));
        if provider::first_healthy(statements).await?.is_none() {
            found.push(no_healthy_provider());
        }
    }
    let dispatchable = found.is_empty();
    if dispatchable {
        found.push(Reason::new(
            ReasonCode::Ready,
            "Nothing is in the way: the next tick, at most ten seconds away, gives it to an agent.",
        ));
    }
    Ok(Why {
        bead_id: bead.id.clone(),
        ready,
        dispatchable,
        reasons: found,
    })
}

/// Whose word keeps a blocked bead from being opened, or that the last question about it has expired, and how to go on.
/// A question that is still open is told of anyway.
async fn hold_reason<S: Statements>(
    statements: &S,
    bead: &Bead,
) -> Result<Option<Reason>, StoreError> {
    let next = format!(
        "Give the bead another chance with POST /api/v1/beads/{id}/redispatch, close it, or ask again with POST \
         /api/v1/beads/{id}/escalate.",
        id = bead.id
    );
    let holder = match &bead.held_by {
        Some(HeldBy::Person(name)) => {
            let message = format!("{name} has blocked it. {next}");
            return Ok(Some(Reason::new(ReasonCode::HeldByPerson, message)));
        }
        Some(HeldBy::Decision(id)) => decision::find(statements, id).await?,
        None if bead.status == BeadStatus::Blocked && bead.open_decisions == 0 => {
            let mut decisions = decision::of_bead(statements, &bead.id).await?;
            let last = decisions.pop();
            last.filter(|last| last.status == DecisionStatus::Expired)
        }
        None => None,
    };
    Ok(holder.and_then(|holder| held_by_decision(&holder, &next)))
}

fn held_by_decision(holder: &Decision, next: &str) -> Option<Reason> {
    let at = holder.decided_at.unwrap_or(holder.deadline_at).to_rfc3339();
    let (id, question) = (&holder.id, &holder.question);
    match holder.status {
        DecisionStatus::Open => None,
        DecisionStatus::Expired => {
            let message = format!(
                "Decision {id} about it expired at {at}, because nobody had answered: {question} {next}"
            );
            Some(Reason::new(ReasonCode::DecisionExpired, message))
        }
        DecisionStatus::Decided => {
            let message = format!(
                "{decider} answered decision {id} about it with {answer} at {at}, so it stays blocked until a person \
                 releases it: {question} {next}",
                decider = holder.decider.as_deref().unwrap_or("Somebody"),
                answer = holder.decision.as_deref().unwrap_or("nothing"),
            );
            Some(Reason::new(ReasonCode::HeldByPerson, message))
        }
    }
}

/// What the run of a bead waits for, if it waits.
async fn waiting_reasons<S: Statements>(
    statements: &S,
    bead: &Bead,
) -> Result<Vec<Reason>, StoreError> {
    let Some(run_id) = &bead.run_id else {
        return Ok(Vec::new());
    };
    if run::get(statements, run_id).await?.status != RunStatus::Waiting {
        return Ok(Vec::new());
    }
    let waits = run::wait::of_run(statements, run_id).await?;
    let ids = |kind| {
        let of_kind = waits.iter().filter(|wait| wait.kind == kind);
        of_kind
            .map(|wait| wait.id.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let (beads, decisions) = (ids(WaitKind::Bead), ids(WaitKind::Decision));
    let mut found = Vec::new();
    if !beads.is_empty() {
        let message = format!("Its run {run_id} waits until {beads} is closed, and goes on then.");
        found.push(Reason::new(ReasonCode::WaitsForBead, message));
    }
    if !decisions.is_empty() {
        let message = format!(
            "Its run {run_id} waits until a person has answered decision {decisions}, and goes on then."
        );
        found.push(Reason::new(ReasonCode::WaitsForDecision, message));
    }
    for checks in waits.iter().filter(|wait| wait.kind == WaitKind::Checks) {
        let message = format!("Its run {run_id} waits until {checks} are over, and goes on then.");
        found.push(Reason::new(ReasonCode::WaitsForChecks, message));
    }
    if found.is_empty() {
        let message = format!(
            "Its run {run_id} has the answers that it waited for. It goes on when its agent is free, there is room, and \
             no other work changes the same paths."
        );
        found.push(Reason::new(ReasonCode::WaitsForRoom, message));
    }
    Ok(found)
}

/// What the tick would say about who takes the bead: by the same rule.
fn agent_reason(bead: &Bead, agents: &[Agent]) -> Option<Reason> {
    let wanted = Wanted {
        project_id: &bead.project_id,
        assigned_to: bead.assigned_to.as_deref(),
        role: bead.wanted_role.as_deref(),
        author: bead.author_agent.as_deref(),
    };
    choose_agent(wanted, agents).err()
}

/// That no model can be called.
fn no_healthy_provider() -> Reason {
    let message = "No provider is healthy, so no model can be called. GET /api/v1/providers says why; they are probed \
                   again by themselves.";
    Reason::new(ReasonCode::NoHealthyProvider, message)
}

fn project_closed(project: &Project) -> Option<Reason> {
    (project.status == ProjectStatus::Closed).then(|| {
        let message = format!(
            "Its project {} is closed. POST /api/v1/projects/{}/reopen opens it again.",
            project.name, project.id
        );
        Reason::new(ReasonCode::ProjectClosed, message)
    })
}

async fn capacity_reason<S: Statements>(
    statements: &S,
    project: &Project,
    limits: Limits,
) -> Result<Vec<Reason>, StoreError> {
    let working = run::working(statements).await?;
    let of_project = working
        .iter()
        .find(|(id, _)| *id == project.id)
        .map_or(0, |(_, runs)| *runs);
    let of_all: i64 = working.iter().map(|(_, runs)| runs).sum();
    let mut found = Vec::new();
    if of_project >= project.max_concurrent {
        found.push(Reason::new(
            ReasonCode::ProjectAtCapacity,
            format!(
                "Its project has {of_project} runs at work, as many as its max_concurrent allows."
            ),
        ));
    }
    if of_all >= limits.max_concurrent {
        found.push(Reason::new(
            ReasonCode::AtCapacity,
            format!(
                "Loom has {of_all} runs at work, as many as the variable max_concurrent allows."
            ),
        ));
    }
    Ok(found)
}

async fn budget_reason<S: Statements>(
    statements: &S,
    bead: &Bead,
    project: &Project,
    limits: Limits,
    now: Timestamp,
) -> Result<Option<Reason>, StoreError> {
    let caps = Caps::new(project, limits.day_budget_micro_usd);
    let day = now.day();
    for (scope, subject, cap) in [
        (BudgetScope::Bead, bead.id.as_str(), caps.bead),
        (BudgetScope::Project, project.id.as_str(), caps.project),
        (BudgetScope::Day, day.as_str(), caps.day),
    ] {
        let Some(cap) = cap else { continue };
        let balance = budget::balance(statements, scope, subject).await?;
        let is_asked = decision::is_open(statements, &budget_fingerprint(scope, subject)).await?;
        let cap = cap + balance.granted_micro_usd;
        if is_asked
            || balance.is_withheld
            || balance.reserved_micro_usd + balance.spent_micro_usd >= cap
        {
            let message = format!(
                "The budget of its {} is used up: {} of {cap} micro-US-dollars are spent and {} reserved.",
                scope.as_str(),
                balance.spent_micro_usd,
                balance.reserved_micro_usd
            );
            return Ok(Some(Reason::new(ReasonCode::BudgetUsedUp, message)));
        }
    }
    Ok(None)
}

async fn touches_reason<S: Statements>(
    statements: &S,
    bead: &Bead,
) -> Result<Option<Reason>, StoreError> {
    if bead.touches.is_empty() {
        return Ok(None);
    }
    let live = live_touches(statements, &bead.project_id).await?;
    let other = live
        .iter()
        .find(|(id, touches)| *id != bead.id && overlap(&bead.touches, touches));
    Ok(other.map(|(id, _)| {
        Reason::new(
            ReasonCode::TouchesOverlap,
            format!("Bead {id} is being worked on and changes some of the same paths. It waits for that to end."),
        )
    }))
}
