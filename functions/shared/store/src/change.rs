use loom_domain::{event::NewEvent, id::uuid_v7, time::Timestamp};
use loom_platform::{DatabaseError, Random, Statements};

use crate::{StoreError, event};

/// The database's own clock, in SQL: leases and due times are compared with this one (invariant I3).
pub(crate) const NOW: &str = "CAST(unixepoch('subsec') * 1000 AS INTEGER)";

/// The present moment by the database's clock.
pub async fn now<S: Statements>(statements: &S) -> Result<Timestamp, StoreError> {
    let row = statements
        .query_one(&format!("SELECT {NOW}"), vec![])
        .await?;
    let row = row.ok_or_else(|| StoreError::Corrupt("the clock gave no row".to_owned()))?;
    Ok(Timestamp(row.integer(0)?))
}

/// One change of state: an open transaction, who makes it and when. Every function that writes takes one, so that a
/// change and the events that tell of it are one transaction (invariant I6).
#[derive(Debug)]
pub struct Change<'a, S, R> {
    /// The open transaction.
    pub tx: &'a S,
    /// Where ids come from.
    pub random: &'a R,
    /// Who makes the change: a user's name, `agent:<id>`, or the function that does.
    pub actor: &'a str,
    /// When, by the database's clock.
    pub now: Timestamp,
}

impl<'a, S: Statements, R: Random> Change<'a, S, R> {
    /// A change in the open transaction `tx`.
    pub async fn new(tx: &'a S, random: &'a R, actor: &'a str) -> Result<Self, StoreError> {
        Ok(Self {
            tx,
            random,
            actor,
            now: now(tx).await?,
        })
    }

    /// A fresh UUIDv7.
    pub fn new_id(&self) -> String {
        uuid_v7(self.now.0, self.random.bytes())
    }

    /// Records an event of this change.
    pub async fn event(&self, event: NewEvent) -> Result<i64, DatabaseError> {
        event::append(self.tx, self.actor, self.now, event).await
    }
}
