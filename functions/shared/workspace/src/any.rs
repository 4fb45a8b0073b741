use loom_domain::github::Repository;
use loom_platform::{Platform, Variables};

use crate::{Call, LocalWorkspace, Outcome, Workspace, WorkspaceError, github::GithubWorkspace};

/// The workspace of any project: its repository is on GitHub, or it is a local one that the workspace service keeps.
#[derive(Debug, Clone)]
pub struct AnyWorkspace<P: Platform> {
    github: GithubWorkspace<P>,
    local: Option<LocalWorkspace<P::HttpClient>>,
}

impl<P: Platform> AnyWorkspace<P> {
    /// Reads the variables `workspace_url` and `workspace_token`. Without them, calls for local repositories are refused
    /// with `workspace_not_configured`. Sends nothing.
    pub async fn load(platform: &P) -> Self {
        let read = async |name: &str| platform.variables().get_optional(name).await.ok().flatten();
        let local = read("workspace_url")
            .await
            .zip(read("workspace_token").await)
            .map(|(url, token)| LocalWorkspace::new(platform.http().clone(), &url, token));
        Self {
            github: GithubWorkspace::new(platform.clone()),
            local,
        }
    }
}

impl<P: Platform> Workspace for AnyWorkspace<P> {
    async fn perform(&self, call: Call) -> Result<Outcome, WorkspaceError> {
        if Repository::parse(&call.project.repository).is_some() {
            return self.github.perform(call).await;
        }
        match &self.local {
            Some(local) => local.perform(call).await,
            None => Err(WorkspaceError::refused(
                "workspace_not_configured",
                "The variables workspace_url and workspace_token are not set. `cargo loom up` sets them; with `spin up`, \
                 start loom-workspace and set both.",
            )),
        }
    }
}
