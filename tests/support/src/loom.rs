use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Instant;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::Process;
use crate::{Client, EventStream, Model, PATIENCE, Repository};

const PASSWORD: &str = "a password of the tests";
const SERVICE_TOKEN: &str = "service-token-of-the-tests-0123456789";
const TOKEN_SECRET: &str = "token-secret-of-the-tests-0123456789abcdef";

/// How a Loom of one's own is started.
#[derive(Default)]
pub struct Options {
    variables: Vec<(String, String)>,
    model: Option<Model>,
    unprobed: bool,
}

impl Options {
    /// Sets a variable of the manifest.
    #[must_use]
    pub fn variable(mut self, name: &str, value: impl ToString) -> Self {
        self.variables.push((name.to_owned(), value.to_string()));
        self
    }

    /// Brings a model of one's own.
    #[must_use]
    pub fn model(mut self, model: Model) -> Self {
        self.model = Some(model);
        self
    }

    /// Leaves it without a provider: nothing has been probed when it starts.
    #[must_use]
    pub fn unprobed(mut self) -> Self {
        self.unprobed = true;
        self
    }
}

/// A running Loom and the means to talk to it.
pub struct Loom {
    process: Option<Process>,
    state: Option<TempDir>,
    variables: Vec<(String, String)>,
    /// The account `admin`.
    pub admin: Client,
    /// The scheduler.
    pub service: Client,
    /// Its model.
    pub model: Model,
    /// What signs its access tokens, if the test may know.
    pub token_secret: Option<String>,
}

/// A second host on a Loom's database.
pub struct Host {
    process: Process,
    state: TempDir,
    variables: Vec<(String, String)>,
    /// The scheduler.
    pub service: Client,
}

impl Host {
    /// One tick of its dispatcher.
    #[track_caller]
    pub fn tick(&self) -> Value {
        self.service.post("/api/v1/system/tick", &json!({})).ok()
    }

    /// Kills it with SIGKILL and starts it again. It listens elsewhere then.
    pub fn kill_and_restart(&mut self) {
        self.process.kill();
        self.process = Process::start(self.state.path(), &self.variables);
        self.service = Client::new(&self.process.url).with_token(SERVICE_TOKEN);
    }
}

/// A registered project.
#[derive(Debug, Clone)]
pub struct Project {
    /// Its id.
    pub id: String,
    /// What its bead ids start with.
    pub prefix: String,
}

/// A bead that was filed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filed {
    /// Its id.
    pub id: String,
    /// Its path in the API.
    pub path: String,
}

static SHARED: Mutex<Weak<Loom>> = Mutex::new(Weak::new());

impl Loom {
    /// The Loom that the tests of this program share; it ends with the last test that uses it.
    pub fn shared() -> Arc<Self> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(loom) = shared.upgrade() {
            return loom;
        }
        let loom = Arc::new(match std::env::var("LOOM_URL") {
            Ok(url) => Self::running(&url),
            Err(_) => Self::start(Options::default()),
        });
        *shared = Arc::downgrade(&loom);
        loom
    }

    /// A Loom that nobody else talks to, or the running one of `LOOM_URL`.
    pub fn alone() -> Self {
        match std::env::var("LOOM_URL") {
            Ok(url) => Self::running(&url),
            Err(_) => Self::start(Options::default()),
        }
    }

    /// A Loom started with these options on this machine. With `LOOM_URL` there is none, and the test says so.
    pub fn own(options: Options) -> Option<Self> {
        if std::env::var_os("LOOM_URL").is_some() {
            eprintln!("nothing tested: this needs a host of its own, and LOOM_URL names another");
            return None;
        }
        Some(Self::start(options))
    }

    fn start(options: Options) -> Self {
        let model = options.model.unwrap_or_else(|| Model::start(|_| ()));
        let state = tempfile::tempdir().expect("a temporary folder");
        let mut variables: Vec<(String, String)> = [
            ("loom_admin_password", PASSWORD),
            ("loom_service_token", SERVICE_TOKEN),
            ("loom_token_secret", TOKEN_SECRET),
            ("tokenhub_url", &model.hub().url()),
            ("tokenhub_api_key", model.hub().api_key()),
            ("retry_delay_seconds", "0"),
            // All tests of a program share one Loom, and each has a team.
            ("max_agents", "2000"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec();
        variables.extend(options.variables);
        let process = Process::start(state.path(), &variables);
        let anonymous = Client::new(&process.url);
        let loom = Self {
            admin: log_in(&anonymous, "admin", PASSWORD),
            service: anonymous.with_token(SERVICE_TOKEN),
            process: Some(process),
            state: Some(state),
            variables,
            model,
            token_secret: Some(TOKEN_SECRET.to_owned()),
        };
        if !options.unprobed {
            loom.probe();
        }
        loom
    }

    fn running(url: &str) -> Self {
        let variable = |name: &str| {
            std::env::var(name).unwrap_or_else(|_| panic!("LOOM_URL is set, so {name} is needed"))
        };
        let listen: SocketAddr = variable("LOOM_TOKENHUB_LISTEN")
            .parse()
            .expect("LOOM_TOKENHUB_LISTEN is an address and a port");
        let anonymous = Client::new(url);
        let loom = Self {
            process: None,
            state: None,
            variables: Vec::new(),
            admin: log_in(&anonymous, "admin", &variable("LOOM_ADMIN_PASSWORD")),
            service: anonymous.with_token(&variable("LOOM_SERVICE_TOKEN")),
            model: Model::start(|config| config.listen = listen),
            token_secret: std::env::var("LOOM_TOKEN_SECRET").ok(),
        };
        loom.probe();
        loom
    }

    /// Has the providers probed that are due; TokenHub is registered when there is none.
    pub fn probe(&self) {
        self.service
            .post("/api/v1/system/heartbeat", &json!({}))
            .ok();
    }

    /// One tick of the dispatcher.
    #[track_caller]
    pub fn tick(&self) -> Value {
        self.service.post("/api/v1/system/tick", &json!({})).ok()
    }

    /// Kills the host with SIGKILL and starts it again on the same state. It listens elsewhere then.
    pub fn kill_and_restart(&mut self) {
        let mut process = self
            .process
            .take()
            .expect("only a host of one's own is killed");
        process.kill();
        drop(process);
        let process = Process::start(self.state().expect("it has a state"), &self.variables);
        let anonymous = Client::new(&process.url);
        self.process = Some(process);
        let token = self.admin.token().unwrap_or_default().to_owned();
        self.admin = anonymous.with_token(&token);
        self.service = anonymous.with_token(SERVICE_TOKEN);
    }

    /// A second host on the same database, with a state folder of its own and otherwise set up the same. With `LOOM_URL`
    /// there is none.
    pub fn second_host(&self) -> Option<Host> {
        let state = tempfile::tempdir().expect("a temporary folder");
        std::os::unix::fs::symlink(self.state()?.join("sqlite"), state.path().join("sqlite"))
            .expect("a link to the database");
        let process = Process::start(state.path(), &self.variables);
        let anonymous = Client::new(&process.url);
        Some(Host {
            service: anonymous.with_token(SERVICE_TOKEN),
            process,
            state,
            variables: self.variables.clone(),
        })
    }

    /// Makes everything due at once that waits for its time, as if that had passed: timers, deliveries, status comments,
    /// merges. Needs a host of one's own, as [`pass_time`](Self::pass_time).
    #[track_caller]
    pub fn pass_all_time(&self) -> Option<()> {
        let database = self.database()?;
        for sql in [
            "UPDATE timer SET due_at = 0",
            "UPDATE delivery SET due_at = 0 WHERE due_at IS NOT NULL",
            "UPDATE github_report SET not_before = 0",
            "UPDATE github_pull_request SET merge_not_before = 0",
        ] {
            database.execute(sql, []).expect("times change");
        }
        self.tick();
        Some(())
    }

    /// Its database, if it is one's own.
    fn database(&self) -> Option<rusqlite::Connection> {
        let path = self.state()?.join("sqlite/default.db");
        let database = rusqlite::Connection::open(path).expect("the database opens");
        database
            .busy_timeout(crate::PATIENCE)
            .expect("the database waits");
        Some(database)
    }

    /// The secrets that it was started with.
    pub fn secrets(&self) -> Vec<String> {
        let secret = [
            "loom_admin_password",
            "loom_service_token",
            "loom_token_secret",
            "tokenhub_api_key",
        ];
        self.variables
            .iter()
            .filter(|(name, _)| secret.contains(&name.as_str()))
            .map(|(_, value)| value.clone())
            .collect()
    }

    /// Its state folder, if it is one's own.
    pub fn state(&self) -> Option<&Path> {
        self.state.as_ref().map(TempDir::path)
    }

    /// Makes timers and deadlines due at once whose subject begins with `subject`, as if their time had passed, and ticks. It needs
    /// a host of one's own, because it reaches into its database; `None` without one.
    #[track_caller]
    pub fn pass_time(&self, subject: &str) -> Option<usize> {
        let database = self.database()?;
        let pattern = format!("{subject}%");
        let sql = "UPDATE timer SET due_at = 0 WHERE subject LIKE ?1";
        let changed = database.execute(sql, [&pattern]).expect("timers change");
        let sql = "UPDATE decision SET deadline_at = 0 WHERE id LIKE ?1 AND status = 'open'";
        database.execute(sql, [pattern]).expect("deadlines change");
        self.tick();
        Some(changed)
    }

    /// Has motivations looked at now, however lately that was done: makes the sweep due and ticks. Needs a host of
    /// one's own, as [`pass_time`](Self::pass_time).
    #[track_caller]
    pub fn sweep(&self) -> Option<()> {
        let database = self.database()?;
        let sql = "UPDATE motivation_sweep SET due_at = 0";
        database.execute(sql, []).expect("the sweep becomes due");
        self.tick();
        Some(())
    }

    /// Logs in as somebody else.
    pub fn log_in(&self, username: &str, password: &str) -> Client {
        log_in(&self.admin.anonymous(), username, password)
    }

    /// Registers a repository whose merges go straight to `main`, with a team of these roles. `settings` replace or
    /// add fields.
    #[track_caller]
    pub fn project(&self, repository: &Repository, team: &[&str], settings: Value) -> Project {
        let name = unique("project");
        let mut input = json!({
            "name": name,
            "git_repo": repository.path(),
            "git_strategy": "direct",
            "bead_prefix": unique("b"),
            "test_command": "true",
            "team": team,
        });
        merge(&mut input, settings);
        let project = self.admin.post("/api/v1/projects", &input).ok();
        Project {
            id: text(&project, "id"),
            prefix: text(&project, "bead_prefix"),
        }
    }

    /// Files a bead. `fields` replace or add some.
    #[track_caller]
    pub fn file(&self, project: &Project, title: &str, fields: Value) -> Filed {
        let mut input = json!({"project_id": project.id, "title": title});
        merge(&mut input, fields);
        let bead = self.admin.post("/api/v1/beads", &input).ok();
        Filed::new(&text(&bead, "id"))
    }

    /// A bead as it stands.
    #[track_caller]
    pub fn bead(&self, bead: &Filed) -> Value {
        self.admin.get(&bead.path).ok()
    }

    /// The number of the newest event.
    pub fn newest(&self) -> i64 {
        let page = self.admin.get("/api/v1/events?limit=1").ok();
        page["newest"].as_i64().expect("a number")
    }

    /// All events about a bead, oldest first.
    pub fn events_of(&self, bead: &Filed) -> Vec<Value> {
        let path = format!("/api/v1/events?after=0&limit=1000&bead_id={}", bead.id);
        let page = self.admin.get(&path).ok();
        page["events"].as_array().expect("a list").clone()
    }

    /// Waits until `look` finds what it looks for. It looks at once, and again after every event that matches
    /// `query`, so it misses nothing, whatever happened before.
    #[track_caller]
    pub fn until<T>(&self, what: &str, query: &str, look: impl Fn() -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        let live = format!("after={}&{query}", self.newest());
        let mut events = EventStream::open(&self.admin, &live, PATIENCE);
        loop {
            if let Some(found) = look() {
                return found;
            }
            if events.next().is_none() || Instant::now() > deadline {
                let page = self.admin.get(&format!("/api/v1/events?limit=10&{query}"));
                panic!(
                    "waited {PATIENCE:?} in vain: {what}\nthe last events: {:#}",
                    page.json
                );
            }
        }
    }

    /// Waits until a bead has this status, and returns it.
    #[track_caller]
    pub fn until_status(&self, bead: &Filed, status: &str) -> Value {
        let what = format!("bead {} becomes {status}", bead.id);
        self.until(&what, &format!("bead_id={}", bead.id), || {
            let now = self.bead(bead);
            let stuck = now["status"] == "blocked" && status != "blocked";
            assert!(
                !stuck,
                "bead {} is blocked: {:#?}",
                bead.id,
                self.runs(bead)
            );
            Some(now).filter(|bead| bead["status"] == status)
        })
    }

    /// The runs of a bead, oldest first, each with what is journalled.
    pub fn runs(&self, bead: &Filed) -> Vec<Value> {
        let runs = self.admin.get(&format!("{}/runs", bead.path)).ok();
        runs.as_array()
            .expect("a list")
            .iter()
            .map(|run| {
                let id = text(run, "id");
                let mut detail = self.admin.get(&format!("{}/runs/{id}", bead.path)).ok();
                detail["usage"] = run["usage"].clone();
                detail
            })
            .collect()
    }
}

impl Filed {
    /// The bead of this id.
    pub fn new(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            path: format!("/api/v1/beads/{id}"),
        }
    }
}

#[track_caller]
fn log_in(anonymous: &Client, username: &str, password: &str) -> Client {
    let login = json!({"username": username, "password": password});
    let answer = anonymous.post("/api/v1/auth/login", &login).ok();
    anonymous.with_token(&text(&answer, "token"))
}

/// A word that no other test uses, also not in an earlier run against the same Loom.
pub(crate) fn unique(word: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let salt = std::process::id() % 100_000;
    format!("{word}{salt:x}{number:x}")
}

fn merge(object: &mut Value, fields: Value) {
    if let (Some(object), Value::Object(fields)) = (object.as_object_mut(), fields) {
        object.extend(fields);
    }
}

#[track_caller]
fn text(object: &Value, field: &str) -> String {
    object[field]
        .as_str()
        .unwrap_or_else(|| panic!("{field} is a text in {object}"))
        .to_owned()
}
