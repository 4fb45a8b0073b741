use std::io;

use loom_workspace::WorkspaceError;

pub(crate) type Result<T> = std::result::Result<T, WorkspaceError>;

/// Says what could not be done when the system refuses something that has nothing to do with the caller's request.
pub(crate) trait Context<T> {
    fn doing(self, what: &str) -> Result<T>;
}

impl<T> Context<T> for io::Result<T> {
    fn doing(self, what: &str) -> Result<T> {
        self.map_err(|error| {
            WorkspaceError::unavailable(
                "workspace_io",
                format!("the workspace service could not {what}: {error}"),
            )
        })
    }
}

impl<T> Context<T> for rustix::io::Result<T> {
    fn doing(self, what: &str) -> Result<T> {
        self.map_err(io::Error::from).doing(what)
    }
}
