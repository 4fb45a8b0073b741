use std::sync::Arc;

use rusqlite::Connection;

use super::database::serialize;
use crate::{
    DatabaseError,
    native::{NativeDatabase, statement::explain},
};

/// A database as bytes, from which a simulation starts: migrated and filled once, copied for every seed.
#[derive(Clone, Default)]
pub struct Template {
    pub(super) bytes: Arc<[u8]>,
}

impl Template {
    /// What is committed in `database` now.
    pub fn of(database: &NativeDatabase) -> Result<Self, DatabaseError> {
        let mut connection = Connection::open(database.path()).map_err(explain)?;
        serialize(&mut connection)
    }
}

impl std::fmt::Debug for Template {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Template")
            .field("bytes", &self.bytes.len())
            .finish()
    }
}
