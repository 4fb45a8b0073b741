//! A Loom with a project, whose dispatcher counts its nudges.

use loom_api::testing::{self, Answer, Call, Calls, call, execute, platform, play, rows, token};
use loom_domain::{account::Role, project::ProjectInput};
use loom_platform::Platform;
use loom_platform::native::NativePlatform;
use loom_store::bead;
use serde_json::{Value, json};

pub(crate) struct World {
    pub(crate) platform: NativePlatform,
    pub(crate) project: String,
    pub(crate) admin: String,
    pub(crate) user: String,
    nudges: Calls,
}

impl World {
    pub(crate) async fn new() -> Self {
        let platform = platform();
        let (admin, user) = (
            token(&platform, Role::Admin).await,
            token(&platform, Role::User).await,
        );
        let nudges = play(&platform, "dispatch-tick");
        let project = testing::project(&platform, ProjectInput::default()).await;
        Self {
            platform,
            project: project.id,
            admin,
            user,
            nudges,
        }
    }

    pub(crate) async fn send(&self, request: Call) -> Answer {
        request
            .token(&self.admin)
            .send(&self.platform, loom_decisions::handle)
            .await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(call("GET", path)).await
    }

    pub(crate) async fn ask(&self, body: Value) -> Answer {
        self.send(call("POST", "/api/v1/decisions").json(body))
            .await
    }

    /// Asks, and returns the decision.
    pub(crate) async fn asked(&self, body: Value) -> Value {
        let answer = self.ask(body).await;
        assert_eq!(answer.status, 201, "{}", answer.json());
        answer.json()
    }

    /// An escalation of a new bead.
    pub(crate) async fn escalation(&self) -> (String, Value) {
        let bead = self.bead().await;
        let body = json!({"kind": "escalation", "bead_id": bead, "question": "Drop it?"});
        (bead, self.asked(body).await)
    }

    pub(crate) async fn decide(&self, id: &str, decision: &str) -> Answer {
        let body = json!({"decision": decision, "rationale": "Because."});
        let path = format!("/api/v1/decisions/{id}/decide");
        self.send(call("POST", &path).json(body)).await
    }

    pub(crate) async fn bead(&self) -> String {
        let bead = testing::bead(&self.platform, &self.project, "Fix it").await;
        bead.id
    }

    pub(crate) async fn read_bead(&self, id: &str) -> loom_domain::bead::Bead {
        bead::get(self.platform.database(), id).await.unwrap()
    }

    pub(crate) async fn set(&self, sql: &str) {
        execute(&self.platform, sql).await;
    }

    pub(crate) async fn nudges(&self) -> usize {
        self.platform.tasks().finished().await;
        self.nudges.count()
    }

    /// Everything that a request could have changed.
    pub(crate) async fn snapshot(&self) -> Vec<String> {
        rows(
            &self.platform,
            &[
                "decision", "bead", "comment", "timer", "project", "budget", "run", "event",
            ],
        )
        .await
    }
}
