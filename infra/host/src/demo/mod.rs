//! `loom demo`: the main job on real parts. A crate from the registry is broken in a fresh repository, a user reports
//! that, and an agent finds the cause, fixes it, and has it merged. Everything but the model is real; with a TokenHub
//! of one's own, the model is too.

mod api;
mod command;
mod describe;
mod evidence;
mod model;
mod paint;
mod specimen;
mod stage;
mod story;

use crate::SandboxPolicy;
use crate::up::{Options, Progress, Running};
use api::Api;
use loom_tokenhub_double::{Config, TokenHub};
use paint::{Paint, row, say};
use serde_json::{Value, json};
use specimen::BUG;
use stage::{BRANCH, Repository};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use story::{End, Story};

const ADMIN: &str = "admin";
const TEST_COMMAND: &str = "cargo test --offline";
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
    /// How long the agent may take.
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
             TokenHub\n{:14}(TOKENHUB_URL and TOKENHUB_API_KEY, both set, give the bead to a real model)",
                paint.bold("scripted"),
                ""
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
    let (project_id, agent) = team(&api, &repository).await?;

    let began = Instant::now();
    let bead = json!({
        "project_id": project_id,
        "type": "task",
        "priority": "P1",
        "title": BUG.title,
        "description": BUG.description,
    });
    let bead = api.post("/api/v1/beads", &bead).await?;
    let bead_id = id_of(&bead)?;
    loom.bead_id = Some(bead_id.clone());
    row("bead", &format!("{bead_id}, P1: {}", BUG.title));

    let mut story = Story::new(&api, paint, &bead_id, &agent, demo.notes);
    story.begin();
    let mut events = api.events(&project_id);
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
                "the agent did not solve it, and {bead_id} waits for a person: {why}"
            ));
        }
        Ok(Ok(End::Closed)) => {}
    }
    let took = began.elapsed();
    let is_scripted = demo.tokenhub.is_none();
    evidence::present(
        &api,
        paint,
        &repository,
        &bead_id,
        took,
        scratch,
        is_scripted,
    )
    .await
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
        // A thousandth and two thousandths of a dollar for a thousand tokens.
        let prices =
            json!({"prompt_price_micro_usd": 1_000_000, "completion_price_micro_usd": 2_000_000});
        api.put(&format!("/api/v1/providers/{found}"), &prices)
            .await?;
    }
    Ok(())
}

/// Registers the project and the agent that works on it. Returns the project's id and the agent's name.
async fn team(api: &Api, repository: &Repository) -> Result<(String, String), String> {
    let project = json!({
        "name": specimen::NAME,
        "description": "String similarity metrics",
        "git_repo": repository.path,
        "branch": BRANCH,
        "git_strategy": "direct",
        "test_command": TEST_COMMAND,
        "team": [],
    });
    let project = api.post("/api/v1/projects", &project).await?;
    let project_id = id_of(&project)?;
    let agent = json!({"role": "engineering-manager", "project_id": project_id});
    let agent = api.post("/api/v1/agents", &agent).await?;
    let part = |name: &str| agent.get(name).and_then(Value::as_str).unwrap_or_default();
    let name = part("name").to_owned();
    row(
        "project",
        &format!(
            "{}, merged directly once `{TEST_COMMAND}` passes",
            specimen::NAME
        ),
    );
    row("agent", &format!("{name}, persona {}", part("persona")));
    Ok((project_id, name))
}

fn id_of(value: &Value) -> Result<String, String> {
    let id = value.get("id").and_then(Value::as_str);
    id.map(str::to_owned)
        .ok_or_else(|| format!("an answer has no id: {value}"))
}

/// The running system.
struct Loom {
    running: Running,
    password: String,
    repository: Option<PathBuf>,
    bead_id: Option<String>,
    /// Dropped last: the model may still be called while the rest stops.
    _model: Option<loom_tokenhub_double::Running>,
}

impl Loom {
    /// Starts the double, unless there is a real TokenHub, and the host with all functions in `folder`.
    async fn start(
        demo: &Demo,
        folder: &Path,
        progress: impl Fn(Progress),
    ) -> Result<Self, String> {
        let model = match &demo.tokenhub {
            Some(_) => None,
            None => {
                let config = Config::respond(|seen| model::answer(seen, &BUG.knowledge));
                let double = TokenHub::start(config)
                    .map_err(|error| format!("the double of TokenHub can't start: {error}"))?;
                Some(double)
            }
        };
        let (tokenhub, key) = match (&demo.tokenhub, &model) {
            (Some((url, key)), _) => (url.clone(), key.clone()),
            (None, Some(double)) => (double.url(), double.api_key().to_owned()),
            (None, None) => return Err("there is no model".to_owned()),
        };
        let state = folder.join("state");
        share_cache(&demo.cache, &state);
        let mut options = Options::new(&demo.manifest, &state);
        // What is set for a Loom of one's own is not meant for this one.
        options.environment = BTreeMap::new();
        options.variables = BTreeMap::from([
            ("tokenhub_url".to_owned(), tokenhub),
            ("tokenhub_api_key".to_owned(), key),
        ]);
        options.sandbox = demo.sandbox;
        let running = crate::up::start(options, progress)
            .await
            .map_err(|error| error.to_string())?;
        let password = running.variables.get("loom_admin_password");
        Ok(Self {
            password: password.unwrap_or_default().to_owned(),
            running,
            repository: None,
            bead_id: None,
            _model: model,
        })
    }

    /// Prints how to look around.
    fn say_where(&self, folder: &Path) {
        let url = &self.running.url;
        say("\nEverything is left running; Ctrl-C stops it.\n");
        row("url", url);
        row("login", &format!("{ADMIN}, password {}", self.password));
        if let Some(repository) = &self.repository {
            row("repository", &repository.display().to_string());
        }
        row("state, logs", &folder.join("state").display().to_string());
        say(&format!(
            "\n  token=$(curl -s {url}/api/v1/auth/login -H 'content-type: application/json' \\\n    \
             -d '{{\"username\":\"{ADMIN}\",\"password\":\"{}\"}}' | sed 's/.*\"token\":\"\\([^\"]*\\)\".*/\\1/')",
            self.password
        ));
        let mut paths = vec!["system/status".to_owned(), "events?limit=20".to_owned()];
        if let Some(bead_id) = &self.bead_id {
            paths.push(format!("beads/{bead_id}"));
            paths.push(format!("beads/{bead_id}/conversation"));
        }
        for path in paths {
            say(&format!(
                "  curl -s -w '\\n' -H \"authorization: Bearer $token\" '{url}/api/v1/{path}'"
            ));
        }
        say("");
    }
}

/// Lets the fresh state folder use compiled components of earlier demos. Without it, they are compiled again.
fn share_cache(cache: &Path, state: &Path) {
    let shared = std::fs::create_dir_all(cache)
        .and_then(|()| std::fs::create_dir_all(state))
        .and_then(|()| std::path::absolute(cache));
    #[cfg(unix)]
    if let Ok(cache) = shared {
        let _ = std::os::unix::fs::symlink(cache, state.join("cache"));
    }
    #[cfg(not(unix))]
    drop(shared);
}
