use loom_domain::decision::{Assignee, Decision, DecisionKind, DecisionStatus};
use loom_platform::{Statements, Value};

use super::{COLUMNS, from_row};
use crate::StoreError;

/// Which decisions are wanted; what is `None` is not asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DecisionFilter {
    /// Where they stand. Those that are [`Open`](DecisionStatus::Open) come urgent first and then oldest first, all
    /// other lists newest first.
    pub status: Option<DecisionStatus>,
    /// What they are about.
    pub kind: Option<DecisionKind>,
    /// 0 to 3.
    pub priority: Option<i64>,
    /// Their project.
    pub project_id: Option<String>,
    /// Their bead.
    pub bead_id: Option<String>,
    /// Who is to answer.
    pub assignee: Option<Assignee>,
}

/// A place in a list of decisions: priority, moment of asking, id.
pub type DecisionPosition = (i64, i64, String);

/// The decisions that fit, up to `limit` of them after the place `after`.
pub async fn list<S: Statements>(
    statements: &S,
    filter: &DecisionFilter,
    after: Option<&DecisionPosition>,
    limit: i64,
) -> Result<Vec<Decision>, StoreError> {
    let mut conditions = vec!["1 = 1".to_owned()];
    let mut values: Vec<Value> = vec![limit.into()];
    let mut add = |condition: &str, value: Value| {
        values.push(value);
        conditions.push(condition.replace('?', &format!("?{}", values.len())));
    };
    if let Some(kind) = filter.kind {
        add("kind = ?", kind.as_str().into());
    }
    if let Some(priority) = filter.priority {
        add("priority = ?", priority.into());
    }
    if let Some(project_id) = &filter.project_id {
        add("project_id = ?", project_id.into());
    }
    if let Some(bead_id) = &filter.bead_id {
        add("bead_id = ?", bead_id.into());
    }
    if let Some(assignee) = filter.assignee {
        add("assignee = ?", assignee.as_str().into());
    }
    let is_inbox = filter.status == Some(DecisionStatus::Open);
    if let Some((priority, created_at, id)) = after {
        if is_inbox {
            // Row values keep the order of the index.
            let place = values.len();
            values.extend([(*priority).into(), (*created_at).into(), id.into()]);
            conditions.push(format!(
                "(priority, created_at, id) > (?{}, ?{}, ?{})",
                place + 1,
                place + 2,
                place + 3
            ));
        } else {
            let place = values.len();
            values.extend([(*created_at).into(), id.into()]);
            conditions.push(format!(
                "(created_at, id) < (?{}, ?{})",
                place + 1,
                place + 2
            ));
        }
    }
    let order = if is_inbox {
        // Written out, so that the partial index of open decisions serves it.
        conditions.push("status = 'open'".to_owned());
        "priority, created_at, id"
    } else {
        if let Some(status) = filter.status {
            conditions.push(format!("status = '{}'", status.as_str()));
        }
        "created_at DESC, id DESC"
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM decision WHERE {} ORDER BY {order} LIMIT ?1",
        conditions.join(" AND ")
    );
    statements
        .query(&sql, values)
        .await?
        .iter()
        .map(from_row)
        .collect()
}
