//! A Loom with a project, an agent and the two functions that `beads` calls.

use loom_api::testing::{self, Answer, Call, Calls, call, platform, play, rows, token};
use loom_domain::{
    account::Role,
    agent::{Agent, AgentStatus},
    project::ProjectInput,
    time::Timestamp,
};
use loom_platform::native::NativePlatform;
use loom_platform::{Database, Platform, Statements, Transaction};
use loom_store::{Change, agent};
use serde_json::{Value, json};

/// What a test works with.
pub(crate) struct World {
    pub(crate) platform: NativePlatform,
    pub(crate) project: String,
    pub(crate) agent: String,
    admin: String,
    /// Requests to `agent-step` and to `dispatch-tick`.
    pub(crate) starts: Calls,
    pub(crate) nudges: Calls,
}

impl World {
    pub(crate) async fn new() -> Self {
        let platform = platform();
        let admin = token(&platform, Role::Admin).await;
        let starts = play(&platform, "agent-step");
        let nudges = play(&platform, "dispatch-tick");
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
        rows(
            &self.platform,
            &[
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
            ],
        )
        .await
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
        self.nudges.count()
    }

    pub(crate) fn started(&self) -> usize {
        self.starts.count()
    }
}

pub(crate) async fn new_project(platform: &NativePlatform, name: &str) -> String {
    let input = ProjectInput {
        name: Some(name.to_owned()),
        ..ProjectInput::default()
    };
    testing::project(platform, input).await.id
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
