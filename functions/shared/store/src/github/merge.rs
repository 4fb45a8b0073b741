//! Pull requests of agents that a person has approved, until they are merged.

use loom_domain::{project::Project, time::Timestamp};
use loom_platform::{Random, Row, Statements};

use super::{Applied, acting, comment, pull_request};
use crate::{
    StoreError,
    change::{Change, NOW},
};

/// A pull request that is to be merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueMerge {
    /// The project.
    pub project_id: String,
    /// Its number.
    pub number: i64,
    /// The commit that was approved.
    pub head_sha: String,
    /// The bead whose agent made it.
    pub bead_id: String,
    /// The login of who approved it.
    pub approved_by: String,
}

/// Notes that somebody has approved the head of a pull request that is handed over: it is merged as soon as its checks
/// and GitHub's rules allow it.
pub(super) async fn want<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project: &Project,
    number: i64,
    by: &str,
) -> Result<(), StoreError> {
    let sql = "UPDATE github_pull_request SET merge_wanted_by = ?3, merge_not_before = ?4 \
               WHERE project_id = ?1 AND number = ?2 AND is_open = 1 AND owner_bead IS NOT NULL";
    let values = vec![
        (&project.id).into(),
        number.into(),
        by.into(),
        change.now.0.into(),
    ];
    change.tx.execute(sql, values).await?;
    Ok(())
}

/// Takes an approval back.
pub async fn forget_merge<S: Statements>(
    tx: &S,
    project_id: &str,
    number: i64,
) -> Result<(), StoreError> {
    let sql = "UPDATE github_pull_request SET merge_wanted_by = NULL WHERE project_id = ?1 AND number = ?2";
    tx.execute(sql, vec![project_id.into(), number.into()])
        .await?;
    Ok(())
}

/// Looks at approved pull requests of a commit at once, because its checks have changed.
pub(super) async fn hasten<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project: &Project,
    sha: &str,
) -> Result<(), StoreError> {
    let sql = "UPDATE github_pull_request SET merge_not_before = ?3 \
               WHERE merge_wanted_by IS NOT NULL AND is_open = 1 AND project_id = ?1 AND head_sha = ?2";
    let values = vec![(&project.id).into(), sha.into(), change.now.0.into()];
    change.tx.execute(sql, values).await?;
    Ok(())
}

/// Up to `limit` pull requests that are to be merged and that nobody is about to merge, the longest due first.
pub async fn due_merges<S: Statements>(
    statements: &S,
    limit: i64,
) -> Result<Vec<DueMerge>, StoreError> {
    let sql = format!(
        "SELECT project_id, number, head_sha, owner_bead, merge_wanted_by FROM github_pull_request \
         WHERE merge_wanted_by IS NOT NULL AND is_open = 1 AND merge_not_before <= {NOW} \
         ORDER BY merge_not_before LIMIT ?1"
    );
    let rows = statements.query(&sql, vec![limit.into()]).await?;
    rows.iter().map(from_row).collect()
}

/// Takes the merging of a pull request until `until`, or puts it off until then: of several who try one succeeds.
pub async fn take_merge<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    due: &DueMerge,
    until: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE github_pull_request SET merge_not_before = ?4 WHERE project_id = ?1 AND number = ?2 \
               AND head_sha = ?3 AND merge_wanted_by IS NOT NULL AND is_open = 1 AND merge_not_before <= ?5";
    let values = vec![
        (&due.project_id).into(),
        due.number.into(),
        (&due.head_sha).into(),
        until.0.into(),
        change.now.0.into(),
    ];
    Ok(change.tx.execute(sql, values).await? > 0)
}

/// Notes that a pull request was merged, and closes its bead. A delivery that tells the same changes nothing more.
pub async fn merged<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project: &Project,
    due: &DueMerge,
    sha: &str,
) -> Result<Applied, StoreError> {
    let mut applied = Applied::default();
    let person = acting(change, &due.approved_by);
    let change = &person.of(change);
    let Some(mut known) = pull_request::find(change.tx, &project.id, due.number).await? else {
        return Ok(applied);
    };
    known.state.is_open = false;
    known.state.merged_sha = Some(sha.to_owned());
    let by = format!("Loom after {} had approved it", due.approved_by);
    pull_request::merged(change, &due.bead_id, &known.state, sha, &by, &mut applied).await?;
    pull_request::put(change, project, &known.state, Some(&due.bead_id), false).await?;
    forget_merge(change.tx, &project.id, due.number).await?;
    applied.nudge = true;
    Ok(applied)
}

/// Sends an approved pull request back to its agent, who is told why.
pub async fn rework<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project: &Project,
    due: &DueMerge,
    why: &str,
) -> Result<Applied, StoreError> {
    let mut applied = Applied::default();
    forget_merge(change.tx, &project.id, due.number).await?;
    let text = format!(
        "Pull request #{} was approved by {}, but can't be merged. {why}",
        due.number, due.approved_by
    );
    comment::say(change, &due.bead_id, &text, &mut applied).await?;
    pull_request::reopen(change, project, &due.bead_id, &mut applied).await?;
    applied.nudge = true;
    Ok(applied)
}

fn from_row(row: &Row) -> Result<DueMerge, StoreError> {
    Ok(DueMerge {
        project_id: row.text(0)?,
        number: row.integer(1)?,
        head_sha: row.text(2)?,
        bead_id: row.text(3)?,
        approved_by: row.text(4)?,
    })
}
