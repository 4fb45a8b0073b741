//! Rows of the tables `connector` and `connector_delivery`.

use loom_domain::{
    bead::Priority,
    connector::{Connector, ConnectorKind, ConnectorStatus, Delivery, DeliveryStatus},
};
use loom_platform::{Row, Value};

use crate::{
    StoreError,
    row::{json, optional_time, time, to_json, word},
};

/// In the order of [`parameters`] and [`from_row`]; the id comes first.
pub(super) const COLUMNS: &str = "id, name, kind, url, secret, project_id, events, min_priority, escalations_only, \
    agent_id, channel, recipient, status, paused_reason, paused_at, consecutive_failures, cursor, version, created_at, \
    updated_at";

pub(super) fn parameters(connector: &Connector) -> Vec<Value> {
    vec![
        (&connector.id).into(),
        (&connector.name).into(),
        connector.kind.as_str().into(),
        (&connector.url).into(),
        connector.secret.as_ref().into(),
        connector.project_id.as_ref().into(),
        to_json(&connector.events).into(),
        connector.min_priority.map(Priority::number).into(),
        connector.escalations_only.into(),
        connector.agent_id.as_ref().into(),
        connector.channel.as_ref().into(),
        connector.recipient.as_ref().into(),
        connector.status.as_str().into(),
        connector.paused_reason.as_ref().into(),
        connector.paused_at.map(|at| at.0).into(),
        connector.consecutive_failures.into(),
        connector.cursor.into(),
        connector.version.into(),
        connector.created_at.0.into(),
        connector.updated_at.0.into(),
    ]
}

pub(super) fn from_row(row: &Row) -> Result<Connector, StoreError> {
    Ok(Connector {
        id: row.text(0)?,
        name: row.text(1)?,
        kind: word(row, 2, ConnectorKind::parse)?,
        url: row.text(3)?,
        secret: row.optional_text(4)?,
        project_id: row.optional_text(5)?,
        events: json(row, 6)?,
        min_priority: row.optional_integer(7)?.and_then(Priority::new),
        escalations_only: row.boolean(8)?,
        agent_id: row.optional_text(9)?,
        channel: row.optional_text(10)?,
        recipient: row.optional_text(11)?,
        status: word(row, 12, ConnectorStatus::parse)?,
        paused_reason: row.optional_text(13)?,
        paused_at: optional_time(row, 14)?,
        consecutive_failures: row.integer(15)?,
        cursor: row.integer(16)?,
        version: row.integer(17)?,
        created_at: time(row, 18)?,
        updated_at: time(row, 19)?,
    })
}

/// In the order of [`delivery`].
pub(super) const DELIVERY: &str = "id, connector_id, sequence, event, status, attempts, next_attempt_at, attempted_at, \
    response_status, latency_ms, code, message, created_at, delivered_at";

pub(super) fn delivery(row: &Row) -> Result<Delivery, StoreError> {
    Ok(Delivery {
        id: row.text(0)?,
        connector_id: row.text(1)?,
        sequence: row.optional_integer(2)?,
        event: row.text(3)?,
        status: word(row, 4, DeliveryStatus::parse)?,
        attempts: row.integer(5)?,
        next_attempt_at: optional_time(row, 6)?,
        attempted_at: optional_time(row, 7)?,
        response_status: row.optional_integer(8)?,
        latency_ms: row.optional_integer(9)?,
        code: row.optional_text(10)?,
        message: row.optional_text(11)?,
        created_at: time(row, 12)?,
        delivered_at: optional_time(row, 13)?,
    })
}
