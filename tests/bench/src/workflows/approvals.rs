//! How soon the next node's run begins after a person has approved.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use http::StatusCode;
use loom_tokenhub_double::{Answer, ChatRequestSeen};
use serde_json::{Value, json};

use super::{Client, fill};
use crate::{
    Bench, Result, Samples,
    process::Process,
    seed, serve,
    stats::milliseconds,
    step::{model::Model, workspace::Repository},
    table::Table,
};

const SERVICE_TOKEN: &str = "a token of the workspace service";

/// Longer than any run should take.
const PATIENCE: Duration = Duration::from_secs(60);

/// From the request that approves to the first request of the next run to the model.
const SOON: Duration = Duration::from_millis(100);

/// A person's yes, and then work.
const DEFINITION: &str = "id: wf-bench-approval
name: Approval
workflow_type: approval
match: {types: [approval]}
nodes:
  - {node_key: agree, node_type: approval, role_required: ceo, instructions: Say whether it is to be done.}
  - {node_key: build, node_type: task, role_required: engineering-manager, max_attempts: 1, instructions: Do it.}
edges:
  - {to_node_key: agree, condition: success}
  - {from_node_key: agree, to_node_key: build, condition: approved}
  - {from_node_key: agree, condition: rejected}
  - {from_node_key: build, condition: success}
  - {from_node_key: build, condition: failure}
";

/// What was measured.
#[derive(Debug, Default)]
pub struct Outcome {
    /// From sending `approve` to the first request of the next run to the model.
    pub approved: Samples,
    /// From sending `approve` to its answer.
    pub answered: Samples,
    /// From sending a plain bead to the first request of its run to the model.
    pub filed: Samples,
}

/// Lets a person approve and an agent work, and has the agent work on a plain bead in between, one after the other.
///
/// # Errors
///
/// When a request is refused, or a run makes another number of calls than one.
pub async fn measure(bench: &Bench) -> Result<Outcome> {
    let model = Arc::new(Model::answering(say)?);
    let repository = Arc::new(Repository::new());
    let hub = serve::on_loopback(model.handler()).await?;
    let service = serve::on_loopback(repository.handler()).await?;
    let state = bench.state("approvals")?;
    let filled = fill(&state.join("sqlite/default.db"), &hub, 1).await?;
    let (token, project_id) = (filled.token, filled.project_id);
    drop(filled.platform);
    let variables = [
        ("tokenhub_url", hub.as_str()),
        ("tokenhub_api_key", model.api_key()),
        ("workspace_url", &service),
        ("workspace_token", SERVICE_TOKEN),
    ];
    let host = Process::host(bench, &state, &variables)?;
    let client = Client::open(&host.address, &token).await?;
    let mut world = World {
        host,
        client,
        model,
        repository,
        runs: 0,
    };
    let workflow = json!({"project_id": project_id, "definition": DEFINITION});
    let created = StatusCode::CREATED;
    world
        .client
        .send("POST", "/api/v1/workflows", &workflow, created)
        .await?;
    let (mut approved, mut answered, mut filed) = (Vec::new(), Vec::new(), Vec::new());
    // The first round has instances and caches there; it does not count.
    for round in 0..=bench.scale.approvals {
        let bead = world.file(&project_id, "approval", round).await?.0;
        let path = format!("/api/v1/beads/{}/decisions", text(&bead, "id")?);
        let asked = world
            .client
            .send("GET", &path, &Value::Null, StatusCode::OK)
            .await?
            .0;
        let path = format!("/api/v1/decisions/{}/decide", text(&asked[0], "id")?);
        world.host.settle().await?;
        let body = json!({"decision": "approve", "rationale": "It is worth it."});
        let sent = Instant::now();
        let answer = world
            .client
            .send("POST", &path, &body, StatusCode::OK)
            .await?
            .1;
        let run = world.run_since(sent).await?;
        world.host.settle().await?;
        let sent = Instant::now();
        world.file(&project_id, "task", round).await?;
        let plain = world.run_since(sent).await?;
        if round > 0 {
            approved.push(run);
            answered.push(answer);
            filed.push(plain);
        }
    }
    Ok(Outcome {
        approved: approved.into_iter().collect(),
        answered: answered.into_iter().collect(),
        filed: filed.into_iter().collect(),
    })
}

/// The model is done at once.
fn say(_: &ChatRequestSeen) -> Answer {
    Answer::call(
        "done",
        json!({"summary": "It was right already.", "outcome": "success"}),
    )
}

struct World {
    host: Process,
    client: Client,
    model: Arc<Model>,
    repository: Arc<Repository>,
    runs: usize,
}

impl World {
    async fn file(
        &mut self,
        project_id: &str,
        kind: &str,
        number: usize,
    ) -> Result<(Value, Duration)> {
        let bead = json!({
            "project_id": project_id,
            "type": kind,
            "title": format!("Correct the totals, part {number}"),
            "description": seed::DESCRIPTION,
        });
        self.client
            .send("POST", "/api/v1/beads", &bead, StatusCode::CREATED)
            .await
    }

    /// Waits for the end of the one run that follows; returns the time from `sent` to its first call of the model.
    async fn run_since(&mut self, sent: Instant) -> Result<Duration> {
        self.runs += 1;
        let ended = tokio::time::timeout(PATIENCE, self.repository.closed(self.runs)).await;
        let called = self.model.called();
        match called.last() {
            Some(called_at) if ended.is_ok() && called.len() == self.runs => {
                Ok(called_at.saturating_duration_since(sent))
            }
            _ => Err(format!(
                "{} runs should have made one call of the model each, which was called {} times; the last request \
                 ended with: {}",
                self.runs,
                called.len(),
                self.model.last_message()
            )
            .into()),
        }
    }
}

fn text<'a>(value: &'a Value, field: &str) -> Result<&'a str> {
    let missing = || format!("no {field} in {value}");
    Ok(value[field].as_str().ok_or_else(missing)?)
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new(
            "Approval: from sending POST .../decide to the next node's run, through the components, without ticks of a clock (ms)",
            &["from", "to", "samples", "p50", "p99", "max"],
        );
        for (from, to, times) in [
            (
                "approve",
                "the next run's first request to the model",
                &self.approved,
            ),
            ("approve", "the answer", &self.answered),
            (
                "POST a plain bead",
                "its run's first request to the model",
                &self.filed,
            ),
        ] {
            let [p50, p99, max] = times.columns();
            let samples = times.len().to_string();
            table.row([from.to_owned(), to.to_owned(), samples, p50, p99, max]);
        }
        let p99 = self.approved.quantile(0.99);
        table.goal(
            "p99 under 100 ms from approve to the next node's run at work",
            p99 < SOON,
            format_args!(
                "p50 {} ms, p99 {} ms",
                milliseconds(self.approved.p50()),
                milliseconds(p99)
            ),
        );
        table.note("The scheduler is off: what a decision lets go on is dispatched by the decision's own nudge. The run has its");
        table.note("lease, its working copy and its prompt before the model is asked. The host does nothing else meanwhile.");
        table.fmt(f)
    }
}
