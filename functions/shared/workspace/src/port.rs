use crate::{Call, Outcome, WorkspaceError};

/// A place where runs work on repositories.
///
/// A clone is another handle to the same place.
pub trait Workspace: Clone + Send + Sync + 'static {
    /// Performs one operation and returns once its effect is durable.
    ///
    /// Dropping the future does not undo or stop what has begun: call again with the same key to learn its outcome.
    fn perform(&self, call: Call) -> impl Future<Output = Result<Outcome, WorkspaceError>> + Send;
}
