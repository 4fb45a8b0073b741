//! Deliveries of GitHub's webhooks: kept when they come, handled once (invariant I8).

mod accept;
mod claim;
mod in_step;
mod list;
mod redelivery;
mod refusal;
mod retention;

use loom_domain::{
    Refusal,
    delivery::{Delivery, DeliveryStatus},
};
use loom_platform::{Row, Statements};

use crate::{
    StoreError,
    row::{optional_time, time, word},
};

pub use accept::{Accepted, NewDelivery, accept};
pub use claim::{Claimed, End, claim, claim_next, finish, in_hand, release, replay};
pub use in_step::{issue_was_closed, note_issue};
pub use list::{Counts, DeliveryFilter, DeliveryPosition, counts, list, newest};
pub use redelivery::{known, note_redelivery, take_redelivery_sweep};
pub use refusal::{last_refusal, refused};
pub use retention::{Forgotten, forget, sweep_is_due};

const COLUMNS: &str = "id, guid, sha256, event, action, repository, project_id, installation_id, status, outcome, error, \
    bead_id, attempts, repeats, size, received_at, due_at, processed_at, fence";

/// What is kept of a delivery as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// The headers of interest, as a JSON object.
    pub headers: String,
    /// `identity` or `deflate`: how `body` holds the payload.
    pub encoding: String,
    /// The payload.
    pub body: Vec<u8>,
}

/// The delivery with this id, or with this GUID, or a refusal that says how to find one.
pub async fn get<S: Statements>(statements: &S, id: &str) -> Result<Delivery, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM delivery WHERE id = ?1 OR guid = ?1");
    match statements.query_one(&sql, vec![id.into()]).await? {
        Some(row) => from_row(&row),
        None => Err(Refusal::not_found(
            "delivery_not_found",
            format!("There is no delivery {id}. GET /api/v1/webhooks/deliveries lists them."),
        )
        .into()),
    }
}

/// What is kept of a delivery as it came; `None` once its week is over.
pub async fn payload<S: Statements>(
    statements: &S,
    id: &str,
) -> Result<Option<Payload>, StoreError> {
    let sql = "SELECT headers, encoding, body FROM delivery_payload WHERE delivery_id = ?1";
    let row = statements.query_one(sql, vec![id.into()]).await?;
    row.map(|row| {
        Ok(Payload {
            headers: row.text(0)?,
            encoding: row.text(1)?,
            body: row.blob(2)?,
        })
    })
    .transpose()
}

fn from_row(row: &Row) -> Result<Delivery, StoreError> {
    let status = word(row, 8, DeliveryStatus::parse)?;
    let due = optional_time(row, 16)?;
    Ok(Delivery {
        id: row.text(0)?,
        guid: row.text(1)?,
        sha256: row.text(2)?,
        event: row.text(3)?,
        action: row.optional_text(4)?,
        repository: row.optional_text(5)?,
        project_id: row.optional_text(6)?,
        installation_id: row.optional_integer(7)?,
        status,
        outcome: row.optional_text(9)?,
        error: row.optional_text(10)?,
        bead_id: row.optional_text(11)?,
        attempts: row.integer(12)?,
        repeats: row.integer(13)?,
        size: row.integer(14)?,
        received_at: time(row, 15)?,
        due_at: due.filter(|_| status == DeliveryStatus::Received),
        lease_until: due.filter(|_| status == DeliveryStatus::Processing),
        processed_at: optional_time(row, 17)?,
        fence: row.integer(18)?,
    })
}
