//! What a step of an agent costs besides the model: from the model's answer, through its two actions, the end of the
//! step, the call for the next one, its lease and its prompt, to the next request to the model.

pub(crate) mod model;
pub(crate) mod workspace;

use std::{fmt, path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use http::StatusCode;
use loom_api::testing;
use loom_domain::account::Role;
use loom_platform::{
    Platform, body_from,
    native::{NativePlatform, handler},
};
use loom_store::migrate;
use serde_json::json;

use crate::{
    Bench, Result, Samples,
    load::{Call, Connection},
    native,
    process::Process,
    seed, serve,
    stats::milliseconds,
    table::Table,
};
use model::Model;
use workspace::Repository;

/// Steps of a run that are measured; one more commits and ends it, which makes 25, the most that a run may take.
pub const STEPS: usize = 24;

/// The host under which the model is played natively.
const HUB: &str = "http://tokenhub:8090";
/// And the workspace service.
const SERVICE: &str = "http://workspace:8091";
const SERVICE_TOKEN: &str = "a token of the workspace service";

/// Longer than any run should take.
const PATIENCE: Duration = Duration::from_secs(60);

/// What was measured.
#[derive(Debug)]
pub struct Outcome {
    /// Natively.
    pub native: Side,
    /// Through the components on the host, with the model and the workspace on sockets.
    pub components: Side,
}

/// One side.
#[derive(Debug)]
pub struct Side {
    /// All steps.
    pub all: Samples,
    /// The first, second and last third of the steps of each run: a conversation grows.
    pub thirds: [Samples; 3],
    /// Time of the scripted model itself, which is not part of the others.
    pub model: Samples,
}

/// Lets an agent work on beads, one after the other, on both sides.
///
/// # Errors
///
/// When a run doesn't take its 25 steps and end with its commit merged.
pub async fn measure(bench: &Bench) -> Result<Outcome> {
    let (native, components) = bench.scale.runs;
    Ok(Outcome {
        native: natively(&bench.directory().join("step-native.db"), native).await?,
        components: through_components(bench, components).await?,
    })
}

async fn natively(database: &Path, runs: usize) -> Result<Side> {
    let model = Arc::new(Model::answering(model::say)?);
    let repository = Arc::new(Repository::new());
    let platform = testing::builder()
        .database_file(database)
        .variable("tokenhub_api_key", model.api_key())
        .variable("workspace_url", SERVICE)
        .variable("workspace_token", SERVICE_TOKEN)
        .files_from(Bench::root())
        .build()?;
    let (token, project_id) = fill(&platform, HUB).await?;
    native::answer_nudges(&platform);
    platform.http().route("tokenhub", model.handler());
    platform.http().route("workspace", repository.handler());
    let at_work = platform.clone();
    let step = handler(move |request| {
        let platform = at_work.clone();
        async move { loom_agent_step::handle(&platform, request.map(body_from)).await }
    });
    platform.http().route("agent-step.spin.internal", step);
    for number in 0..runs {
        let answer = testing::call("POST", "/api/v1/beads")
            .token(&token)
            .json(bead(&project_id, number))
            .send(&platform, async |platform, request| {
                loom_beads::handle(platform, request).await
            })
            .await;
        filed(StatusCode::from_u16(answer.status)?, &answer.body)?;
        ended(&model, &repository, number + 1).await?;
        platform.tasks().finished().await;
    }
    model.side(runs)
}

async fn through_components(bench: &Bench, runs: usize) -> Result<Side> {
    let model = Arc::new(Model::answering(model::say)?);
    let repository = Arc::new(Repository::new());
    let hub = serve::on_loopback(model.handler()).await?;
    let service = serve::on_loopback(repository.handler()).await?;
    let state = bench.state("step")?;
    let (token, project_id) = {
        let database = state.join("sqlite/default.db");
        fill(&testing::builder().database_file(database).build()?, &hub).await?
    };
    let variables = [
        ("tokenhub_url", hub.as_str()),
        ("tokenhub_api_key", model.api_key()),
        ("workspace_url", &service),
        ("workspace_token", SERVICE_TOKEN),
    ];
    let host = Process::host(bench, &state, &variables)?;
    let mut connection = Connection::open(&host.address).await?;
    for number in 0..runs {
        let call = Call {
            method: "POST",
            path: "/api/v1/beads".to_owned(),
            token: Arc::from(token.as_str()),
            headers: Vec::new(),
            body: bead(&project_id, number).to_string().into(),
        };
        let (status, body) = connection.send(&call).await?;
        filed(status, &body)?;
        ended(&model, &repository, number + 1).await?;
        host.settle().await?;
    }
    model.side(runs)
}

/// A project, a provider and one agent. Returns a token and the project.
async fn fill(platform: &NativePlatform, endpoint: &str) -> Result<(String, String)> {
    migrate::migrate(platform.database()).await?;
    let token = testing::token(platform, Role::User).await;
    let project_id = seed::register_project(platform, "Steps").await?;
    seed::team(platform, endpoint, 1, &["engineering-manager"]).await?;
    Ok((token, project_id))
}

fn bead(project_id: &str, number: usize) -> serde_json::Value {
    json!({
        "project_id": project_id,
        "title": format!("Correct the totals, part {number}"),
        "description": seed::DESCRIPTION,
    })
}

fn filed(status: StatusCode, body: &Bytes) -> Result<()> {
    if status == StatusCode::CREATED {
        return Ok(());
    }
    Err(format!(
        "a bead was not filed: {status} {}",
        String::from_utf8_lossy(body)
    )
    .into())
}

/// Waits until `runs` runs have ended, and sees to it that the last one did all it should.
async fn ended(model: &Model, repository: &Repository, runs: usize) -> Result<()> {
    let in_time = tokio::time::timeout(PATIENCE, repository.closed(runs)).await;
    let calls = model.calls();
    let merges = repository.merges();
    if in_time.is_err() || merges != runs || calls != runs * (STEPS + 1) {
        return Err(format!(
            "run {runs} didn't go as it should: {calls} calls of the model in all, {merges} merges; the last request \
             ended with: {}",
            model.last_message()
        )
        .into());
    }
    Ok(())
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new(
            "Step: one step of an agent with two actions (write_file, read_file), without the model's own time (ms)",
            &["side", "steps of a run", "samples", "p50", "p99", "max"],
        );
        for (name, side) in [("native", &self.native), ("components", &self.components)] {
            let parts = ["all", "1 to 8", "9 to 16", "17 to 24"];
            let samples = [&side.all, &side.thirds[0], &side.thirds[1], &side.thirds[2]];
            for (part, samples) in parts.into_iter().zip(samples) {
                let [p50, p99, max] = samples.columns();
                table.row([
                    name.to_owned(),
                    part.to_owned(),
                    samples.len().to_string(),
                    p50,
                    p99,
                    max,
                ]);
            }
        }
        for (name, side) in [
            ("natively", &self.native),
            ("through the components", &self.components),
        ] {
            let p50 = side.all.p50();
            table.goal(
                &format!("p50 under 10 ms {name}"),
                p50 < Duration::from_millis(10),
                format_args!("{} ms", milliseconds(p50)),
            );
        }
        table.note(format!(
            "From the model's answer to the next request to it. The scripted model itself took {} ms (p50), not counted.",
            milliseconds(self.components.model.p50())
        ));
        table.note("The repository is in memory; natively it and the model are called without a socket. SQLite as everywhere: WAL, FULL.");
        table.fmt(f)
    }
}
