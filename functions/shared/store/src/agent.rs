//! Agents.

use loom_domain::{
    Refusal,
    agent::{Agent, AgentStatus, Ended, Record, STUCK_FOR},
    event::{EventKind, NewEvent},
    run::{Ending, Run},
    time::Timestamp,
    timer::TimerKind,
};
use loom_platform::{DatabaseError, Random, Row, Statements};

use crate::{
    StoreError,
    change::Change,
    row::{json, optional_time, time, to_json, word},
    timer,
};

const COLUMNS: &str = "id, name, role, persona, project_id, provider_id, model, status, status_reason, current_run, \
    current_bead, version, created_at, last_active_at";

/// Whether any agent is idle.
pub async fn any_idle<S: Statements>(statements: &S) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM agent WHERE status = 'idle' LIMIT 1";
    Ok(statements.query_one(sql, vec![]).await?.is_some())
}

/// The agent `id`, or a refusal that says how to find one.
pub async fn get<S: Statements>(statements: &S, id: &str) -> Result<Agent, StoreError> {
    let row = statements
        .query_one(
            &format!("SELECT {COLUMNS} FROM agent WHERE id = ?1"),
            vec![id.into()],
        )
        .await?;
    match row {
        Some(row) => from_row(&row),
        None => Err(Refusal::not_found(
            "agent_not_found",
            format!("There is no agent {id}. GET /api/v1/agents lists them."),
        )
        .into()),
    }
}

/// The agent `id`, if it exists.
pub(crate) async fn find<S: Statements>(
    statements: &S,
    id: &str,
) -> Result<Option<Agent>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM agent WHERE id = ?1");
    let row = statements.query_one(&sql, vec![id.into()]).await?;
    row.as_ref().map(from_row).transpose()
}

/// Up to `limit` agents after the id `after`, oldest first; of one project (and those of none) when it is given.
pub async fn list<S: Statements>(
    statements: &S,
    project_id: Option<&str>,
    after: &str,
    limit: i64,
) -> Result<Vec<Agent>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM agent WHERE id > ?1 AND (?3 IS NULL OR project_id IS NULL OR project_id = ?3) \
         ORDER BY id LIMIT ?2"
    );
    let rows = statements
        .query(&sql, vec![after.into(), limit.into(), project_id.into()])
        .await?;
    rows.iter().map(from_row).collect()
}

/// The agents that work for that project alone.
pub(crate) async fn of_project<S: Statements>(
    statements: &S,
    project_id: &str,
) -> Result<Vec<Agent>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM agent WHERE project_id = ?1 ORDER BY id");
    statements
        .query(&sql, vec![project_id.into()])
        .await?
        .iter()
        .map(from_row)
        .collect()
}

/// Every agent, for the tick: teams are small.
pub async fn all<S: Statements>(statements: &S) -> Result<Vec<Agent>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM agent ORDER BY COALESCE(last_active_at, 0), id");
    statements
        .query(&sql, vec![])
        .await?
        .iter()
        .map(from_row)
        .collect()
}

/// A free name: `wanted`, or with the first number from 2 on that makes it one.
pub async fn free_name<S: Statements>(statements: &S, wanted: &str) -> Result<String, StoreError> {
    for number in 1..1000 {
        let candidate = if number == 1 {
            wanted.to_owned()
        } else {
            format!("{wanted} {number}")
        };
        let sql = "SELECT 1 FROM agent WHERE name = ?1";
        if statements
            .query_one(sql, vec![candidate.as_str().into()])
            .await?
            .is_none()
        {
            return Ok(candidate);
        }
    }
    Err(Refusal::conflict(
        "name_taken",
        format!("All names that start with {wanted} are taken. Choose a name yourself."),
    )
    .into())
}

/// Adds an agent, idle; its name must be free.
pub async fn spawn<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    mut agent: Agent,
) -> Result<Agent, StoreError> {
    agent.id = change.new_id();
    agent.status = AgentStatus::Idle;
    agent.created_at = change.now;
    change
        .tx
        .execute(
            "INSERT INTO agent (id, name, role, persona, project_id, provider_id, model, status, created_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'idle', ?8)",
            vec![
                (&agent.id).into(),
                (&agent.name).into(),
                (&agent.role).into(),
                (&agent.persona).into(),
                agent.project_id.as_ref().into(),
                agent.provider_id.as_ref().into(),
                agent.model.as_ref().into(),
                change.now.0.into(),
            ],
        )
        .await
        .map_err(taken)?;
    let mut event = NewEvent::new(EventKind::AgentSpawned)
        .agent(&agent.id)
        .with("name", agent.name.clone())
        .with("role", agent.role.clone())
        .with("persona", agent.persona.clone());
    event.project_id.clone_from(&agent.project_id);
    change.event(event).await?;
    Ok(agent)
}

/// Replaces an agent's settings by those of `agent`, whose version must be the one in the database.
pub async fn update<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    mut agent: Agent,
) -> Result<Agent, StoreError> {
    let expected = agent.version;
    agent.version += 1;
    let changed = change
        .tx
        .execute(
            "UPDATE agent SET name = ?2, role = ?3, persona = ?4, project_id = ?5, provider_id = ?6, model = ?7, \
             version = ?8 WHERE id = ?1 AND version = ?9",
            vec![
                (&agent.id).into(),
                (&agent.name).into(),
                (&agent.role).into(),
                (&agent.persona).into(),
                agent.project_id.as_ref().into(),
                agent.provider_id.as_ref().into(),
                agent.model.as_ref().into(),
                agent.version.into(),
                expected.into(),
            ],
        )
        .await
        .map_err(taken)?;
    if changed == 0 {
        return Err(Refusal::conflict(
            "version_conflict",
            format!("Agent {} was changed by somebody else in the meantime. Read it again and repeat your change.", agent.id),
        )
        .into());
    }
    change
        .event(NewEvent::new(EventKind::AgentUpdated).agent(&agent.id))
        .await?;
    Ok(agent)
}

/// Sets an agent that has no run idle or stuck.
pub async fn set_status<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    agent: &Agent,
    status: AgentStatus,
    reason: Option<&str>,
) -> Result<(), StoreError> {
    if agent.current_run.is_some() || status == AgentStatus::Busy {
        return Err(busy(agent).into());
    }
    change_status(change, agent, status, reason, reason).await
}

/// `reason` is kept while the agent has that status; `because` is told in the event.
async fn change_status<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    agent: &Agent,
    status: AgentStatus,
    reason: Option<&str>,
    because: Option<&str>,
) -> Result<(), StoreError> {
    change
        .tx
        .execute(
            "UPDATE agent SET status = ?2, status_reason = ?3 WHERE id = ?1 AND current_run IS NULL",
            vec![(&agent.id).into(), status.as_str().into(), reason.into()],
        )
        .await?;
    let mut event = NewEvent::new(EventKind::AgentStatusChanged)
        .agent(&agent.id)
        .with("old_status", agent.status.as_str())
        .with("new_status", status.as_str())
        .with("reason", because);
    event.project_id.clone_from(&agent.project_id);
    change.event(event).await?;
    Ok(())
}

/// Sets an agent that is stuck idle, as if it had never failed. One that is idle stays so.
///
/// Refuses with `agent_busy` while it has a run.
pub async fn reset<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    agent: &Agent,
) -> Result<(), StoreError> {
    if agent.status == AgentStatus::Idle {
        return keep_record(change.tx, &agent.id, &Record::default()).await;
    }
    set_status(change, agent, AgentStatus::Idle, None).await?;
    timer::cancel(change.tx, TimerKind::AgentRetry, &agent.id).await?;
    keep_record(change.tx, &agent.id, &Record::default()).await
}

/// The agent that is stuck for long enough is tried again: idle, until its next failure of its own.
pub async fn retry_is_due<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    id: &str,
) -> Result<(), StoreError> {
    let agent = match get(change.tx, id).await {
        Ok(agent) => agent,
        // It was deleted meanwhile.
        Err(StoreError::Refused(_)) => return Ok(()),
        Err(error) => return Err(error),
    };
    try_again(
        change,
        &agent,
        "It was stuck for 30 minutes and is tried again.",
    )
    .await
}

/// Those that are stuck and work as that persona are tried again, for its text has changed.
pub(crate) async fn persona_changed<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    persona: &str,
) -> Result<(), StoreError> {
    let sql =
        format!("SELECT {COLUMNS} FROM agent WHERE status = 'stuck' AND persona = ?1 ORDER BY id");
    for row in change.tx.query(&sql, vec![persona.into()]).await? {
        try_again(
            change,
            &from_row(&row)?,
            "The text of its persona has changed.",
        )
        .await?;
    }
    Ok(())
}

/// Sets an agent that is stuck idle until its next failure of its own. Any other stays as it is.
pub async fn try_again<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    agent: &Agent,
    reason: &str,
) -> Result<(), StoreError> {
    if agent.status != AgentStatus::Stuck {
        return Ok(());
    }
    timer::cancel(change.tx, TimerKind::AgentRetry, &agent.id).await?;
    let record = record(change.tx, &agent.id).await?.on_trial();
    keep_record(change.tx, &agent.id, &record).await?;
    change_status(change, agent, AgentStatus::Idle, None, Some(reason)).await
}

/// Frees the agent of a run that ends; by the run's end it may be stuck.
pub(crate) async fn run_ended<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    run: &Run,
    ending: &Ending,
) -> Result<(), StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM agent WHERE id = ?1 AND current_run = ?2");
    let values = vec![(&run.agent_id).into(), (&run.id).into()];
    // An agent that has been freed already, by a run that waits, has no part in its end.
    let Some(row) = change.tx.query_one(&sql, values).await? else {
        return Ok(());
    };
    let agent = from_row(&row)?;
    let mut record = record(change.tx, &agent.id).await?;
    let before = record.clone();
    let stuck = record.after(Ended {
        bead_id: &run.bead_id,
        status: ending.status,
        code: &ending.code,
        message: &ending.message,
    });
    if record != before {
        keep_record(change.tx, &agent.id, &record).await?;
    }
    change
        .tx
        .execute(
            "UPDATE agent SET status = ?2, status_reason = ?3, current_run = NULL, current_bead = NULL, \
             last_active_at = ?4 WHERE id = ?1",
            vec![
                (&agent.id).into(),
                if stuck.is_some() { "stuck" } else { "idle" }.into(),
                stuck.as_ref().into(),
                change.now.0.into(),
            ],
        )
        .await?;
    let event = NewEvent::new(EventKind::AgentStatusChanged)
        .project(&run.project_id)
        .bead(&run.bead_id)
        .run(&run.id)
        .agent(&agent.id)
        .with("old_status", "busy");
    let event = match stuck {
        Some(reason) => {
            let due_at = Timestamp(change.now.0 + STUCK_FOR);
            timer::set(change.tx, TimerKind::AgentRetry, &agent.id, due_at).await?;
            event.with("new_status", "stuck").with("reason", reason)
        }
        None => event.with("new_status", "idle"),
    };
    change.event(event).await?;
    Ok(())
}

async fn record<S: Statements>(statements: &S, id: &str) -> Result<Record, StoreError> {
    let sql = "SELECT failed_beads, on_trial FROM agent WHERE id = ?1";
    let row = statements.query_one(sql, vec![id.into()]).await?;
    row.map_or_else(
        || Ok(Record::default()),
        |row| {
            Ok(Record {
                failed_beads: json(&row, 0)?,
                on_trial: row.boolean(1)?,
            })
        },
    )
}

async fn keep_record<S: Statements>(tx: &S, id: &str, record: &Record) -> Result<(), StoreError> {
    let sql = "UPDATE agent SET failed_beads = ?2, on_trial = ?3 WHERE id = ?1";
    let values = vec![
        id.into(),
        to_json(&record.failed_beads).into(),
        record.on_trial.into(),
    ];
    tx.execute(sql, values).await?;
    Ok(())
}

/// Removes an agent that has no run.
pub async fn delete<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    agent: &Agent,
) -> Result<(), StoreError> {
    if agent.current_run.is_some() {
        return Err(busy(agent).into());
    }
    change
        .tx
        .execute(
            "UPDATE bead SET assigned_to = NULL WHERE assigned_to = ?1",
            vec![(&agent.id).into()],
        )
        .await?;
    change
        .tx
        .execute(
            "DELETE FROM agent WHERE id = ?1 AND current_run IS NULL",
            vec![(&agent.id).into()],
        )
        .await?;
    timer::cancel(change.tx, TimerKind::AgentRetry, &agent.id).await?;
    change
        .event(
            NewEvent::new(EventKind::AgentDeleted)
                .agent(&agent.id)
                .with("name", agent.name.clone()),
        )
        .await?;
    Ok(())
}

fn busy(agent: &Agent) -> Refusal {
    let bead = agent.current_bead.as_deref().unwrap_or("a bead");
    Refusal::conflict(
        "agent_busy",
        format!(
            "Agent {} works on {bead}. Wait until its run ends, or stop the run first.",
            agent.name
        ),
    )
}

fn taken(error: DatabaseError) -> StoreError {
    match &error {
        DatabaseError::Constraint(text) if text.contains("agent.name") => Refusal::conflict(
            "name_taken",
            "An agent of this name exists already. Choose another name.",
        )
        .into(),
        _ => error.into(),
    }
}

fn from_row(row: &Row) -> Result<Agent, StoreError> {
    Ok(Agent {
        id: row.text(0)?,
        name: row.text(1)?,
        role: row.text(2)?,
        persona: row.text(3)?,
        project_id: row.optional_text(4)?,
        provider_id: row.optional_text(5)?,
        model: row.optional_text(6)?,
        status: word(row, 7, AgentStatus::parse)?,
        status_reason: row.optional_text(8)?,
        current_run: row.optional_text(9)?,
        current_bead: row.optional_text(10)?,
        version: row.integer(11)?,
        created_at: time(row, 12)?,
        last_active_at: optional_time(row, 13)?,
    })
}
