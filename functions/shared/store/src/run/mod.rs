//! Runs and their steps.

mod checks;
mod claim;
mod ending;
mod expiry;
mod lease;
mod list;
mod resume;
mod step;
pub mod wait;

use loom_domain::{
    Refusal,
    run::{Run, RunStatus},
};
use loom_platform::{Row, Statements};

use crate::{
    StoreError,
    row::{optional_time, time, word},
};

pub use claim::{Claim, Claimed, claim};
pub use ending::{cancel, end};
pub use expiry::{expired, requeue};
pub use lease::{
    Leased, branch_to_continue, guard, hand_over, lease, pause, renew, set_branch, set_summary,
};
pub use list::{ActionCount, RunUsage, action_counts_of_bead, live, usage_of_bead};
pub use resume::{Resumed, resumable, resume};
pub use step::{
    ActionRecord, NewStep, OpenedStep, StepRecord, StepReply, action_log, actions_of_step,
    conversation, end_step, open_step, record_action, record_failed_call, record_reply,
    reopen_step, step, steps,
};

pub use checks::{PendingChecks, checks_arrived, look_is_due, pending_checks, tell_checks};
pub use wait::{answered_decision, wait};

const COLUMNS: &str = "id, bead_id, project_id, agent_id, attempt, status, fence, lease_until, steps, parse_failures, \
    restarts, branch, commit_id, reason, summary, created_at, ended_at";

/// The run `id`.
pub async fn get<S: Statements>(statements: &S, id: &str) -> Result<Run, StoreError> {
    let row = statements
        .query_one(
            &format!("SELECT {COLUMNS} FROM run WHERE id = ?1"),
            vec![id.into()],
        )
        .await?;
    row.as_ref()
        .map(from_row)
        .transpose()?
        .ok_or_else(|| Refusal::not_found("run_not_found", format!("There is no run {id}.")).into())
}

/// The runs of a bead, oldest first.
pub async fn of_bead<S: Statements>(statements: &S, bead_id: &str) -> Result<Vec<Run>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM run WHERE bead_id = ?1 ORDER BY created_at, id");
    statements
        .query(&sql, vec![bead_id.into()])
        .await?
        .iter()
        .map(from_row)
        .collect()
}

/// How many runs are being worked on, by project: those that take up capacity.
pub async fn working<S: Statements>(statements: &S) -> Result<Vec<(String, i64)>, StoreError> {
    let sql = "SELECT project_id, COUNT(*) FROM run WHERE status IN ('queued', 'running') GROUP BY project_id";
    let rows = statements.query(sql, vec![]).await?;
    rows.iter()
        .map(|row| Ok((row.text(0)?, row.integer(1)?)))
        .collect()
}

fn from_row(row: &Row) -> Result<Run, StoreError> {
    Ok(Run {
        id: row.text(0)?,
        bead_id: row.text(1)?,
        project_id: row.text(2)?,
        agent_id: row.text(3)?,
        attempt: row.integer(4)?,
        status: word(row, 5, RunStatus::parse)?,
        fence: row.integer(6)?,
        lease_until: time(row, 7)?,
        steps: row.integer(8)?,
        parse_failures: row.integer(9)?,
        restarts: row.integer(10)?,
        branch: row.optional_text(11)?,
        commit: row.optional_text(12)?,
        reason: row.optional_text(13)?,
        summary: row.optional_text(14)?,
        created_at: time(row, 15)?,
        ended_at: optional_time(row, 16)?,
    })
}
