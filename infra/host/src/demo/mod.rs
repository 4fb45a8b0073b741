//! `loom demo`: the main job on real parts. A crate from the registry is broken in a fresh repository, a user reports
//! that, and the report goes through the bug workflow: one agent finds the cause, another approves the remedy, a third
//! applies it and has it merged. Everything but the model is real; with a TokenHub of one's own, the model is too.

mod api;
mod command;
mod describe;
mod evidence;
mod history;
mod model;
mod paint;
mod running;
mod specimen;
mod stage;
mod story;
mod team;

use crate::SandboxPolicy;
use crate::up::Progress;
use api::Api;
use evidence::Outcome;
use paint::{Paint, row, say};
use running::Loom;
use serde_json::{Value, json};
use specimen::BUG;
use stage::Repository;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use story::{End, Story};

const ADMIN: &str = "admin";
/// What the double charges for a million tokens read and written, in millionths of a dollar.
const PRICES: (i64, i64) = (1_000_000, 2_000_000);
/// How long the provider may take until it is found healthy.
const PROVIDER: Duration = Duration::from_secs(60);

/// After how long without an event that is said.
const SILENCE: Duration = Duration::from_secs(30);

/// What is asked for.
pub(crate) struct Demo {
    /// The manifest.
    pub(crate) manifest: PathBuf,
    /// Where compiled components are kept between demos.
    pub(crate) cache: PathBuf,
    /// The TokenHub to use in place of the double: its address and a key.
    pub(crate) tokenhub: Option<(String, String)>,
    /// Whether everything is left running at the end.
    pub(crate) keep: bool,
    /// Whether the tests before and after the breaking are left out.
    pub(crate) quick: bool,
    /// Whether what the model says is shown beside what it does.
    pub(crate) notes: bool,
    /// How long the agents may take.
    pub(crate) limit: Duration,
    /// What to do where the kernel can't confine commands.
    pub(crate) sandbox: SandboxPolicy,
}

/// Plays it. `stop` ends it early; `progress` is told how the start goes.
pub(crate) async fn run(
    demo: &Demo,
    progress: impl Fn(Progress),
    stop: impl Future<Output = ()>,
) -> Result<(), String> {
    let mut stop = std::pin::pin!(stop);
    let folder = tempfile::Builder::new()
        .prefix("loom-demo-")
        .tempdir()
        .map_err(|error| format!("no temporary folder can be made: {error}"))?;
    let scratch = tempfile::Builder::new()
        .prefix("loom-demo-scratch-")
        .tempdir()
        .map_err(|error| format!("no temporary folder can be made: {error}"))?;

    let mut loom = None;
    let mut stopped = false;
    let result = tokio::select! {
        result = play(demo, folder.path(), scratch.path(), progress, &mut loom) => result,
        () = &mut stop => {
            stopped = true;
            Err("stopped before the end".to_owned())
        }
    };
    drop(scratch);
    if demo.keep
        && !stopped
        && let Some(loom) = &loom
    {
        if let Err(reason) = &result {
            eprintln!("loom: {reason}");
        }
        loom.say_where(folder.path());
        stop.await;
        eprintln!("Stopping");
    }
    if let Some(loom) = loom {
        loom.running.shutdown().await;
    }
    if demo.keep || result.is_err() {
        let path = folder.keep();
        let what = "Repository, database and logs stay in";
        eprintln!("{what} {}; remove it when done", path.display());
    }
    result
}

async fn play(
    demo: &Demo,
    folder: &Path,
    scratch: &Path,
    progress: impl Fn(Progress),
    place: &mut Option<Loom>,
) -> Result<(), String> {
    let paint = Paint::of_stdout();
    say(&paint.bold("Loom demo: from a bug report to a merged fix"));
    say("");
    row(
        "model",
        &match &demo.tokenhub {
            Some((url, _)) => format!("{}, by TokenHub at {url}", paint.good("a real one")),
            None => format!(
                "{}: no language model, but a program that reads results and answers like one, behind a double of \
                 TokenHub (TOKENHUB_URL and TOKENHUB_API_KEY, both set, give the bead to a real model)",
                paint.bold("scripted"),
            ),
        },
    );
    let repository = Repository::make(folder, scratch, !demo.quick).await?;

    let loom = place.insert(Loom::start(demo, folder, progress).await?);
    loom.repository = Some(repository.path.clone());
    let url = &loom.running.url;
    row(
        "loom",
        &format!("{url} (embedded host, workspace service, dispatch loop)"),
    );
    let api = Api::login(url, ADMIN, &loom.password).await?;
    provider(&api, demo.tokenhub.is_none()).await?;
    let team = team::register(&api, &repository).await?;

    let began = Instant::now();
    let bead = json!({
        "project_id": team.project_id,
        "type": "bug",
        "priority": "P1",
        "title": BUG.title,
        "description": BUG.description,
    });
    let bead = api.post("/api/v1/beads", &bead).await?;
    let bead_id = id_of(&bead)?;
    loom.bead_id = Some(bead_id.clone());
    row("bead", &format!("{bead_id}, P1 bug: {}", BUG.title));
    row("workflow", &team::workflow(&api, &bead_id).await?);

    let mut story = Story::new(&api, paint, &bead_id, &team, demo.notes);
    story.begin();
    let mut events = api.events(&team.project_id);
    let told = tokio::time::timeout(demo.limit, async {
        let mut silence = tokio::time::interval(SILENCE);
        silence.reset();
        loop {
            tokio::select! {
                event = events.next() => {
                    silence.reset();
                    if let Some(end) = story.tell(&event?).await? {
                        return Ok::<End, String>(end);
                    }
                }
                _ = silence.tick() => story.quiet(SILENCE, &last_word(folder)),
            }
        }
    });
    match told.await {
        Err(_) => {
            let why = why(&api, &bead_id).await;
            let seconds = demo.limit.as_secs();
            return Err(format!("the bead was not closed within {seconds} s; {why}"));
        }
        Ok(Err(reason)) => return Err(reason),
        Ok(Ok(End::Blocked(why))) => {
            return Err(format!(
                "the agents did not solve it alone, and {bead_id} waits for a person: {why}"
            ));
        }
        Ok(Ok(End::Closed)) => {}
    }
    let outcome = Outcome {
        bead_id: &bead_id,
        team: &team,
        stages: story.stages(),
        took: began.elapsed(),
        is_scripted: demo.tokenhub.is_none(),
    };
    evidence::present(&api, paint, &repository, scratch, &outcome).await
}

/// The last line that the function at work has logged: why it waits, if it does not wait for the model.
fn last_word(folder: &Path) -> String {
    let log = folder.join("state/logs/agent-step.jsonl");
    let log = std::fs::read_to_string(log).unwrap_or_default();
    let last = log.lines().last().unwrap_or_default();
    let entry: Value = serde_json::from_str(last).unwrap_or_default();
    let line = entry.get("line").and_then(Value::as_str);
    line.unwrap_or_default().to_owned()
}

/// What Loom itself says about a bead that does not move.
async fn why(api: &Api, bead_id: &str) -> String {
    match api.get(&format!("/api/v1/beads/{bead_id}/why")).await {
        Ok(why) => format!("Loom says: {}", paint::line(&why.to_string(), 2_000)),
        Err(reason) => reason,
    }
}

/// Waits for the provider of Loom's configuration to be found healthy. The double's prices are made known, so that
/// costs are what the double charges.
async fn provider(api: &Api, is_double: bool) -> Result<(), String> {
    // Loom registers it by itself with its first heartbeat; this one is only sooner.
    api.post("/api/v1/system/heartbeat", &json!({})).await?;
    let deadline = Instant::now() + PROVIDER;
    let found = loop {
        let providers = api.get("/api/v1/providers").await?;
        let first = providers.get(0).cloned().unwrap_or_default();
        let part = |name: &str| first.get(name).and_then(Value::as_str);
        if part("status") == Some("healthy") {
            break id_of(&first)?;
        }
        if Instant::now() > deadline {
            let error = part("last_error").unwrap_or("nothing was heard of it");
            return Err(format!("TokenHub can't be used: {error}"));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    if is_double {
        let (prompt, completion) = PRICES;
        let prices =
            json!({"prompt_price_micro_usd": prompt, "completion_price_micro_usd": completion});
        api.put(&format!("/api/v1/providers/{found}"), &prices)
            .await?;
    }
    Ok(())
}

fn id_of(value: &Value) -> Result<String, String> {
    let id = value.get("id").and_then(Value::as_str);
    id.map(str::to_owned)
        .ok_or_else(|| format!("an answer has no id: {value}"))
}
