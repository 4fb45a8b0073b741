//! A Loom with a project, an agent and the two functions that `beads` calls.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use loom_api::testing::{Answer, Call, call, platform, token};
use loom_domain::{
    account::Role,
    agent::{Agent, AgentStatus},
    project::ProjectInput,
    time::Timestamp,
};
use loom_platform::native::{NativePlatform, handler};
use loom_platform::{Database, Platform, Statements, Transaction, body_from};
use loom_store::{Change, agent, project};
use serde_json::{Value, json};

/// What a test works with.
pub(crate) struct World {
    pub(crate) platform: NativePlatform,
    pub(crate) project: String,
    pub(crate) agent: String,
    admin: String,
    /// Requests to `agent-step` and to `dispatch-tick`.
    pub(crate) starts: Arc<AtomicUsize>,
    pub(crate) nudges: Arc<AtomicUsize>,
}

impl World {
    pub(crate) async fn new() -> Self {
        let platform = platform();
        let admin = token(&platform, Role::Admin).await;
        let count = |host: &str| {
            let calls = Arc::new(AtomicUsize::new(0));
            let counter = Arc::clone(&calls);
            let answer = handler(move |_| {
                counter.fetch_add(1, Ordering::SeqCst);
                async { http::Response::new(body_from("{}")) }
            });
            platform.http().route(host, answer);
            calls
        };
        let starts = count("agent-step.spin.internal");
        let nudges = count("dispatch-tick.spin.internal");
        let project = new_project(&platform, "Demo").await;
        let agent = new_agent(&platform, "Ada", "engineering-manager", None).await;
        Self {
            platform,
            project,
            agent,
            admin,
            starts,
            nudges,
        }
    }

    pub(crate) async fn send(&self, request: Call) -> Answer {
        request
            .token(&self.admin)
            .send(&self.platform, loom_beads::handle)
            .await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(call("GET", path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(call("POST", path).json(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(call("PATCH", path).json(body)).await
    }

    /// Files a bead with these fields besides the project and a title.
    pub(crate) async fn bead(&self, fields: Value) -> String {
        let mut body = json!({"project_id": self.project, "title": "Fix it"});
        for (name, value) in fields.as_object().unwrap() {
            body[name] = value.clone();
        }
        let answer = self.post("/api/v1/beads", body).await;
        assert_eq!(answer.status, 201, "{}", answer.json());
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn read(&self, id: &str) -> Value {
        let answer = self.get(&format!("/api/v1/beads/{id}")).await;
        assert_eq!(answer.status, 200, "{}", answer.json());
        answer.json()
    }

    /// Everything that a write could have changed: all rows of the tables that beads live in, and the event log.
    pub(crate) async fn snapshot(&self) -> Vec<String> {
        let mut rows = Vec::new();
        for table in [
            "bead",
            "bead_tag",
            "bead_blocker",
            "bead_related",
            "comment",
            "decision",
            "run",
            "agent",
            "project",
            "event",
        ] {
            let sql = format!("SELECT * FROM {table}");
            for row in self.platform.database().query(&sql, vec![]).await.unwrap() {
                rows.push(format!("{table} {row:?}"));
            }
        }
        rows
    }

    /// The kinds of the events about a bead, oldest first.
    pub(crate) async fn events(&self, bead: &str) -> Vec<String> {
        let sql = "SELECT kind FROM event WHERE bead_id = ?1 ORDER BY sequence";
        let rows = self.platform.database().query(sql, vec![bead.into()]).await;
        rows.unwrap()
            .iter()
            .map(|row| row.text(0).unwrap())
            .collect()
    }

    pub(crate) async fn quiet(&self) {
        self.platform.tasks().finished().await;
    }

    pub(crate) fn nudged(&self) -> usize {
        self.nudges.load(Ordering::SeqCst)
    }

    pub(crate) fn started(&self) -> usize {
        self.starts.load(Ordering::SeqCst)
    }
}

pub(crate) async fn new_project(platform: &NativePlatform, name: &str) -> String {
    let input = ProjectInput {
        name: Some(name.to_owned()),
        git_repo: Some("/srv/demo".to_owned()),
        ..ProjectInput::default()
    };
    let tx = platform.database().transaction().await.unwrap();
    let change = Change::new(&tx, platform.random(), "test").await.unwrap();
    let project = project::register(&change, input.register().unwrap(), false)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    project.id
}

pub(crate) async fn new_agent(
    platform: &NativePlatform,
    name: &str,
    role: &str,
    project_id: Option<&str>,
) -> String {
    let agent = Agent {
        id: String::new(),
        name: name.to_owned(),
        role: role.to_owned(),
        persona: format!("default/{role}"),
        project_id: project_id.map(str::to_owned),
        provider_id: None,
        model: None,
        status: AgentStatus::Idle,
        status_reason: None,
        current_run: None,
        current_bead: None,
        version: 1,
        created_at: Timestamp(0),
        last_active_at: None,
    };
    let tx = platform.database().transaction().await.unwrap();
    let change = Change::new(&tx, platform.random(), "test").await.unwrap();
    let agent = agent::spawn(&change, agent).await.unwrap();
    tx.commit().await.unwrap();
    agent.id
}
