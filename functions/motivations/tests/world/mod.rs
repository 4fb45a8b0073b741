//! What the tests of `motivations` share: a project, and ways to make things happen at a moment.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test binary uses its own part"
)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a broken assumption of a test should stop it at once"
)]

use loom_api::testing::{Answer, Call, Calls, builder, call, count, play, token};
use loom_domain::account::Role;
use loom_domain::agent::{Agent, AgentStatus};
use loom_domain::bead::{Bead, BeadInput, BeadStatus};
use loom_domain::event::NewEvent;
use loom_domain::motivation::{Motivation, MotivationInput, Trigger};
use loom_domain::project::{Project, ProjectInput};
use loom_domain::time::Timestamp;
use loom_motivations::Report;
use loom_platform::native::NativePlatform;
use loom_platform::{Database, Platform, Statements, Transaction, Value as Sql};
use loom_store::motivation::{self, HistoryFilter};
use loom_store::{Change, agent, bead, event, migrate, project};
use serde_json::{Value, json};

pub struct World {
    pub platform: NativePlatform,
    pub project: Project,
    /// The moment at which the world was made, by the database's clock.
    pub start: Timestamp,
    admin: String,
    nudges: Calls,
}

/// Runs writes of `actor` in one transaction at a moment, and commits it.
#[macro_export]
macro_rules! at {
    ($world:expr, $now:expr, $actor:expr, |$change:ident| $body:expr) => {{
        use loom_platform::{Database, Platform, Transaction};
        let tx = $world.platform.database().transaction().await.unwrap();
        let $change = loom_store::Change {
            tx: &tx,
            random: $world.platform.random(),
            actor: $actor,
            now: $now,
        };
        let result = $body.await.unwrap();
        tx.commit().await.unwrap();
        result
    }};
}

impl World {
    pub async fn new() -> Self {
        let platform = builder().build().unwrap();
        migrate::migrate(platform.database()).await.unwrap();
        let nudges = play(&platform, "dispatch-tick");
        let admin = token(&platform, Role::Admin).await;
        let start = loom_store::now(platform.database()).await.unwrap();
        let project = register(&platform, "Test", start).await;
        Self {
            platform,
            project,
            start,
            admin,
            nudges,
        }
    }

    pub async fn another_project(&self, name: &str) -> Project {
        register(&self.platform, name, self.start).await
    }

    /// A moment so many minutes after the start.
    pub fn after(&self, minutes: i64) -> Timestamp {
        Timestamp(self.start.0 + minutes * 60_000)
    }

    pub async fn send(&self, request: Call) -> Answer {
        request
            .token(&self.admin)
            .send(&self.platform, loom_motivations::handle)
            .await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(call("GET", path)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(call("POST", path).json(body)).await
    }

    /// How often the dispatcher was nudged.
    pub async fn nudges(&self) -> usize {
        self.platform.tasks().finished().await;
        self.nudges.count()
    }

    pub async fn pass(&self, now: Timestamp) -> Report {
        loom_motivations::pass(&self.platform, now).await.unwrap()
    }

    /// A motivation of the project, made at a moment.
    pub async fn motivation(&self, now: Timestamp, body: Value) -> Motivation {
        let mut body = body;
        let fields = body.as_object_mut().unwrap();
        for (name, value) in [
            ("project_id", json!(self.project.id)),
            ("name", json!("M")),
            ("role", json!("qa-engineer")),
        ] {
            fields.entry(name).or_insert(value);
        }
        let input: MotivationInput = serde_json::from_value(body).unwrap();
        let new = input.create(now).unwrap();
        at!(self, now, "ann", |change| motivation::create(&change, new))
    }

    pub async fn read(&self, id: &str) -> Motivation {
        motivation::get(self.platform.database(), id).await.unwrap()
    }

    /// What is recorded of a motivation, newest first: `result` with the number of occurrences.
    pub async fn told(&self, id: &str) -> Vec<String> {
        self.history(id)
            .await
            .iter()
            .map(|row| format!("{} {}", row.result.as_str(), row.occurrences))
            .collect()
    }

    pub async fn history(&self, id: &str) -> Vec<Trigger> {
        let filter = HistoryFilter {
            motivation_id: Some(id.to_owned()),
            ..HistoryFilter::default()
        };
        motivation::history(self.platform.database(), &filter, None, 5_000)
            .await
            .unwrap()
    }

    /// Disables what every project has, so that nothing else fires.
    pub async fn quiet(&self) {
        self.pass(self.start).await;
        let sql = "UPDATE motivation SET status = 'disabled' WHERE built_in IS NOT NULL";
        self.sql(sql, vec![]).await;
    }

    pub async fn sql(&self, sql: &str, values: Vec<Sql>) {
        self.platform.database().execute(sql, values).await.unwrap();
    }

    pub async fn count(&self, sql: &str) -> i64 {
        count(&self.platform, sql).await
    }

    pub async fn file(&self, now: Timestamp, input: BeadInput) -> Bead {
        let input = BeadInput {
            project_id: Some(self.project.id.clone()),
            title: Some(input.title.unwrap_or_else(|| "Work".to_owned())),
            ..input
        };
        let origin = bead::Origin::default();
        at!(self, now, "ann", |change| bead::file(
            &change, input, origin
        ))
        .0
    }

    pub async fn bead(&self, id: &str) -> Bead {
        bead::get(self.platform.database(), id).await.unwrap()
    }

    pub async fn set_status(&self, now: Timestamp, id: &str, status: BeadStatus) {
        let bead = self.bead(id).await;
        at!(self, now, "ann", |change| bead::change_status(
            &change, &bead, status, "test"
        ));
    }

    /// What three failed runs leave behind.
    pub async fn exhaust(&self, now: Timestamp, id: &str) {
        self.set_status(now, id, BeadStatus::Blocked).await;
        let sql = "UPDATE bead SET failed_runs = 3 WHERE id = ?1";
        self.sql(sql, vec![id.into()]).await;
    }

    pub async fn event(&self, now: Timestamp, event: NewEvent) {
        let event = event.project(&self.project.id);
        at!(self, now, "webhook", |change| async {
            change.event(event).await
        });
    }

    pub async fn agent(&self, now: Timestamp, name: &str, role: &str) -> Agent {
        let new = Agent {
            name: name.to_owned(),
            role: role.to_owned(),
            persona: format!("default/{role}"),
            ..blank_agent()
        };
        at!(self, now, "ann", |change| agent::spawn(&change, new))
    }

    /// The kinds of all events, oldest first.
    pub async fn events(&self) -> Vec<String> {
        let all = event::EventFilter::default();
        event::list_after(self.platform.database(), 0, &all, 100_000)
            .await
            .unwrap()
            .into_iter()
            .map(|event| event.kind)
            .collect()
    }
}

async fn register(platform: &NativePlatform, name: &str, now: Timestamp) -> Project {
    let input = ProjectInput {
        name: Some(name.to_owned()),
        git_repo: Some(format!("/srv/{}", name.to_lowercase())),
        ..ProjectInput::default()
    };
    let tx = platform.database().transaction().await.unwrap();
    let change = Change {
        tx: &tx,
        random: platform.random(),
        actor: "ann",
        now,
    };
    let new = input.register().unwrap();
    let project = project::register(&change, new, false).await.unwrap();
    tx.commit().await.unwrap();
    project
}

fn blank_agent() -> Agent {
    Agent {
        id: String::new(),
        name: String::new(),
        role: String::new(),
        persona: String::new(),
        project_id: None,
        provider_id: None,
        model: None,
        status: AgentStatus::Idle,
        status_reason: None,
        current_run: None,
        current_bead: None,
        version: 1,
        created_at: Timestamp(0),
        last_active_at: None,
    }
}
