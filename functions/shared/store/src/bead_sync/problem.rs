use std::collections::HashSet;

use loom_domain::event::{EventKind, NewEvent};
use loom_platform::{Random, Statements};
use serde::Serialize;

use super::Lease;
use crate::{StoreError, change::Change, row::to_json};

/// Something of the repository that could not be read or applied. It is left as it is, there and here.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    /// The file.
    pub path: String,
    /// The line, from 1; 0 when it is not about a line.
    pub line: i64,
    /// Stable, `snake_case`, such as `malformed`.
    pub code: String,
    /// The bead, when it is known.
    pub bead_id: Option<String>,
    /// What is wrong, and what would be right.
    pub message: String,
    /// The content that has the problem.
    #[serde(skip)]
    pub blob: Option<String>,
}

/// The problems of the last round, by file and line.
pub async fn problems<S: Statements>(
    statements: &S,
    project_id: &str,
) -> Result<Vec<Problem>, StoreError> {
    let sql = "SELECT path, line, code, bead_id, message, blob FROM bead_sync_problem WHERE project_id = ?1 \
               ORDER BY path, line, code";
    let rows = statements.query(sql, vec![project_id.into()]).await?;
    rows.iter()
        .map(|row| {
            Ok(Problem {
                path: row.text(0)?,
                line: row.integer(1)?,
                code: row.text(2)?,
                bead_id: row.optional_text(3)?,
                message: row.text(4)?,
                blob: row.optional_text(5)?,
            })
        })
        .collect()
}

/// Replaces the problems of a project by those of this round. An event tells of each that is new.
pub async fn replace_problems<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    lease: &Lease,
    found: &[Problem],
) -> Result<(), StoreError> {
    let project_id = &lease.project_id;
    let known = problems(change.tx, project_id).await?;
    if known == found {
        return Ok(());
    }
    let seen: HashSet<(&str, i64, &str, Option<&str>)> = known.iter().map(key).collect();
    let sql = "DELETE FROM bead_sync_problem WHERE project_id = ?1";
    change.tx.execute(sql, vec![project_id.into()]).await?;
    for problem in found {
        let sql = "INSERT OR REPLACE INTO bead_sync_problem \
                   (project_id, path, line, code, bead_id, message, blob, created_at) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let values = vec![
            project_id.into(),
            (&problem.path).into(),
            problem.line.into(),
            (&problem.code).into(),
            problem.bead_id.clone().into(),
            (&problem.message).into(),
            problem.blob.clone().into(),
            change.now.0.into(),
        ];
        change.tx.execute(sql, values).await?;
        if seen.contains(&key(problem)) {
            continue;
        }
        let mut event = NewEvent::new(EventKind::BeadSyncProblem)
            .project(project_id)
            .with("path", problem.path.clone())
            .with("line", problem.line)
            .with("code", problem.code.clone())
            .with("message", problem.message.clone());
        if let Some(bead_id) = &problem.bead_id
            && is_bead(change.tx, bead_id, project_id).await?
        {
            event = event.bead(bead_id);
        }
        change.event(event).await?;
    }
    Ok(())
}

fn key(problem: &Problem) -> (&str, i64, &str, Option<&str>) {
    (
        &problem.path,
        problem.line,
        &problem.code,
        problem.blob.as_deref(),
    )
}

async fn is_bead<S: Statements>(
    tx: &S,
    bead_id: &str,
    project_id: &str,
) -> Result<bool, StoreError> {
    let sql =
        "SELECT 1 FROM bead WHERE id IN (SELECT value FROM json_each(?1)) AND project_id = ?2";
    let values = vec![to_json(&[bead_id]).into(), project_id.into()];
    Ok(tx.query_one(sql, values).await?.is_some())
}
