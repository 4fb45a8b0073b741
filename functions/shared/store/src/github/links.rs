//! Which bead belongs to which issue and pull request.

use loom_domain::{
    github::intent::{IssueState, PullRequestState},
    project::Project,
};
use loom_platform::{Random, Row, Statements};

use super::{Applied, comment, issue, pull_request, pull_review};
use crate::{StoreError, change::Change, project, row::json};

/// A pull request and the bead that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkedPullRequest {
    /// The project.
    pub project_id: String,
    /// How the newest delivery shows it, or as Loom opened it.
    pub state: PullRequestState,
    /// The bead whose agent made the branch.
    pub owner_bead: Option<String>,
    /// The bead on which it is reviewed.
    pub review_bead: Option<String>,
}

const COLUMNS: &str = "project_id, state, owner_bead, review_bead";

/// The newest pull request of a bead's branch, else the one that the bead reviews.
pub async fn pull_request_of_bead<S: Statements>(
    statements: &S,
    bead_id: &str,
) -> Result<Option<LinkedPullRequest>, StoreError> {
    for column in ["owner_bead", "review_bead"] {
        let sql = format!(
            "SELECT {COLUMNS} FROM github_pull_request WHERE {column} = ?1 ORDER BY number DESC LIMIT 1"
        );
        if let Some(row) = statements.query_one(&sql, vec![bead_id.into()]).await? {
            return from_row(&row).map(Some);
        }
    }
    Ok(None)
}

/// Notes that a bead's agent has opened a pull request, or found the one that it had opened. Repeating it changes
/// nothing, and neither does a delivery that was faster.
pub async fn link_pull_request<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project_id: &str,
    bead_id: &str,
    state: &PullRequestState,
) -> Result<(), StoreError> {
    let project = project::get(change.tx, project_id).await?;
    let known = pull_request::find(change.tx, project_id, state.number).await?;
    let newest = match &known {
        Some(known) if known.state.order() >= state.order() => &known.state,
        _ => state,
    };
    // Whoever opened it knows better than the name of its branch whose it is.
    if known
        .as_ref()
        .is_some_and(|known| known.review_bead.is_some())
    {
        let sql = "UPDATE github_pull_request SET review_bead = NULL WHERE project_id = ?1 AND number = ?2";
        let values = vec![project_id.into(), state.number.into()];
        change.tx.execute(sql, values).await?;
    }
    pull_request::put(change, &project, newest, Some(bead_id), false).await?;
    comment::deliver_waiting(change, &project, state.number, bead_id).await
}

/// The issue that a bead was filed for.
pub async fn issue_of_bead<S: Statements>(
    statements: &S,
    bead_id: &str,
) -> Result<Option<(String, IssueState)>, StoreError> {
    let sql = "SELECT project_id, state FROM github_issue WHERE bead_id = ?1";
    let row = statements.query_one(sql, vec![bead_id.into()]).await?;
    row.map(|row| Ok((row.text(0)?, json(&row, 1)?)))
        .transpose()
}

/// Issues that want a bead, and pull requests that want a review, and have none because a cap or their project's state
/// did not allow it: project and number, the oldest first. [`file_issue`] tries again.
pub async fn unfiled_issues<S: Statements>(
    statements: &S,
    limit: i64,
) -> Result<Vec<(String, i64)>, StoreError> {
    let sql = "SELECT waiting.project_id, waiting.number FROM ( \
                   SELECT project_id, number, created_at FROM github_issue \
                   WHERE wants_bead = 1 AND bead_id IS NULL \
                   UNION ALL SELECT project_id, number, created_at FROM github_pull_request \
                   WHERE wants_review = 1 AND review_bead IS NULL \
               ) AS waiting JOIN project ON project.id = waiting.project_id AND project.status = 'open' \
               ORDER BY waiting.created_at, waiting.number LIMIT ?1";
    let rows = statements.query(sql, vec![limit.into()]).await?;
    rows.iter()
        .map(|row| Ok((row.text(0)?, row.integer(1)?)))
        .collect()
}

/// Files the bead of an issue that wants one, or the review of a pull request that does: they share their numbers. Says
/// whether it has one now.
pub async fn file_issue<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project: &Project,
    number: i64,
) -> Result<bool, StoreError> {
    let mut applied = Applied::default();
    let to = &mut applied;
    if let Some(known) = issue::find(change.tx, &project.id, number).await?
        && known.wants_bead
        && known.bead_id.is_none()
    {
        issue::file(change, project, &known.state, to).await?;
    } else if let Some(known) = pull_request::find(change.tx, &project.id, number).await?
        && known.wants_review
        && known.review_bead.is_none()
    {
        pull_review::file(change, project, &known.state, to).await?;
    }
    let filed = comment::bead_of(change.tx, &project.id, number).await?;
    Ok(filed.is_some())
}

fn from_row(row: &Row) -> Result<LinkedPullRequest, StoreError> {
    Ok(LinkedPullRequest {
        project_id: row.text(0)?,
        state: json(row, 1)?,
        owner_bead: row.optional_text(2)?,
        review_bead: row.optional_text(3)?,
    })
}
