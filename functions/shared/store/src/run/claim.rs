use loom_domain::{
    Refusal,
    agent::AgentStatus,
    bead::{Bead, MAX_DISPATCHES, claim_refusal, overlap},
    event::{EventKind, NewEvent},
};
use loom_platform::{DatabaseError, Random, Statements};

use crate::{StoreError, agent, bead, change::Change, row::json};

/// Who claims what.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// The bead.
    pub bead_id: &'a str,
    /// The agent that is to work on it.
    pub agent_id: &'a str,
    /// How long the first holder may take to lease the run, in milliseconds.
    pub hand_over_ms: i64,
}

/// The proof of a won claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// The run that owns the bead.
    pub run_id: String,
    /// Its fence.
    pub fence: i64,
    /// Until when it must be leased, in milliseconds.
    pub lease_until: i64,
}

/// Gives a bead to an agent: opens the run that owns it (invariant I1).
///
/// The claim is one conditional statement on the bead; whoever finds it changed gets a refusal that says why, and
/// nothing else happens. The agent is taken the same way, in the same transaction.
pub async fn claim<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    claim: Claim<'_>,
) -> Result<Claimed, StoreError> {
    let run_id = change.new_id();
    let won = change
        .tx
        .query_one(
            "UPDATE bead SET status = 'in_progress', run_id = ?2, fence = fence + 1, \
             dispatch_count = dispatch_count + 1, version = version + 1, updated_at = ?3 \
             WHERE id = ?1 AND status = 'open' AND run_id IS NULL AND open_blockers = 0 AND open_decisions = 0 \
             AND requires_human = 0 AND deleted_at IS NULL AND (retry_at IS NULL OR retry_at <= ?3) \
             AND (assigned_to IS NULL OR assigned_to = ?4) AND (author_agent IS NULL OR author_agent <> ?4) \
             AND dispatch_count < ?5 \
             AND EXISTS (SELECT 1 FROM project WHERE project.id = project_id AND project.status = 'open') \
             RETURNING fence, project_id, dispatch_count, touches",
            vec![
                claim.bead_id.into(),
                (&run_id).into(),
                change.now.0.into(),
                claim.agent_id.into(),
                MAX_DISPATCHES.into(),
            ],
        )
        .await?;
    let Some(won) = won else {
        return Err(lost(change, claim).await?.into());
    };
    let (fence, project_id, attempt) = (won.integer(0)?, won.text(1)?, won.integer(2)?);
    refuse_overlap(
        change.tx,
        claim.bead_id,
        &project_id,
        &json::<Vec<String>>(&won, 3)?,
    )
    .await?;
    let lease_until = change.now.0 + claim.hand_over_ms;
    let taken = change
        .tx
        .execute(
            "UPDATE agent SET status = 'busy', current_run = ?2, current_bead = ?3, last_active_at = ?4 \
             WHERE id = ?1 AND status = 'idle' AND (project_id IS NULL OR project_id = ?5)",
            vec![
                claim.agent_id.into(),
                (&run_id).into(),
                claim.bead_id.into(),
                change.now.0.into(),
                (&project_id).into(),
            ],
        )
        .await?;
    if taken == 0 {
        return Err(unavailable(change.tx, claim.agent_id, &project_id)
            .await?
            .into());
    }
    change
        .tx
        .execute(
            "INSERT INTO run (id, bead_id, project_id, agent_id, attempt, status, fence, lease_until, created_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, 'queued', ?6, ?7, ?8)",
            vec![
                (&run_id).into(),
                claim.bead_id.into(),
                (&project_id).into(),
                claim.agent_id.into(),
                attempt.into(),
                fence.into(),
                lease_until.into(),
                change.now.0.into(),
            ],
        )
        .await
        .map_err(|error| match &error {
            // Defence in depth: the schema itself refuses a second live run.
            DatabaseError::Constraint(_) => StoreError::from(Refusal::conflict(
                "already_claimed",
                format!("Bead {} has a live run already. Do not start work on it.", claim.bead_id),
            )),
            _ => error.into(),
        })?;
    let about = |kind| {
        NewEvent::new(kind)
            .project(&project_id)
            .bead(claim.bead_id)
            .run(&run_id)
            .agent(claim.agent_id)
    };
    change
        .event(
            about(EventKind::BeadStatusChanged)
                .with("old_status", "open")
                .with("status", "in_progress")
                .with("reason", "claimed"),
        )
        .await?;
    change
        .event(about(EventKind::BeadAssigned).with("assigned_to", claim.agent_id))
        .await?;
    change
        .event(
            about(EventKind::RunCreated)
                .with("attempt", attempt)
                .with("fence", fence),
        )
        .await?;
    change
        .event(
            about(EventKind::AgentStatusChanged)
                .with("old_status", "idle")
                .with("new_status", "busy"),
        )
        .await?;
    Ok(Claimed {
        run_id,
        fence,
        lease_until,
    })
}

/// Refuses a bead that changes the same paths as one that is being worked on. The transaction of the claim sees every
/// other claim before it, so two such beads never run together, whatever number of ticks looks for work.
async fn refuse_overlap<S: Statements>(
    tx: &S,
    bead_id: &str,
    project_id: &str,
    touches: &[String],
) -> Result<(), StoreError> {
    if touches.is_empty() {
        return Ok(());
    }
    let live = bead::live_touches(tx, project_id).await?;
    match live.iter().find(|(_, other)| overlap(touches, other)) {
        None => Ok(()),
        Some((other, _)) => Err(Refusal::conflict(
            "touches_overlap",
            format!("Bead {other} is being worked on and changes some of the same paths as bead {bead_id}. Claim it when that work has ended."),
        )
        .detail("bead_id", other.clone())
        .into()),
    }
}

async fn lost<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    claim: Claim<'_>,
) -> Result<Refusal, StoreError> {
    let bead: Bead = bead::get(change.tx, claim.bead_id).await?;
    if let Some(only) = bead
        .assigned_to
        .as_deref()
        .filter(|only| *only != claim.agent_id)
    {
        return Ok(Refusal::conflict(
            "assigned_to_other",
            format!(
                "Bead {} is assigned to agent {only}; only that agent may take it.",
                bead.id
            ),
        )
        .detail("assigned_to", only));
    }
    if bead.author_agent.as_deref() == Some(claim.agent_id) {
        return Ok(Refusal::conflict(
            "own_work",
            format!(
                "The work on bead {} that is to be judged now is agent {}'s own. Another agent has to judge it.",
                bead.id, claim.agent_id
            ),
        ));
    }
    let project = crate::project::get(change.tx, &bead.project_id).await?;
    if project.status == loom_domain::project::ProjectStatus::Closed {
        return Ok(Refusal::conflict(
            "project_closed",
            format!(
                "Project {} is closed; nothing of it is worked on.",
                project.name
            ),
        ));
    }
    Ok(claim_refusal(&bead, change.now))
}

async fn unavailable<S: Statements>(
    tx: &S,
    agent_id: &str,
    project_id: &str,
) -> Result<Refusal, StoreError> {
    let agent = agent::get(tx, agent_id).await?;
    Ok(match agent.status {
        AgentStatus::Idle => Refusal::conflict(
            "agent_of_other_project",
            format!(
                "Agent {} works only for project {}, not for {project_id}.",
                agent.name,
                agent.project_id.unwrap_or_default()
            ),
        ),
        AgentStatus::Busy => Refusal::conflict(
            "agent_busy",
            format!(
                "Agent {} works on {} already.",
                agent.name,
                agent.current_bead.unwrap_or_default()
            ),
        ),
        AgentStatus::Stuck => Refusal::conflict(
            "agent_stuck",
            format!(
                "Agent {} is stuck: {}. Set it idle first: POST /api/v1/agents/{}/reset.",
                agent.name,
                agent
                    .status_reason
                    .unwrap_or_default()
                    .trim_end_matches('.'),
                agent.id
            ),
        ),
    })
}
