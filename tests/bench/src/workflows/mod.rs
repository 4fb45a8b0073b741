//! What a workflow costs: its transitions, how they bear a long history, and how soon work goes on after an approval.

pub mod approvals;
pub mod histories;
pub mod transitions;
mod undo;

use std::{
    fmt,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use http::StatusCode;
use loom_api::testing;
use loom_domain::{
    account::Role,
    bead::{Bead, BeadInput},
};
use loom_platform::{Database, Platform, Random, Statements, Transaction, native::NativePlatform};
use loom_store::{
    Change,
    bead::{self, Origin},
    migrate,
};
use serde_json::Value;

use crate::{
    Bench, Result,
    load::{Call, Connection},
    seed,
};

/// What was measured.
#[derive(Debug)]
pub struct Outcome {
    /// How many transitions a second.
    pub transitions: transitions::Outcome,
    /// What one costs at histories of several lengths.
    pub histories: histories::Outcome,
    /// How long the next node's run is in coming.
    pub approvals: approvals::Outcome,
}

/// Measures all three.
///
/// # Errors
///
/// When a transition is refused, or a run does not come.
pub async fn measure(bench: &Bench) -> Result<Outcome> {
    Ok(Outcome {
        transitions: transitions::measure(bench).await?,
        histories: histories::measure(bench).await?,
        approvals: approvals::measure(bench).await?,
    })
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.transitions.fmt(f)?;
        self.histories.fmt(f)?;
        self.approvals.fmt(f)
    }
}

/// What was put into a database.
struct Filled {
    platform: NativePlatform,
    token: Arc<str>,
    project_id: String,
}

/// A new database file with a project, a provider at `endpoint` and `agents` engineering managers.
async fn fill(database: &Path, endpoint: &str, agents: usize) -> Result<Filled> {
    let platform = testing::builder().database_file(database).build()?;
    migrate::migrate(platform.database()).await?;
    let token = testing::token(&platform, Role::Admin).await.into();
    let project_id = seed::register_project(&platform, "Workflows").await?;
    seed::team(&platform, endpoint, agents, &["engineering-manager"]).await?;
    Ok(Filled {
        platform,
        token,
        project_id,
    })
}

impl Filled {
    /// Files beads of a type, which follow the workflow that is for it, if there is one.
    async fn file(&self, kind: &str, beads: usize) -> Result<Vec<Bead>> {
        let tx = self.platform.database().transaction().await?;
        let change = Change::new(&tx, self.platform.random(), "bench").await?;
        let mut filed = Vec::new();
        for number in 0..beads {
            filed.push(file(&change, &self.project_id, kind, number).await?);
        }
        tx.commit().await?;
        Ok(filed)
    }
}

async fn file<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project_id: &str,
    kind: &str,
    number: usize,
) -> Result<Bead> {
    let input = BeadInput {
        project_id: Some(project_id.to_owned()),
        kind: Some(kind.to_owned()),
        title: Some(format!("Correct the totals, part {number}")),
        description: Some(seed::DESCRIPTION.to_owned()),
        ..BeadInput::default()
    };
    let id = bead::file(change, input, Origin::default()).await?.0.id;
    Ok(bead::get(change.tx, &id).await?)
}

/// The execution that a bead follows.
fn execution_of(bead: &Bead) -> Result<String> {
    let none = || format!("bead {} of type {} follows no workflow", bead.id, bead.kind);
    Ok(bead.execution_id.clone().ok_or_else(none)?)
}

/// One connection to the host.
struct Client {
    connection: Connection,
    token: Arc<str>,
}

impl Client {
    async fn open(address: &str, token: &Arc<str>) -> Result<Self> {
        Ok(Self {
            connection: Connection::open(address).await?,
            token: Arc::clone(token),
        })
    }

    /// Sends a request that must be answered with `expected`; returns the answer and how long it took.
    async fn send(
        &mut self,
        method: &'static str,
        path: &str,
        body: &Value,
        expected: StatusCode,
    ) -> Result<(Value, Duration)> {
        let body = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        let call = Call {
            method,
            path: path.to_owned(),
            token: Arc::clone(&self.token),
            headers: Vec::new(),
            body: body.into(),
        };
        let started = Instant::now();
        let (status, body) = self.connection.send(&call).await?;
        let time = started.elapsed();
        if status != expected {
            let told = String::from_utf8_lossy(&body);
            return Err(format!("{method} {path}: {status} {told}").into());
        }
        Ok((serde_json::from_slice(&body)?, time))
    }
}
