//! Budgets: what is reserved and what is spent (invariant I11).

use loom_domain::{budget::BudgetScope, project::Project, run::Run, time::Timestamp};
use loom_platform::Statements;
use serde::Serialize;

use crate::StoreError;

/// The caps that a call must stay under, in micro-US-dollars; none = no cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caps {
    /// Of its bead.
    pub bead: Option<i64>,
    /// Of its project.
    pub project: Option<i64>,
    /// Of everything on its day.
    pub day: Option<i64>,
}

impl Caps {
    /// The caps of a project, with that of the day.
    pub fn new(project: &Project, day: Option<i64>) -> Self {
        Self {
            bead: project.bead_budget_micro_usd,
            project: project.budget_micro_usd,
            day,
        }
    }
}

/// The three budgets that one call counts against.
fn subjects<'a>(
    bead_id: &'a str,
    project_id: &'a str,
    day: &'a str,
) -> [(BudgetScope, &'a str); 3] {
    [
        (BudgetScope::Bead, bead_id),
        (BudgetScope::Project, project_id),
        (BudgetScope::Day, day),
    ]
}

/// Reserves `amount` against the budgets of bead, project and day, or says whose would be exceeded.
///
/// Each is one conditional statement in the caller's transaction, so that any number of concurrent calls cannot pass
/// one budget together; the caller must not commit after a refusal.
pub async fn reserve<S: Statements>(
    tx: &S,
    run: &Run,
    amount: i64,
    caps: Caps,
    now: Timestamp,
) -> Result<Option<BudgetScope>, StoreError> {
    let day = now.day();
    for (scope, subject) in subjects(&run.bead_id, &run.project_id, &day) {
        let cap = match scope {
            BudgetScope::Bead => caps.bead,
            BudgetScope::Project => caps.project,
            BudgetScope::Day => caps.day,
        };
        tx.execute(
            "INSERT OR IGNORE INTO budget (scope, subject) VALUES (?1, ?2)",
            vec![scope.as_str().into(), subject.into()],
        )
        .await?;
        let sql = "UPDATE budget SET reserved_micro_usd = reserved_micro_usd + ?3 WHERE scope = ?1 AND subject = ?2 \
                   AND (?4 IS NULL OR reserved_micro_usd + spent_micro_usd + ?3 <= ?4 + granted_micro_usd)";
        let reserved = tx
            .execute(
                sql,
                vec![
                    scope.as_str().into(),
                    subject.into(),
                    amount.into(),
                    cap.into(),
                ],
            )
            .await?;
        if reserved == 0 {
            return Ok(Some(scope));
        }
    }
    Ok(None)
}

/// Turns a reservation of the day `reserved_at` into what was really spent.
pub(crate) async fn settle<S: Statements>(
    tx: &S,
    run: &Run,
    reserved: i64,
    spent: i64,
    reserved_at: Timestamp,
) -> Result<(), StoreError> {
    let day = reserved_at.day();
    for (scope, subject) in subjects(&run.bead_id, &run.project_id, &day) {
        let sql = "UPDATE budget SET reserved_micro_usd = reserved_micro_usd - ?3, spent_micro_usd = spent_micro_usd + ?4 \
                   WHERE scope = ?1 AND subject = ?2";
        tx.execute(
            sql,
            vec![
                scope.as_str().into(),
                subject.into(),
                reserved.into(),
                spent.into(),
            ],
        )
        .await?;
    }
    Ok(())
}

/// Releases what an ended run still has reserved: the call that nobody will settle.
pub(crate) async fn release_run<S: Statements>(tx: &S, run: &Run) -> Result<(), StoreError> {
    let open = "run_id = ?1 AND status = 'calling' AND reserved_micro_usd > 0";
    let rows = tx
        .query(
            &format!("SELECT reserved_micro_usd, started_at FROM step WHERE {open}"),
            vec![(&run.id).into()],
        )
        .await?;
    for row in rows {
        settle(tx, run, row.integer(0)?, 0, Timestamp(row.integer(1)?)).await?;
    }
    tx.execute(
        &format!("UPDATE step SET reserved_micro_usd = 0 WHERE {open}"),
        vec![(&run.id).into()],
    )
    .await?;
    Ok(())
}

/// Grants `amount` micro-US-dollars beyond the cap of a budget.
pub(crate) async fn grant<S: Statements>(
    tx: &S,
    scope: BudgetScope,
    subject: &str,
    amount: i64,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO budget (scope, subject, granted_micro_usd) VALUES (?1, ?2, ?3) ON CONFLICT (scope, subject) \
               DO UPDATE SET granted_micro_usd = granted_micro_usd + excluded.granted_micro_usd, is_withheld = 0";
    tx.execute(
        sql,
        vec![scope.as_str().into(), subject.into(), amount.into()],
    )
    .await?;
    Ok(())
}

/// Notes that nothing more is granted: nothing is dispatched on this budget until it is raised.
pub(crate) async fn withhold<S: Statements>(
    tx: &S,
    scope: BudgetScope,
    subject: &str,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO budget (scope, subject, is_withheld) VALUES (?1, ?2, 1) \
               ON CONFLICT (scope, subject) DO UPDATE SET is_withheld = 1";
    tx.execute(sql, vec![scope.as_str().into(), subject.into()])
        .await?;
    Ok(())
}

/// A budget as it stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Balance {
    /// Reserved by calls under way, in micro-US-dollars.
    pub reserved_micro_usd: i64,
    /// Spent, in micro-US-dollars.
    pub spent_micro_usd: i64,
    /// What people granted beyond the cap, in micro-US-dollars.
    pub granted_micro_usd: i64,
    /// A person granted nothing more, or did not answer.
    pub is_withheld: bool,
}

/// How a budget stands; an unused one is all zero.
pub async fn balance<S: Statements>(
    statements: &S,
    scope: BudgetScope,
    subject: &str,
) -> Result<Balance, StoreError> {
    let sql = "SELECT reserved_micro_usd, spent_micro_usd, granted_micro_usd, is_withheld FROM budget \
         WHERE scope = ?1 AND subject = ?2";
    let row = statements
        .query_one(sql, vec![scope.as_str().into(), subject.into()])
        .await?;
    row.map_or(Ok(Balance::default()), |row| {
        Ok(Balance {
            reserved_micro_usd: row.integer(0)?,
            spent_micro_usd: row.integer(1)?,
            granted_micro_usd: row.integer(2)?,
            is_withheld: row.boolean(3)?,
        })
    })
}
