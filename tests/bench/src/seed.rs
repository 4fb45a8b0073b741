//! What is in a database before something is measured.

use std::{path::Path, sync::Arc};

use loom_api::testing;
use loom_domain::{
    account::Role,
    agent::{Agent, AgentStatus},
    bead::BeadInput,
    project::{GitStrategy, ProjectInput},
    provider::{ProviderInput, ProviderStatus},
    time::{DAY, Timestamp},
};
use loom_platform::{Database, Platform, Statements, Transaction, native::NativePlatform};
use loom_store::{
    Change, agent,
    bead::{self, Origin},
    migrate, project, provider,
};

use crate::Result;

/// What was put in.
pub(crate) struct Seeded {
    /// An access token of a user.
    pub(crate) token: Arc<str>,
    pub(crate) project_id: String,
    pub(crate) beads: Vec<String>,
}

/// A project with `beads` beads, in a new database file.
pub(crate) async fn beads(path: &Path, beads: usize) -> Result<Seeded> {
    let platform = testing::builder().database_file(path).build()?;
    migrate::migrate(platform.database()).await?;
    let token = testing::token(&platform, Role::User).await.into();
    let project_id = register_project(&platform, "Requests").await?;
    // Nobody to work on what is filed: the tick that a new bead causes ends when it sees that.
    team(&platform, "http://127.0.0.1:9", 0, &[]).await?;
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), "bench").await?;
    let mut ids = Vec::new();
    for number in 0..beads {
        let input = BeadInput {
            project_id: Some(project_id.clone()),
            title: Some(format!("Seeded bead {number}")),
            description: Some(DESCRIPTION.to_owned()),
            tags: Some(vec!["seeded".to_owned()]),
            ..BeadInput::default()
        };
        ids.push(bead::file(&change, input, Origin::default()).await?.0.id);
    }
    tx.commit().await?;
    Ok(Seeded {
        token,
        project_id,
        beads: ids,
    })
}

/// The description of a bead: as long as a short bug report.
pub(crate) const DESCRIPTION: &str = "The total of an invoice is wrong when a line has a negative quantity. Expected \
    is that the line is subtracted; it is added. Seen in version 2.3 with the attached file. The test of the totals \
    passes, because it has no such line.";

/// A project whose finished work is merged at once, without caps on money.
pub(crate) async fn register_project(platform: &NativePlatform, name: &str) -> Result<String> {
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), "bench").await?;
    let input = ProjectInput {
        name: Some(name.to_owned()),
        git_repo: Some(format!("/repositories/{name}")),
        git_strategy: Some(GitStrategy::Direct),
        max_concurrent: Some(64),
        bead_budget_micro_usd: Some(0),
        ..ProjectInput::default()
    };
    let project = project::register(&change, input.register()?, false).await?;
    tx.commit().await?;
    Ok(project.id)
}

/// A provider that passes for healthy and is not probed, and `agents` agents of the roles, in turn.
pub(crate) async fn team(
    platform: &NativePlatform,
    endpoint: &str,
    agents: usize,
    roles: &[&str],
) -> Result<()> {
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), "bench").await?;
    let input = ProviderInput {
        name: Some("TokenHub".to_owned()),
        endpoint: Some(endpoint.to_owned()),
        ..ProviderInput::default()
    };
    let mut hub = input.register()?;
    hub.status = ProviderStatus::Healthy;
    hub.next_heartbeat_at = Timestamp(change.now.0 + 365 * DAY);
    provider::register(&change, hub).await?;
    for (number, role) in (0..agents).zip(roles.iter().cycle()) {
        let agent = Agent {
            id: String::new(),
            name: format!("Agent {number}"),
            role: (*role).to_owned(),
            persona: format!("default/{role}"),
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
        agent::spawn(&change, agent).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// How many rows a query counts.
pub(crate) async fn count<S: Statements>(statements: &S, sql: &str) -> Result<i64> {
    let row = statements.query_one(sql, vec![]).await?;
    Ok(row.ok_or("a count without a row")?.integer(0)?)
}
