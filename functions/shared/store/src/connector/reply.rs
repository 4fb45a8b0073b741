//! Replies that were handled, so that each is handled once (invariant I8).

use loom_domain::{connector::Message, time::DAY, time::Timestamp};
use loom_platform::{Random, Statements};
use serde_json::Value;

use crate::{StoreError, change::Change, row::json};

/// How long a reply is remembered: much longer than one with its time is accepted.
const KEPT: i64 = 7 * DAY;

/// A reply that was handled.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// The SHA-256 of its body, in hexadecimal.
    pub body_sha256: String,
    /// What was answered.
    pub answer: Value,
}

/// The reply with this messenger, sender and id, if it was handled already.
pub async fn find_reply<S: Statements>(
    statements: &S,
    message: &Message,
) -> Result<Option<Reply>, StoreError> {
    let sql = "SELECT body_sha256, answer FROM connector_reply WHERE channel = ?1 AND sender = ?2 AND message_id = ?3";
    let values = vec![
        (&message.channel).into(),
        (&message.sender).into(),
        (&message.message_id).into(),
    ];
    let row = statements.query_one(sql, values).await?;
    row.map(|row| {
        Ok(Reply {
            body_sha256: row.text(0)?,
            answer: json(&row, 1)?,
        })
    })
    .transpose()
}

/// Keeps a reply that was handled in this change, and forgets old ones.
pub async fn keep_reply<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    message: &Message,
    reply: &Reply,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO connector_reply (channel, sender, message_id, body_sha256, answer, received_at) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let values = vec![
        (&message.channel).into(),
        (&message.sender).into(),
        (&message.message_id).into(),
        (&reply.body_sha256).into(),
        reply.answer.to_string().into(),
        change.now.0.into(),
    ];
    change.tx.execute(sql, values).await?;
    let sql = "DELETE FROM connector_reply WHERE received_at < ?1";
    change
        .tx
        .execute(sql, vec![(change.now.0 - KEPT).into()])
        .await?;
    Ok(())
}

/// When the last reply was handled.
pub async fn last_reply_at<S: Statements>(statements: &S) -> Result<Option<Timestamp>, StoreError> {
    let sql = "SELECT MAX(received_at) FROM connector_reply";
    match statements.query_one(sql, vec![]).await? {
        Some(row) => Ok(row.optional_integer(0)?.map(Timestamp)),
        None => Ok(None),
    }
}
