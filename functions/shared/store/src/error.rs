use loom_domain::Refusal;
use loom_platform::DatabaseError;
use thiserror::Error;

/// Why a store function did not do what it was asked.
#[derive(Debug, Clone, Error, PartialEq)]
pub enum StoreError {
    /// The database failed, was busy, or refused the statement.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// A rule said no. Nothing was changed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A row holds what no version of Loom writes.
    #[error("the database holds what it should not: {0}")]
    Corrupt(String),
}
