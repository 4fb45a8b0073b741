use loom_domain::delivery::{Delivery, DeliveryStatus};
use loom_platform::{Statements, Value};

use super::{COLUMNS, from_row};
use crate::StoreError;

/// Which deliveries are wanted; what is `None` is not asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeliveryFilter {
    /// Where they stand.
    pub status: Option<DeliveryStatus>,
    /// The event that they tell of.
    pub event: Option<String>,
    /// Their project.
    pub project_id: Option<String>,
}

/// A place in the list of deliveries: moment of arrival, id.
pub type DeliveryPosition = (i64, String);

/// How many deliveries of the last 30 days there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Those that wait.
    pub received: i64,
    /// Those that are being handled.
    pub processing: i64,
    /// Those that did something.
    pub processed: i64,
    /// Those that did nothing.
    pub ignored: i64,
    /// Those that could not be handled.
    pub failed: i64,
}

/// The deliveries that fit, newest first, up to `limit` of them after the place `after`.
pub async fn list<S: Statements>(
    statements: &S,
    filter: &DeliveryFilter,
    after: Option<&DeliveryPosition>,
    limit: i64,
) -> Result<Vec<Delivery>, StoreError> {
    let mut conditions = vec!["1 = 1".to_owned()];
    let mut values: Vec<Value> = vec![limit.into()];
    let mut add = |column: &str, value: Value| {
        values.push(value);
        conditions.push(format!("{column} = ?{}", values.len()));
    };
    if let Some(status) = filter.status {
        add("status", status.as_str().into());
    }
    if let Some(event) = &filter.event {
        add("event", event.into());
    }
    if let Some(project_id) = &filter.project_id {
        add("project_id", project_id.into());
    }
    if let Some((received_at, id)) = after {
        values.extend([(*received_at).into(), id.into()]);
        conditions.push(format!(
            "(received_at, id) < (?{}, ?{})",
            values.len() - 1,
            values.len()
        ));
    }
    let sql = format!(
        "SELECT {COLUMNS} FROM delivery WHERE {} ORDER BY received_at DESC, id DESC LIMIT ?1",
        conditions.join(" AND ")
    );
    let rows = statements.query(&sql, values).await?;
    rows.iter().map(from_row).collect()
}

/// The delivery that came last, if any came.
pub async fn newest<S: Statements>(statements: &S) -> Result<Option<Delivery>, StoreError> {
    Ok(list(statements, &DeliveryFilter::default(), None, 1)
        .await?
        .into_iter()
        .next())
}

/// How many deliveries there are of each status.
pub async fn counts<S: Statements>(statements: &S) -> Result<Counts, StoreError> {
    let sql = "SELECT status, COUNT(*) FROM delivery GROUP BY status";
    let mut counts = Counts::default();
    for row in statements.query(sql, vec![]).await? {
        let number = row.integer(1)?;
        match DeliveryStatus::parse(&row.text(0)?) {
            Some(DeliveryStatus::Received) => counts.received = number,
            Some(DeliveryStatus::Processing) => counts.processing = number,
            Some(DeliveryStatus::Processed) => counts.processed = number,
            Some(DeliveryStatus::Ignored) => counts.ignored = number,
            Some(DeliveryStatus::Failed) => counts.failed = number,
            None => {}
        }
    }
    Ok(counts)
}
