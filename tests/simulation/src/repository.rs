//! The workspace service: repositories in memory behind the wire protocol, with a record of who asked for what.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::{Request, Response};
use loom_platform::{
    Body, Platform, Statements, body_from, native::simulation::SimPlatform, read_body,
};
use loom_workspace::{
    Call, ErrorKind, Workspace, WorkspaceError,
    memory::{Commit, MemoryWorkspace, Merge},
};

use crate::{draw::Draw, mutation::Mutation};

/// A call that was let in.
#[derive(Debug, Clone)]
pub(crate) struct Admitted {
    pub(crate) run: String,
    pub(crate) key: String,
    pub(crate) fence: i64,
    pub(crate) operation: &'static str,
    /// The run's fence in the database at that moment.
    pub(crate) current_fence: i64,
}

pub(crate) struct Repository {
    memory: MemoryWorkspace,
    state: Mutex<State>,
}

struct State {
    draw: Draw,
    /// In so many of a thousand calls.
    unavailable: u64,
    mutation: Option<Mutation>,
    admitted: Vec<Admitted>,
    refused: u64,
    calls: u64,
}

impl Repository {
    pub(crate) fn new(seed: u64, unavailable: u64, mutation: Option<Mutation>) -> Arc<Self> {
        Arc::new(Self {
            memory: MemoryWorkspace::new(),
            state: Mutex::new(State {
                draw: Draw::new(seed, "repository"),
                unavailable,
                mutation,
                admitted: Vec::new(),
                refused: 0,
                calls: 0,
            }),
        })
    }

    pub(crate) fn commits(&self) -> Vec<Commit> {
        self.memory.commits()
    }

    pub(crate) fn merges(&self) -> Vec<Merge> {
        self.memory.merges()
    }

    pub(crate) fn admitted(&self) -> Vec<Admitted> {
        self.lock().admitted.clone()
    }

    /// How many calls were refused for a stale fence.
    pub(crate) fn refused(&self) -> u64 {
        self.lock().refused
    }

    /// From now on it is always there.
    pub(crate) fn calm_down(&self) {
        self.lock().unavailable = 0;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) async fn handle(
        self: Arc<Self>,
        observer: SimPlatform,
        request: Request<Body>,
    ) -> Response<Body> {
        let body = read_body(request.into_body(), usize::MAX).await.unwrap();
        let call: Call = serde_json::from_slice(&body).expect("the protocol's own type");
        let given = call.clone();
        let row = observer
            .database()
            .query_one(
                "SELECT fence FROM run WHERE id = ?1",
                vec![(&call.run.id).into()],
            )
            .await
            .unwrap()
            .expect("a workspace is asked for by a run that exists");
        let mutated = {
            let mut state = self.lock();
            state.calls += 1;
            let chance = state.unavailable;
            if state.draw.per_mille(chance) {
                let error = WorkspaceError::unavailable("workspace_restarting", "come back later");
                return answered(503, &error);
            }
            state.mutated(call)
        };
        let outcome = self.memory.perform(mutated).await;
        if matches!(&outcome, Err(error) if error.kind == ErrorKind::StaleFence) {
            self.lock().refused += 1;
        } else {
            self.lock().admitted.push(Admitted {
                run: given.run.id,
                key: given.key,
                fence: given.run.fence,
                operation: given.operation.name(),
                current_fence: row.integer(0).unwrap(),
            });
        }
        match outcome {
            Ok(outcome) => answered(200, &outcome),
            Err(error) if error.kind == ErrorKind::StaleFence => answered(409, &error),
            Err(error) => answered(422, &error),
        }
    }
}

impl State {
    fn mutated(&self, mut call: Call) -> Call {
        match self.mutation {
            Some(Mutation::WorkspaceIgnoresFences) => call.run.fence = i64::MAX,
            Some(Mutation::WorkspaceForgetsKeys) => {
                call.key = format!("{}#{}", call.key, self.calls);
            }
            _ => {}
        }
        call
    }
}

fn answered(status: u16, body: &impl serde::Serialize) -> Response<Body> {
    let body = serde_json::to_vec(body).unwrap();
    Response::builder()
        .status(status)
        .body(body_from(body))
        .unwrap()
}
