//! Connectors: their settings, their deliveries, and the replies that came back.
//!
//! Which events a connector is told of is derived from the event log, with a cursor per connector ([`take_in`]): nothing
//! is lost when whoever sends dies, and an event is one delivery at most. A delivery is claimed ([`claim`]), sent, and
//! its result recorded ([`record`]), each in a transaction of its own; whoever dies in between leaves it due again, under
//! the same id. Deliveries are no events themselves, or connectors would tell of their own telling; that a connector was
//! paused is one.

mod delivery;
mod intake;
mod reply;
mod row;
mod state;

use loom_domain::{
    Refusal,
    connector::{Connector, MOST_CONNECTORS},
    event::{EventKind, NewEvent},
};
use loom_platform::{Random, Statements};

use crate::{StoreError, change::Change, project};
use row::{COLUMNS, from_row, parameters};

pub use delivery::{Claimed, Recorded, claim, forget_old, keep_test, log, record};
pub use intake::{active, is_due, occurrence, take_in};
pub use reply::{Reply, find_reply, keep_reply, last_reply_at};
pub use state::{pause, resume};

/// The connector `id`, or a refusal that says how to find one.
pub async fn get<S: Statements>(statements: &S, id: &str) -> Result<Connector, StoreError> {
    find(statements, id).await?.ok_or_else(|| {
        Refusal::not_found(
            "connector_not_found",
            format!("There is no connector {id}. GET /api/v1/connectors lists them."),
        )
        .into()
    })
}

async fn find<S: Statements>(statements: &S, id: &str) -> Result<Option<Connector>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM connector WHERE id = ?1");
    let row = statements.query_one(&sql, vec![id.into()]).await?;
    row.as_ref().map(from_row).transpose()
}

/// Up to `limit` connectors after the id `after`, in the order of their ids.
pub async fn list<S: Statements>(
    statements: &S,
    after: &str,
    limit: i64,
) -> Result<Vec<Connector>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM connector WHERE id > ?1 ORDER BY id LIMIT ?2");
    let rows = statements
        .query(&sql, vec![after.into(), limit.into()])
        .await?;
    rows.iter().map(from_row).collect()
}

/// Makes a connector. It hears of what happens from now on.
pub async fn create<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    mut connector: Connector,
) -> Result<Connector, StoreError> {
    let row = change
        .tx
        .query_one("SELECT COUNT(*) FROM connector", vec![])
        .await?;
    if row.map_or(Ok(0), |row| row.integer(0))? >= MOST_CONNECTORS {
        let message = format!(
            "There are {MOST_CONNECTORS} connectors, and no more are possible. Delete one first."
        );
        return Err(Refusal::conflict("too_many_connectors", message).into());
    }
    connector.id = change.new_id();
    connector.created_at = change.now;
    connector.updated_at = change.now;
    refuse_unfit(change, &connector).await?;
    connector.cursor = tell(change, EventKind::ConnectorUpdated, &connector, "created").await?;
    let values = parameters(&connector);
    let places: Vec<String> = (1..=values.len())
        .map(|place| format!("?{place}"))
        .collect();
    let sql = format!(
        "INSERT INTO connector ({COLUMNS}) VALUES ({})",
        places.join(", ")
    );
    change.tx.execute(&sql, values).await?;
    Ok(connector)
}

/// Replaces the settings of a connector by those of `connector`, whose version must be the one in the database.
pub async fn update<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    mut connector: Connector,
) -> Result<Connector, StoreError> {
    refuse_unfit(change, &connector).await?;
    let sql = "UPDATE connector SET name = ?2, url = ?3, secret = ?4, project_id = ?5, events = ?6, min_priority = ?7, \
               escalations_only = ?8, agent_id = ?9, channel = ?10, recipient = ?11, version = version + 1, \
               updated_at = ?12 WHERE id = ?1 AND version = ?13";
    let values = vec![
        (&connector.id).into(),
        (&connector.name).into(),
        (&connector.url).into(),
        connector.secret.as_ref().into(),
        connector.project_id.as_ref().into(),
        crate::row::to_json(&connector.events).into(),
        connector.min_priority.map(|least| least.number()).into(),
        connector.escalations_only.into(),
        connector.agent_id.as_ref().into(),
        connector.channel.as_ref().into(),
        connector.recipient.as_ref().into(),
        change.now.0.into(),
        connector.version.into(),
    ];
    if change.tx.execute(sql, values).await? == 0 {
        let message = format!(
            "Connector {} was changed by somebody else in the meantime. Read it again and repeat your change.",
            connector.id
        );
        return Err(Refusal::conflict("version_conflict", message).into());
    }
    connector.version += 1;
    connector.updated_at = change.now;
    tell(change, EventKind::ConnectorUpdated, &connector, "changed").await?;
    Ok(connector)
}

/// Deletes a connector with its log.
pub async fn delete<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    connector: &Connector,
) -> Result<(), StoreError> {
    let sql = "DELETE FROM connector WHERE id = ?1";
    change.tx.execute(sql, vec![(&connector.id).into()]).await?;
    tell(change, EventKind::ConnectorDeleted, connector, "deleted").await?;
    Ok(())
}

/// Refuses a name that another one has, and a project that is not there.
async fn refuse_unfit<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    connector: &Connector,
) -> Result<(), StoreError> {
    let sql = "SELECT id FROM connector WHERE name = ?1 AND id <> ?2";
    let values = vec![(&connector.name).into(), (&connector.id).into()];
    if let Some(row) = change.tx.query_one(sql, values).await? {
        let message = format!(
            "Another connector has the name {:?}. Choose another, or change that one.",
            connector.name
        );
        return Err(Refusal::conflict("connector_exists", message)
            .detail("connector_id", row.text(0)?)
            .into());
    }
    let Some(project_id) = &connector.project_id else {
        return Ok(());
    };
    match project::get(change.tx, project_id).await {
        Ok(_) => Ok(()),
        Err(StoreError::Refused(refusal)) => {
            Err(Refusal::invalid("invalid_fields", refusal.message)
                .field("project_id", "does not exist")
                .into())
        }
        Err(error) => Err(error),
    }
}

/// Records that a connector is as it is now, and returns the event's sequence number. URLs are not told: they are long,
/// and of no use to those who may read events alone.
async fn tell<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    kind: EventKind,
    connector: &Connector,
    what: &str,
) -> Result<i64, StoreError> {
    let mut event = NewEvent::new(kind)
        .with("connector_id", connector.id.clone())
        .with("name", connector.name.clone())
        .with("kind", connector.kind.as_str())
        .with("status", connector.status.as_str())
        .with("change", what);
    if let Some(reason) = &connector.paused_reason {
        event = event.with("reason", reason.clone());
    }
    event.project_id.clone_from(&connector.project_id);
    Ok(change.event(event).await?)
}
