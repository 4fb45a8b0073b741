//! The workspace service, run in this process: repositories on disk for agents to work on.

use crate::logs::Logs;
use loom_workspace_service::{Config, SandboxPolicy};
use std::path::Path;

/// The running service.
pub(crate) struct Service {
    /// Its address.
    pub(crate) url: String,
    /// Its task; aborting it stops the service.
    pub(crate) task: tokio::task::JoinHandle<()>,
}

/// Starts the service on a free port of the loopback interface. Only who has `token` is served.
pub(crate) async fn start(
    state: &Path,
    token: String,
    sandbox: SandboxPolicy,
    logs: Logs,
) -> std::io::Result<Service> {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let config = Config {
        root: state.join("workspace"),
        token,
        sandbox,
        ..Config::default()
    };
    let task = tokio::spawn(async move {
        if let Err(error) = loom_workspace_service::serve(listener, config).await {
            logs.host(&format!("the workspace service ended: {error}"));
        }
    });
    Ok(Service { url, task })
}
