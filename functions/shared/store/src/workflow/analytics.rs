use std::collections::BTreeMap;

use loom_domain::workflow::Execution;
use loom_platform::Statements;
use serde::Serialize;

use super::execution::{ExecutionFilter, list};
use crate::StoreError;

/// How many of the newest executions are shown.
const RECENT: i64 = 10;

/// What all executions together came to.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Analytics {
    /// How many there are.
    pub total_executions: i64,
    /// How many by status.
    pub status_counts: BTreeMap<String, i64>,
    /// How many by the type of their workflow.
    pub type_counts: BTreeMap<String, i64>,
    /// How often a node was entered again, on average.
    pub average_cycles: f64,
    /// How often at most.
    pub max_cycles: i64,
    /// How many were escalated at least once.
    pub escalated_count: i64,
    /// The share of these, from 0 to 1.
    pub escalation_rate: f64,
    /// How long those that ended took on average, in milliseconds.
    pub average_duration_ms: f64,
    /// The newest.
    pub recent_executions: Vec<Execution>,
}

/// Counts all executions.
pub async fn analytics<S: Statements>(statements: &S) -> Result<Analytics, StoreError> {
    let sql = "SELECT workflow_type, status, COUNT(*), SUM(cycle_count), MAX(cycle_count), \
               SUM(EXISTS (SELECT 1 FROM workflow_history WHERE execution_id = id \
                           AND json_extract(record, '$.type') = 'escalated')), \
               COALESCE(SUM(ended_at - started_at), 0), COUNT(ended_at) \
               FROM workflow_execution GROUP BY workflow_type, status";
    let mut analytics = Analytics::default();
    let (mut cycles, mut duration, mut ended) = (0, 0, 0);
    for row in statements.query(sql, vec![]).await? {
        let count = row.integer(2)?;
        analytics.total_executions += count;
        *analytics.type_counts.entry(row.text(0)?).or_default() += count;
        *analytics.status_counts.entry(row.text(1)?).or_default() += count;
        cycles += row.integer(3)?;
        analytics.max_cycles = analytics.max_cycles.max(row.integer(4)?);
        analytics.escalated_count += row.integer(5)?;
        duration += row.integer(6)?;
        ended += row.integer(7)?;
    }
    analytics.average_cycles = share(cycles, analytics.total_executions);
    analytics.escalation_rate = share(analytics.escalated_count, analytics.total_executions);
    analytics.average_duration_ms = share(duration, ended);
    analytics.recent_executions =
        list(statements, &ExecutionFilter::default(), None, RECENT).await?;
    Ok(analytics)
}

/// `part / whole`, and 0 of nothing.
#[allow(
    clippy::cast_precision_loss,
    reason = "counts and sums stay far below 2^52"
)]
fn share(part: i64, whole: i64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}
