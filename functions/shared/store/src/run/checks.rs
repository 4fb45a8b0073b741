//! Runs that wait for the checks of a commit: a webhook resumes them, and a timer does when no webhook came.
//!
//! A row in `run_check` says that a run has not been told yet how the checks of a commit ended. While there is also a
//! row in `run_wait`, the run waits; once that is gone, the run goes on and its first act is to look.

use loom_domain::{
    run::{Hold, Run, Wait, WaitKind},
    time::Timestamp,
    timer::TimerKind,
};
use loom_platform::{Random, Statements};

use super::{
    get,
    lease::guard,
    wait::{resume_if_answered, say, take},
};
use crate::{StoreError, change::Change, row::time, timer};

/// How long after the first look Loom looks again by itself, in milliseconds; doubled each time.
const FIRST_LOOK_MS: i64 = 30_000;
/// The longest time between two looks, in milliseconds.
const LONGEST_LOOK_MS: i64 = 10 * 60_000;

/// Checks that a run has not been told the end of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingChecks {
    /// The commit.
    pub commit: String,
    /// How often Loom has looked and found them at work.
    pub looks: i64,
    /// Since when the run waits for them.
    pub since: Timestamp,
}

/// Notes, in the transaction in which a run begins to wait, that it waits for the checks of a commit, and when Loom
/// looks by itself.
pub(super) async fn begin<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    run: &Run,
    wait: &Wait,
) -> Result<(), StoreError> {
    let commit = commit_of(&wait.id);
    let sql = "INSERT INTO run_check (run_id, commit_id, looks, created_at) VALUES (?1, ?2, 0, ?3) \
               ON CONFLICT (run_id, commit_id) DO UPDATE SET looks = looks + 1 RETURNING looks";
    let values = vec![(&run.id).into(), commit.into(), change.now.0.into()];
    let row = change.tx.query_one(sql, values).await?;
    let looks = row.map_or(Ok(0), |row| row.integer(0))?;
    let pause = FIRST_LOOK_MS << looks.clamp(0, 5);
    let due_at = Timestamp(change.now.0 + pause.min(LONGEST_LOOK_MS));
    timer::set(change.tx, TimerKind::RunChecks, &run.id, due_at).await
}

/// Lets the runs go on that wait for the checks of a commit, because they are over or something about them changed.
/// Harmless when nobody waits. Returns how many go on.
pub async fn checks_arrived<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project_id: &str,
    commit: &str,
) -> Result<usize, StoreError> {
    let wait = Wait::checks(project_id, commit);
    let runs = take(change.tx, WaitKind::Checks, &wait.id).await?;
    for run_id in &runs {
        timer::cancel(change.tx, TimerKind::RunChecks, run_id).await?;
        let run = get(change.tx, run_id).await?;
        resume_if_answered(change, &run, &wait).await?;
    }
    Ok(runs.len())
}

/// Lets a run look at the checks that it waits for, because its timer is due: the sweep behind the webhook (invariant
/// I12).
pub async fn look_is_due<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    run_id: &str,
) -> Result<(), StoreError> {
    let sql = "DELETE FROM run_wait WHERE run_id = ?1 AND kind = 'checks' RETURNING subject";
    let waited = change.tx.query(sql, vec![run_id.into()]).await?;
    let Some(row) = waited.first() else {
        return Ok(());
    };
    let wait = Wait {
        kind: WaitKind::Checks,
        id: row.text(0)?,
    };
    let run = get(change.tx, run_id).await?;
    resume_if_answered(change, &run, &wait).await
}

/// The checks that a run has not been told the end of, oldest first.
pub async fn pending_checks<S: Statements>(
    statements: &S,
    run_id: &str,
) -> Result<Vec<PendingChecks>, StoreError> {
    let sql = "SELECT commit_id, looks, created_at FROM run_check WHERE run_id = ?1 ORDER BY created_at, commit_id";
    let rows = statements.query(sql, vec![run_id.into()]).await?;
    rows.iter()
        .map(|row| {
            Ok(PendingChecks {
                commit: row.text(0)?,
                looks: row.integer(1)?,
                since: time(row, 2)?,
            })
        })
        .collect()
}

/// Tells a run how the checks of a commit ended, in its conversation, and waits for them no more. A repeated call tells
/// nothing.
pub async fn tell_checks<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    hold: &Hold,
    commit: &str,
    text: &str,
) -> Result<(), StoreError> {
    guard(change.tx, hold).await?;
    let sql = "DELETE FROM run_check WHERE run_id = ?1 AND commit_id = ?2";
    let values = vec![(&hold.run_id).into(), commit.into()];
    if change.tx.execute(sql, values).await? > 0 {
        let run = get(change.tx, &hold.run_id).await?;
        say(change.tx, &run, text).await?;
    }
    Ok(())
}

/// Forgets what a run that has ended waited for.
pub(super) async fn forget<S: Statements>(tx: &S, run_id: &str) -> Result<(), StoreError> {
    let sql = "DELETE FROM run_check WHERE run_id = ?1";
    if tx.execute(sql, vec![run_id.into()]).await? > 0 {
        timer::cancel(tx, TimerKind::RunChecks, run_id).await?;
    }
    Ok(())
}

fn commit_of(subject: &str) -> &str {
    subject
        .rsplit_once('@')
        .map_or(subject, |(_, commit)| commit)
}
