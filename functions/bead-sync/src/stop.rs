use loom_platform::DatabaseError;
use loom_store::StoreError;
use loom_workspace::WorkspaceError;

/// Why a round ended early.
pub(crate) enum Stop {
    /// The branch moved while it was at work: it begins again.
    Moved,
    /// The repository said no, or could not be reached.
    Workspace(WorkspaceError),
    /// The database said no.
    Store(StoreError),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<DatabaseError> for Stop {
    fn from(error: DatabaseError) -> Self {
        Self::Store(error.into())
    }
}

impl From<WorkspaceError> for Stop {
    fn from(error: WorkspaceError) -> Self {
        match error.code.as_str() {
            // What was listed a moment ago may have been taken away by a forced push.
            "head_moved" | "commit_not_found" => Self::Moved,
            _ => Self::Workspace(error),
        }
    }
}
