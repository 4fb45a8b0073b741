//! What the store's tests share: a migrated database with one project and some agents.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test binary uses its own part"
)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a broken assumption of a test should stop it at once"
)]

use loom_domain::{
    agent::{Agent, AgentStatus},
    bead::{Bead, BeadInput},
    project::{Project, ProjectInput},
    run::RetryPolicy,
    time::Timestamp,
};
use loom_platform::{Database, Platform, Statements, Transaction, native::NativePlatform};
use loom_store::{
    Change, StoreError, agent, bead, migrate, project,
    run::{self, Claim, Claimed, Leased},
};

pub const RETRY: RetryPolicy = RetryPolicy { first_wait: 0 };
pub const LEASE_MS: i64 = 60_000;

pub struct World {
    pub platform: NativePlatform,
    pub project: Project,
}

/// Runs writes in one transaction and commits it.
#[macro_export]
macro_rules! write {
    ($world:expr, |$change:ident| $body:expr) => {{
        use loom_platform::{Database, Platform, Transaction};
        let tx = $world.platform.database().transaction().await.unwrap();
        let $change = loom_store::Change::new(&tx, $world.platform.random(), "test")
            .await
            .unwrap();
        let result = $body.await;
        if result.is_ok() {
            tx.commit().await.unwrap();
        }
        result
    }};
}

impl World {
    pub async fn new() -> Self {
        let platform = NativePlatform::builder().build().unwrap();
        migrate::migrate(platform.database()).await.unwrap();
        let input = ProjectInput {
            name: Some("Test".into()),
            git_repo: Some("/srv/test".into()),
            bead_prefix: Some("t".repeat(2)),
            ..Default::default()
        };
        let project = input.register().unwrap();
        let tx = platform.database().transaction().await.unwrap();
        let change = Change::new(&tx, platform.random(), "test").await.unwrap();
        let project = project::register(&change, project, true).await.unwrap();
        tx.commit().await.unwrap();
        Self { platform, project }
    }

    pub fn db(&self) -> &impl Database {
        self.platform.database()
    }

    pub async fn agent(&self, name: &str) -> Agent {
        let agent = Agent {
            id: String::new(),
            name: name.into(),
            role: "engineering-manager".into(),
            persona: "default/engineering-manager".into(),
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
        };
        write!(self, |change| agent::spawn(&change, agent)).unwrap()
    }

    pub async fn bead(&self, title: &str) -> Bead {
        self.file(BeadInput {
            title: Some(title.into()),
            ..Default::default()
        })
        .await
        .unwrap()
    }

    pub async fn file(&self, input: BeadInput) -> Result<Bead, StoreError> {
        let input = BeadInput {
            project_id: Some(self.project.id.clone()),
            ..input
        };
        write!(self, |change| bead::file(
            &change,
            input,
            bead::Origin::default()
        ))
        .map(|(bead, _)| bead)
    }

    pub async fn read(&self, id: &str) -> Bead {
        bead::get(self.platform.database(), id).await.unwrap()
    }

    pub async fn update(&self, id: &str, input: BeadInput) -> Result<Bead, StoreError> {
        let now = self.read(id).await;
        write!(self, |change| bead::update(&change, &now, input))
    }

    pub async fn claim(&self, bead: &str, agent: &str) -> Result<Claimed, StoreError> {
        let claim = Claim {
            bead_id: bead,
            agent_id: agent,
            hand_over_ms: LEASE_MS,
        };
        write!(self, |change| run::claim(&change, claim))
    }

    pub async fn lease(&self, run: &str) -> Result<Leased, StoreError> {
        write!(self, |change| run::lease(&change, run, LEASE_MS))
    }

    pub async fn ready_ids(&self) -> Vec<String> {
        let ready = bead::list_ready(self.platform.database(), None, None, 100)
            .await
            .unwrap();
        ready.into_iter().map(|bead| bead.id).collect()
    }

    pub async fn count(&self, sql: &str) -> i64 {
        let row = self
            .platform
            .database()
            .query_one(sql, vec![])
            .await
            .unwrap();
        row.unwrap().integer(0).unwrap()
    }
}

/// The code of a refusal.
pub fn code<T: std::fmt::Debug>(result: Result<T, StoreError>) -> &'static str {
    match result.unwrap_err() {
        StoreError::Refused(refusal) => refusal.code,
        other => panic!("not a refusal: {other}"),
    }
}
