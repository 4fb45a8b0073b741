use loom_api::Error;
use loom_domain::run::EndReason;
use loom_platform::DatabaseError;
use loom_store::StoreError;

/// Why a step does not simply go on to the next.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Somebody else holds the run now: nothing more may be done (invariant I2).
    Stale,
    /// Something outside is not there just now. The run goes back to the queue, and the tick takes it up after that
    /// many milliseconds.
    Park { after_ms: i64, why: String },
    /// The run is over.
    End(EndReason),
    /// Something failed that should not. The lease runs out, and the tick takes the run up again.
    Failed(Error),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Refused(refusal) if refusal.code == "stale_fence" => Self::Stale,
            StoreError::Database(DatabaseError::Busy) => Self::Park {
                after_ms: 1_000,
                why: DatabaseError::Busy.to_string(),
            },
            error => Self::Failed(error.into()),
        }
    }
}

impl From<DatabaseError> for Stop {
    fn from(error: DatabaseError) -> Self {
        StoreError::from(error).into()
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}
