use loom_domain::run::Run;
use loom_platform::Statements;
use serde::Serialize;

use super::{COLUMNS, from_row};
use crate::StoreError;

/// Up to `limit` runs that hold a bead now, oldest first.
pub async fn live<S: Statements>(
    statements: &S,
    project_id: Option<&str>,
    limit: i64,
) -> Result<Vec<Run>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM run WHERE status IN ('queued', 'running', 'waiting') \
         AND (?1 IS NULL OR project_id = ?1) ORDER BY created_at, id LIMIT ?2"
    );
    let rows = statements
        .query(&sql, vec![project_id.into(), limit.into()])
        .await?;
    rows.iter().map(from_row).collect()
}

/// What a run used.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RunUsage {
    /// Tokens of all its prompts.
    pub prompt_tokens: i64,
    /// Tokens of all its completions.
    pub completion_tokens: i64,
    /// What it cost, in micro-US-dollars.
    pub cost_micro_usd: i64,
}

/// How often a run took an action, and how that went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ActionCount {
    /// The action's name.
    pub name: String,
    /// `ok`, `refused` or `error`.
    pub status: String,
    /// How often.
    pub count: i64,
}

/// What each run of a bead used, by run.
pub async fn usage_of_bead<S: Statements>(
    statements: &S,
    bead_id: &str,
) -> Result<Vec<(String, RunUsage)>, StoreError> {
    let sql = "SELECT run_id, SUM(prompt_tokens), SUM(completion_tokens), SUM(cost_micro_usd) FROM usage \
               WHERE bead_id = ?1 GROUP BY run_id";
    let rows = statements.query(sql, vec![bead_id.into()]).await?;
    rows.iter()
        .map(|row| {
            let usage = RunUsage {
                prompt_tokens: row.integer(1)?,
                completion_tokens: row.integer(2)?,
                cost_micro_usd: row.integer(3)?,
            };
            Ok((row.text(0)?, usage))
        })
        .collect()
}

/// Which actions each run of a bead took, by run.
pub async fn action_counts_of_bead<S: Statements>(
    statements: &S,
    bead_id: &str,
) -> Result<Vec<(String, ActionCount)>, StoreError> {
    let sql = "SELECT run_id, name, status, COUNT(*) FROM action_result \
               WHERE run_id IN (SELECT id FROM run WHERE bead_id = ?1) \
               GROUP BY run_id, name, status ORDER BY run_id, name, status";
    let rows = statements.query(sql, vec![bead_id.into()]).await?;
    rows.iter()
        .map(|row| {
            let count = ActionCount {
                name: row.text(1)?,
                status: row.text(2)?,
                count: row.integer(3)?,
            };
            Ok((row.text(0)?, count))
        })
        .collect()
}
