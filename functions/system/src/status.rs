use std::collections::BTreeMap;

use axum::extract::State;
use loom_api::{Error, Json};
use loom_domain::{
    agent::AgentStatus, bead::BeadStatus, provider::ProviderStatus, run::Run, run::RunStatus,
};
use loom_platform::{KeyValue, Platform};
use loom_store::{agent, bead, provider, run};
use serde::Serialize;
use serde_json::Value;

/// Where the tick leaves its summary.
const LAST_TICK: &str = "tick:last";
const MOST_RUNS: i64 = 200;

#[derive(Debug, Serialize)]
pub(crate) struct Status {
    /// `active` while a run is at work or the last tick found some, else `parked`.
    state: &'static str,
    /// Why, in a sentence or a code of the tick's.
    reason: String,
    /// When the tick last looked.
    updated_at: Option<Value>,
    /// What the last tick did: the beads that it dispatched, and each that it skipped with code and sentence.
    last_tick: Option<Value>,
    /// The runs that hold a bead now, oldest first, at most 200.
    runs: Vec<Run>,
    counts: Counts,
}

/// How many there are in each status.
#[derive(Debug, Serialize)]
struct Counts {
    beads: BTreeMap<&'static str, i64>,
    agents: BTreeMap<&'static str, i64>,
    providers: BTreeMap<&'static str, i64>,
}

pub(crate) async fn status<P: Platform>(State(platform): State<P>) -> Result<Json<Status>, Error> {
    let database = platform.database();
    let last_tick: Option<Value> = platform
        .key_value()
        .get(LAST_TICK)
        .await?
        .and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let runs = run::live(database, None, MOST_RUNS).await?;
    let working = runs
        .iter()
        .filter(|run| run.status != RunStatus::Waiting)
        .count();
    let said = |name: &str| last_tick.as_ref()?.get(name).cloned();
    let text = |name: &str| said(name)?.as_str().map(str::to_owned);
    let (state, reason) = if working > 0 {
        ("active", format!("{working} run(s) at work."))
    } else {
        let state = match text("state").as_deref() {
            Some("active") => "active",
            _ => "parked",
        };
        let reason = text("reason").unwrap_or_else(|| "No tick has run yet.".to_owned());
        (state, reason)
    };
    Ok(Json(Status {
        state,
        reason,
        updated_at: said("at"),
        counts: counts(database).await?,
        last_tick,
        runs,
    }))
}

async fn counts<S: loom_platform::Statements>(statements: &S) -> Result<Counts, Error> {
    let mut beads: BTreeMap<&'static str, i64> = BeadStatus::ALL
        .into_iter()
        .map(|status| (status.as_str(), 0))
        .collect();
    for (status, count) in bead::count_by_status(statements).await? {
        if let Some(status) = BeadStatus::parse(&status) {
            beads.insert(status.as_str(), count);
        }
    }
    let mut agents: BTreeMap<&'static str, i64> =
        [AgentStatus::Idle, AgentStatus::Busy, AgentStatus::Stuck]
            .into_iter()
            .map(|status| (status.as_str(), 0))
            .collect();
    for agent in agent::all(statements).await? {
        *agents.entry(agent.status.as_str()).or_default() += 1;
    }
    let mut providers: BTreeMap<&'static str, i64> = [
        ProviderStatus::Pending,
        ProviderStatus::Healthy,
        ProviderStatus::Failed,
    ]
    .into_iter()
    .map(|status| (status.as_str(), 0))
    .collect();
    for provider in provider::list(statements).await? {
        *providers.entry(provider.status.as_str()).or_default() += 1;
    }
    Ok(Counts {
        beads,
        agents,
        providers,
    })
}
