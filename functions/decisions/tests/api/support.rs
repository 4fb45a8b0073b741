//! A Loom with a project, whose dispatcher counts its nudges.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use loom_api::testing::{Answer, Call, call, platform, token};
use loom_domain::{account::Role, bead::BeadInput, project::ProjectInput};
use loom_platform::native::{NativePlatform, handler};
use loom_platform::{Database, Platform, Statements, Transaction, body_from};
use loom_store::{Change, bead, bead::Origin, project};
use serde_json::{Value, json};

pub(crate) struct World {
    pub(crate) platform: NativePlatform,
    pub(crate) project: String,
    pub(crate) admin: String,
    pub(crate) user: String,
    nudges: Arc<AtomicUsize>,
}

impl World {
    pub(crate) async fn new() -> Self {
        let platform = platform();
        let (admin, user) = (
            token(&platform, Role::Admin).await,
            token(&platform, Role::User).await,
        );
        let nudges = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&nudges);
        let count = handler(move |_| {
            counter.fetch_add(1, Ordering::SeqCst);
            async { http::Response::new(body_from("{}")) }
        });
        platform.http().route("dispatch-tick.spin.internal", count);
        let input = ProjectInput {
            name: Some("Demo".into()),
            git_repo: Some("/srv/demo".into()),
            ..ProjectInput::default()
        };
        let tx = platform.database().transaction().await.unwrap();
        let change = Change::new(&tx, platform.random(), "test").await.unwrap();
        let project = project::register(&change, input.register().unwrap(), false)
            .await
            .unwrap();
        tx.commit().await.unwrap();
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
        let input = BeadInput {
            project_id: Some(self.project.clone()),
            title: Some("Fix it".into()),
            ..BeadInput::default()
        };
        let tx = self.platform.database().transaction().await.unwrap();
        let change = Change::new(&tx, self.platform.random(), "test")
            .await
            .unwrap();
        let (bead, _) = bead::file(&change, input, Origin::default()).await.unwrap();
        tx.commit().await.unwrap();
        bead.id
    }

    pub(crate) async fn read_bead(&self, id: &str) -> loom_domain::bead::Bead {
        bead::get(self.platform.database(), id).await.unwrap()
    }

    pub(crate) async fn set(&self, sql: &str) {
        self.platform.database().execute(sql, vec![]).await.unwrap();
    }

    pub(crate) async fn nudges(&self) -> usize {
        self.platform.tasks().finished().await;
        self.nudges.load(Ordering::SeqCst)
    }

    /// Everything that a request could have changed.
    pub(crate) async fn snapshot(&self) -> Vec<String> {
        let mut rows = Vec::new();
        for table in [
            "decision", "bead", "comment", "timer", "project", "budget", "run", "event",
        ] {
            let sql = format!("SELECT * FROM {table}");
            for row in self.platform.database().query(&sql, vec![]).await.unwrap() {
                rows.push(format!("{table} {row:?}"));
            }
        }
        rows
    }
}
