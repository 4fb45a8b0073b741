use std::sync::Arc;

use http::{Response, StatusCode};
use loom_platform::{
    Body, body_from,
    native::{Handler, handler},
};
use loom_workspace::{Call, ErrorKind, Operation, Workspace, memory::MemoryWorkspace};
use tokio::sync::watch;

/// Repositories in memory behind the workspace service's protocol.
pub(crate) struct Repository {
    memory: MemoryWorkspace,
    closed: watch::Sender<usize>,
}

impl Repository {
    pub(crate) fn new() -> Self {
        Self {
            memory: MemoryWorkspace::new(),
            closed: watch::Sender::new(0),
        }
    }

    /// Returns once the working copies of `runs` runs were removed, which is the last thing that a run does.
    pub(crate) async fn closed(&self, runs: usize) {
        // Fails only when the sender is gone, and this holds it.
        self.closed
            .subscribe()
            .wait_for(|closed| *closed >= runs)
            .await
            .ok();
    }

    pub(crate) fn merges(&self) -> usize {
        self.memory.merges().len()
    }

    pub(crate) fn handler(self: &Arc<Self>) -> Handler {
        let repository = Arc::clone(self);
        handler(move |request| {
            let repository = Arc::clone(&repository);
            async move { repository.answer(request.body()).await }
        })
    }

    async fn answer(&self, body: &[u8]) -> Response<Body> {
        let call: Call = match serde_json::from_slice(body) {
            Ok(call) => call,
            Err(error) => return told(StatusCode::BAD_REQUEST, error.to_string()),
        };
        let closes = matches!(call.operation, Operation::Close);
        let answer = match self.memory.perform(call).await {
            Ok(outcome) => json(StatusCode::OK, &outcome),
            Err(error) => {
                let status = match error.kind {
                    ErrorKind::Refused => StatusCode::UNPROCESSABLE_ENTITY,
                    ErrorKind::StaleFence => StatusCode::CONFLICT,
                    ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
                };
                json(status, &error)
            }
        };
        if closes {
            self.closed.send_modify(|closed| *closed += 1);
        }
        answer
    }
}

fn json(status: StatusCode, value: &impl serde::Serialize) -> Response<Body> {
    match serde_json::to_string(value) {
        Ok(text) => told(status, text),
        Err(error) => told(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    }
}

fn told(status: StatusCode, text: String) -> Response<Body> {
    let mut response = Response::new(body_from(text));
    *response.status_mut() = status;
    response
}
