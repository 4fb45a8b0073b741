use loom_domain::delivery::{KNOWN, PAYLOAD_KEPT, REDELIVERY_SPAN};
use loom_platform::Statements;

use crate::{StoreError, change::NOW};

/// What was forgotten.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Payloads, whose deliveries are still known.
    pub payloads: u64,
    /// Deliveries.
    pub deliveries: u64,
}

/// Forgets up to `limit` payloads and as many deliveries whose time is over. What still waits to be handled stays.
pub async fn forget<S: Statements>(statements: &S, limit: i64) -> Result<Forgotten, StoreError> {
    // A read in place of writes, most of the time.
    let sql = format!(
        "SELECT EXISTS (SELECT 1 FROM delivery_payload WHERE received_at <= {NOW} - ?1) \
         OR EXISTS (SELECT 1 FROM delivery WHERE received_at <= {NOW} - ?2) \
         OR EXISTS (SELECT 1 FROM redelivery WHERE asked_at <= {NOW} - ?3)"
    );
    let values = vec![
        PAYLOAD_KEPT.into(),
        KNOWN.into(),
        (2 * REDELIVERY_SPAN).into(),
    ];
    let row = statements.query_one(&sql, values).await?;
    if !row.map_or(Ok(false), |row| row.boolean(0))? {
        return Ok(Forgotten::default());
    }
    let sql = format!(
        "DELETE FROM delivery_payload WHERE delivery_id IN (SELECT delivery_id FROM delivery_payload p \
         WHERE received_at <= {NOW} - ?1 \
         AND NOT EXISTS (SELECT 1 FROM delivery WHERE id = p.delivery_id AND due_at IS NOT NULL) \
         ORDER BY received_at LIMIT ?2)"
    );
    let payloads = statements
        .execute(&sql, vec![PAYLOAD_KEPT.into(), limit.into()])
        .await?;
    let sql = format!(
        "DELETE FROM delivery WHERE id IN (SELECT id FROM delivery WHERE received_at <= {NOW} - ?1 \
         AND due_at IS NULL ORDER BY received_at, id LIMIT ?2)"
    );
    let deliveries = statements
        .execute(&sql, vec![KNOWN.into(), limit.into()])
        .await?;
    let sql = format!("DELETE FROM redelivery WHERE asked_at <= {NOW} - ?1");
    statements
        .execute(&sql, vec![(2 * REDELIVERY_SPAN).into()])
        .await?;
    Ok(Forgotten {
        payloads,
        deliveries,
    })
}

/// Whether the sweep has anything to do: deliveries that wait, status comments and merges that are due,
/// issues that have no bead yet, what is to be forgotten, or the next look at what never arrived. One read of the heads of
/// their indexes.
pub async fn sweep_is_due<S: Statements>(statements: &S) -> Result<bool, StoreError> {
    let sql = format!(
        "SELECT EXISTS (SELECT 1 FROM delivery WHERE due_at <= {NOW}) \
         OR EXISTS (SELECT 1 FROM github_report WHERE changes > reported_changes AND not_before <= {NOW}) \
         OR EXISTS (SELECT 1 FROM github_issue JOIN project ON project.id = github_issue.project_id \
                    AND project.status = 'open' WHERE github_issue.wants_bead = 1 AND github_issue.bead_id IS NULL) \
         OR EXISTS (SELECT 1 FROM github_pull_request WHERE merge_wanted_by IS NOT NULL AND is_open = 1 \
                    AND merge_not_before <= {NOW}) \
         OR EXISTS (SELECT 1 FROM delivery_payload WHERE received_at <= {NOW} - ?1) \
         OR EXISTS (SELECT 1 FROM delivery WHERE received_at <= {NOW} - ?2) \
         OR EXISTS (SELECT 1 FROM redelivery_sweep WHERE due_at <= {NOW} \
                    AND EXISTS (SELECT 1 FROM project WHERE repository_key IS NOT NULL))"
    );
    let values = vec![PAYLOAD_KEPT.into(), KNOWN.into()];
    let row = statements.query_one(&sql, values).await?;
    row.map_or(Ok(false), |row| Ok(row.boolean(0)?))
}
