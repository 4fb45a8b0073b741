use loom_domain::{
    Refusal,
    event::{EventKind, NewEvent},
    run::{Hold, Run, RunStatus},
    time::Timestamp,
};
use loom_platform::{Random, Statements};

use super::get;
use crate::{
    StoreError,
    change::{Change, NOW},
};

/// A run under a fresh lease.
#[derive(Debug, Clone, PartialEq)]
pub struct Leased {
    /// The run as it stands.
    pub run: Run,
    /// The proof to write with.
    pub hold: Hold,
}

/// Leases a queued run for `lease_ms`: only one caller can, and it gets a new fence (invariants I1, I2, I3).
pub async fn lease<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    run_id: &str,
    lease_ms: i64,
) -> Result<Leased, StoreError> {
    let sql = "UPDATE run SET status = 'running', fence = fence + 1, lease_until = ?2 \
               WHERE id = ?1 AND status = 'queued' RETURNING fence, bead_id";
    let row = change
        .tx
        .query_one(sql, vec![run_id.into(), (change.now.0 + lease_ms).into()])
        .await?;
    let Some(row) = row else {
        let run = get(change.tx, run_id).await?;
        return Err(not_queued(&run).into());
    };
    let hold = Hold {
        run_id: run_id.to_owned(),
        bead_id: row.text(1)?,
        fence: row.integer(0)?,
    };
    change
        .tx
        .execute(
            "UPDATE bead SET fence = ?2 WHERE id = ?1",
            vec![(&hold.bead_id).into(), hold.fence.into()],
        )
        .await?;
    let run = get(change.tx, run_id).await?;
    tell(change, &run, RunStatus::Queued, None).await?;
    Ok(Leased { run, hold })
}

/// Records that a run's status has become what it is now.
pub(super) async fn tell<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    run: &Run,
    old: RunStatus,
    reason: Option<&str>,
) -> Result<(), StoreError> {
    let event = NewEvent::new(EventKind::RunStatusChanged)
        .project(&run.project_id)
        .bead(&run.bead_id)
        .run(&run.id)
        .agent(&run.agent_id)
        .with("old_status", old.as_str())
        .with("status", run.status.as_str())
        .with("fence", run.fence)
        .with("reason", reason);
    change.event(event).await?;
    Ok(())
}

fn not_queued(run: &Run) -> Refusal {
    let (code, message) = match run.status {
        RunStatus::Running | RunStatus::Queued => (
            "lease_held",
            format!(
                "Run {} is being worked on by another holder until {}.",
                run.id,
                run.lease_until.to_rfc3339()
            ),
        ),
        RunStatus::Waiting => (
            "run_waiting",
            format!("Run {} waits for something outside.", run.id),
        ),
        _ => (
            "run_ended",
            format!(
                "Run {} has ended ({}).",
                run.id,
                run.reason.as_deref().unwrap_or("no reason recorded")
            ),
        ),
    };
    Refusal::conflict(code, message)
}

/// Makes a lease longer while its holder is at work. A stale holder is refused, and must stop.
pub async fn renew<S: Statements>(
    statements: &S,
    hold: &Hold,
    lease_ms: i64,
) -> Result<(), StoreError> {
    let sql = format!(
        "UPDATE run SET lease_until = {NOW} + ?3 WHERE id = ?1 AND fence = ?2 AND status = 'running'"
    );
    let changed = statements
        .execute(
            &sql,
            vec![(&hold.run_id).into(), hold.fence.into(), lease_ms.into()],
        )
        .await?;
    if changed == 0 {
        Err(hold.stale().into())
    } else {
        Ok(())
    }
}

/// Refuses a stale holder (invariant I2). Called first in every transaction of a step.
pub async fn guard<S: Statements>(tx: &S, hold: &Hold) -> Result<(), StoreError> {
    let sql = "SELECT 1 FROM run WHERE id = ?1 AND fence = ?2 AND status = 'running'";
    match tx
        .query_one(sql, vec![(&hold.run_id).into(), hold.fence.into()])
        .await?
    {
        Some(_) => Ok(()),
        None => Err(hold.stale().into()),
    }
}

/// Gives the run back to the queue, to be leased by the next holder at once; if nobody does within `within_ms`, the
/// tick finds it (invariant I12).
pub async fn hand_over<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    hold: &Hold,
    within_ms: i64,
) -> Result<(), StoreError> {
    give_back(change, hold, within_ms, None).await
}

/// Gives the run back to the queue because something outside is not there, to be taken up by the tick after
/// `after_ms`. The event says why.
pub async fn pause<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    hold: &Hold,
    after_ms: i64,
    reason: &str,
) -> Result<(), StoreError> {
    give_back(change, hold, after_ms, Some(reason)).await
}

async fn give_back<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    hold: &Hold,
    within_ms: i64,
    reason: Option<&str>,
) -> Result<(), StoreError> {
    guard(change.tx, hold).await?;
    let sql = "UPDATE run SET status = 'queued', lease_until = ?2 WHERE id = ?1";
    let until = change.now.0 + within_ms;
    change
        .tx
        .execute(sql, vec![(&hold.run_id).into(), until.into()])
        .await?;
    let run = get(change.tx, &hold.run_id).await?;
    tell(change, &run, RunStatus::Running, reason).await
}

/// Notes the branch that a run works on: one conditional statement, so that it needs no transaction (invariant I2).
pub async fn set_branch<S: Statements>(
    statements: &S,
    hold: &Hold,
    branch: &str,
) -> Result<(), StoreError> {
    let sql = "UPDATE run SET branch = ?3 WHERE id = ?1 AND fence = ?2 AND status = 'running'";
    let changed = statements
        .execute(
            sql,
            vec![(&hold.run_id).into(), hold.fence.into(), branch.into()],
        )
        .await?;
    if changed == 0 {
        Err(hold.stale().into())
    } else {
        Ok(())
    }
}

/// The branch of the newest run of a bead that succeeded since `since`: where a later stage of its workflow goes on.
pub async fn branch_to_continue<S: Statements>(
    statements: &S,
    bead_id: &str,
    since: Timestamp,
    except: &str,
) -> Result<Option<String>, StoreError> {
    let sql = "SELECT branch FROM run WHERE bead_id = ?1 AND created_at >= ?2 AND id <> ?3 AND status = 'succeeded' \
               AND branch IS NOT NULL ORDER BY created_at DESC, id DESC LIMIT 1";
    let parameters = vec![bead_id.into(), since.0.into(), except.into()];
    let row = statements.query_one(sql, parameters).await?;
    row.map_or(Ok(None), |row| Ok(row.optional_text(0)?))
}

/// Keeps what a run did, in words, for people and for the next attempt.
pub async fn set_summary<S: Statements>(
    tx: &S,
    run_id: &str,
    summary: &str,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE run SET summary = ?2 WHERE id = ?1",
        vec![run_id.into(), summary.into()],
    )
    .await?;
    Ok(())
}
