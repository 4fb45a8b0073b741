//! Starting and stopping an application: what `loom up` does, as a function, so that tests and the demo start it in
//! their own process.

use crate::admission::Admission;
use crate::compiled::Origin;
use crate::function::{Directory, Function, Grants, Limits};
use crate::key_value::KeyValue;
use crate::logs::Logs;
use crate::manifest::{App, Component, ManifestError};
use crate::outbound::{Allowed, Client, Outbound};
use crate::routes::Router;
use crate::serve::Server;
use crate::sqlite::Database;
use crate::variables::{Values, VariableError};
use loom_workspace_service::SandboxPolicy;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How to start an application.
#[derive(Debug, Clone)]
pub struct Options {
    /// The manifest.
    pub manifest: PathBuf,
    /// Where data, secrets, logs and compiled components are kept. One application uses it at a time.
    pub state_dir: PathBuf,
    /// Where compiled components are kept; `None` for a folder in `state_dir`. One that is given may be shared, so
    /// nothing is ever removed from it.
    pub cache_dir: Option<PathBuf>,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Values of variables, before all others.
    pub variables: BTreeMap<String, String>,
    /// Values of variables, after `variables` and before generated secrets and defaults: `SPIN_VARIABLE_*`.
    pub environment: BTreeMap<String, String>,
    /// Whether to start the workspace service, unless `workspace_url` has a value.
    pub workspace: bool,
    /// What the workspace service does where the kernel can't confine commands.
    pub sandbox: SandboxPolicy,
    /// Whether cron triggers fire.
    pub cron: bool,
    /// Whether what components print also goes to standard error.
    pub verbose: bool,
    /// Limits on instances.
    pub limits: Limits,
    /// Requests from outside that are answered at once.
    pub turns: usize,
    /// Requests from outside that may wait for a turn.
    pub queue: usize,
    /// Largest body of a request from outside, in bytes.
    pub max_body: usize,
    /// How long a stop waits for what is running.
    pub drain: Duration,
}

impl Options {
    /// The defaults of `loom up` for a manifest and a state folder, on a free port of the loopback interface, with
    /// `SPIN_VARIABLE_*` of this process.
    pub fn new(manifest: impl Into<PathBuf>, state_dir: impl Into<PathBuf>) -> Self {
        Self {
            manifest: manifest.into(),
            state_dir: state_dir.into(),
            cache_dir: None,
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            variables: BTreeMap::new(),
            environment: crate::variables::from_environment(),
            workspace: true,
            sandbox: SandboxPolicy::Required,
            cron: true,
            verbose: false,
            limits: Limits::default(),
            turns: 128,
            queue: 1024,
            max_body: 32 << 20,
            drain: Duration::from_secs(20),
        }
    }
}

/// What a start is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// `done` of `total` components are ready; `compiled` of those weren't in the cache.
    Loading {
        /// Ready.
        done: usize,
        /// All.
        total: usize,
        /// Ready and compiled by this start.
        compiled: usize,
    },
}

/// Why an application doesn't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The manifest is not right.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A variable has no value, or the wrong name.
    #[error(transparent)]
    Variables(#[from] VariableError),
    /// The state folder can't be used.
    #[error("{path}: {reason}")]
    State {
        /// The file or folder.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Another process runs on this state folder.
    #[error("another `loom up` uses {0}; stop it, or name another folder with --state-dir")]
    InUse(String),
    /// The address is taken, or not this machine's.
    #[error("can't listen on {address}: {reason}; name another address with --listen")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The operating system's reason.
        reason: String,
    },
    /// A component can't be loaded or given what it asks for.
    #[error("component {component}: {reason}")]
    Component {
        /// Its id.
        component: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The engine refuses its settings, for example for want of address space.
    #[error("the WebAssembly engine can't start: {0}")]
    Engine(String),
}

impl StartError {
    fn state(path: &Path, error: impl std::fmt::Display) -> Self {
        Self::State {
            path: path.display().to_string(),
            reason: error.to_string(),
        }
    }

    fn component(id: &str, reason: impl Into<String>) -> Self {
        Self::Component {
            component: id.to_owned(),
            reason: reason.into(),
        }
    }
}

/// A running application. Dropping it stops the listener at once; [`Running::shutdown`] waits for what is running.
pub struct Running {
    /// Where it listens, such as `http://127.0.0.1:3000`.
    pub url: String,
    /// The workspace service's address, if it was started.
    pub workspace_url: Option<String>,
    /// The admin's password, if this start generated it.
    pub admin_password: Option<String>,
    /// Values of the application's variables, secrets included. For embedders that call the application.
    pub variables: Values,
    drain: CancellationToken,
    tracker: TaskTracker,
    permits: Arc<Semaphore>,
    instances: u32,
    patience: Duration,
    logs: Logs,
    workspace: Option<tokio::task::JoinHandle<()>>,
    _lock: File,
}

impl Running {
    /// Stops: no new requests, then wait for those that are answered and for the work that goes on behind them.
    /// Returns whether all of it ended in time.
    pub async fn shutdown(mut self) -> bool {
        self.drain.cancel();
        self.tracker.close();
        let ended = tokio::time::timeout(self.patience, async {
            self.tracker.wait().await;
            let _ = self.permits.acquire_many(self.instances).await;
        })
        .await
        .is_ok();
        if let Some(workspace) = self.workspace.take() {
            workspace.abort();
            let _ = workspace.await;
        }
        if !ended {
            self.logs
                .host("stopped with work unfinished; the next tick takes it up again");
        }
        let logs = self.logs.clone();
        let _ = tokio::task::spawn_blocking(move || logs.flush()).await;
        ended
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.drain.cancel();
        if let Some(workspace) = &self.workspace {
            workspace.abort();
        }
    }
}

/// Starts the application of `options.manifest` and returns once it listens.
pub async fn start(options: Options, progress: impl Fn(Progress)) -> Result<Running, StartError> {
    let app = crate::manifest::load(&options.manifest)?;
    let state = absolute(&options.state_dir)?;
    create_private(&state).map_err(|error| StartError::state(&state, error))?;
    let lock = lock(&state).await?;

    let listener = TcpListener::bind(options.listen)
        .await
        .map_err(|error| StartError::Listen {
            address: options.listen,
            reason: error.to_string(),
        })?;
    let address = reachable(
        listener
            .local_addr()
            .map_err(|error| StartError::state(&state, error))?,
    );
    let url = format!("http://{address}");

    let given =
        |name: &str| options.variables.contains_key(name) || options.environment.contains_key(name);
    let secrets = crate::secrets::load(&state, &app, given)
        .map_err(|error| StartError::state(&state.join("secrets.json"), error))?;
    let mut generated = secrets.values;
    generated.insert("loom_url".to_owned(), url.clone());

    let logs = Logs::start(state.join("logs"), options.verbose)
        .map_err(|error| StartError::state(&state.join("logs"), error))?;
    let workspace = if options.workspace
        && app.variables.contains_key("workspace_url")
        && !given("workspace_url")
    {
        let token = [&options.variables, &options.environment, &generated]
            .into_iter()
            .find_map(|source| source.get("workspace_token"))
            .cloned()
            .unwrap_or_default();
        let service = crate::workspace::start(&state, token, options.sandbox, logs.clone())
            .await
            .map_err(|error| StartError::state(&state.join("workspace"), error))?;
        generated.insert("workspace_url".to_owned(), service.url.clone());
        Some(service)
    } else {
        None
    };
    let variables = Values::resolve(&app, &options.variables, &options.environment, &generated)?;

    let engine = crate::engine::create(options.limits.instances)
        .map_err(|error| StartError::Engine(format!("{error:#}")))?;
    let linker =
        crate::engine::linker(&engine).map_err(|error| StartError::Engine(format!("{error:#}")))?;
    let own_cache = options.cache_dir.is_none();
    let cache = options
        .cache_dir
        .clone()
        .unwrap_or_else(|| state.join("cache"));
    let (components, cached) = load_components(&app, &engine, &cache, &progress).await?;
    if own_cache {
        crate::compiled::prune(&cache, &cached);
    }

    let databases = open_databases(&app, &state)?;
    let key_value = open_key_value(&app, &state)?;
    let directory = Arc::new(Directory::default());
    let permits = Arc::new(Semaphore::new(options.limits.instances as usize));
    let drain = CancellationToken::new();
    let client = Arc::new(Client::default());
    let mut functions = HashMap::new();
    for (id, component) in &app.components {
        let code = components
            .get(&component.source)
            .ok_or_else(|| StartError::component(id, "it wasn't loaded"))?;
        let pre = linker
            .instantiate_pre(code)
            .map_err(|error| StartError::component(id, explain_link(&error)))?;
        let outbound = Outbound {
            component: id.clone(),
            allowed: Arc::new(allowed(id, component, &variables)?),
            client: client.clone(),
            directory: Arc::downgrade(&directory),
            logs: logs.clone(),
        };
        let staging = state.join("files").join(id);
        let grants = Grants {
            id: id.as_str().into(),
            environment: component.environment.clone().into_iter().collect(),
            preopens: crate::files::prepare(&component.files, &app.dir, &staging)
                .map_err(|reason| StartError::component(id, format!("files: {reason}")))?,
            variables: variables.of_component(id, component)?,
            key_value: component
                .key_value_stores
                .iter()
                .filter_map(|label| Some((label.clone(), key_value.as_ref()?.store(label))))
                .collect(),
            sqlite: component
                .sqlite_databases
                .iter()
                .filter_map(|label| Some((label.clone(), databases.get(label)?.clone())))
                .collect(),
            outbound,
            logs: logs.clone(),
            limits: options.limits.clone(),
            permits: permits.clone(),
            drain: drain.clone(),
        };
        let on_http = app.routes.iter().any(|route| route.component == *id);
        let function = Function::new(grants, pre, on_http)
            .map_err(|error| StartError::component(id, format!("{error:#}")))?;
        functions.insert(id.clone(), function);
    }
    let router = Router::new(
        app.routes
            .iter()
            .filter_map(|route| Some((route.pattern.clone()?, route.component.clone()))),
    );
    directory.fill(functions, router, address.to_string());

    let tracker = TaskTracker::new();
    let server = Arc::new(Server {
        directory: directory.clone(),
        admission: Admission::new(options.turns, options.queue, options.limits.queue),
        logs: logs.clone(),
        max_body: options.max_body,
        name: app.name.clone(),
        version: app.version.clone(),
        address: address.to_string(),
        drain: drain.clone(),
    });
    tracker.spawn(server.run(listener, tracker.clone()));
    if options.cron {
        for cron in &app.crons {
            let schedule = crate::cron::parse(&cron.expression)
                .map_err(|reason| StartError::component(&cron.component, reason))?;
            tracker.spawn(crate::cron::run(
                directory.clone(),
                cron.component.clone(),
                schedule,
                drain.clone(),
            ));
        }
    }

    let fresh = secrets
        .fresh
        .iter()
        .any(|name| name == "loom_admin_password");
    let admin_password = fresh.then(|| {
        variables
            .get("loom_admin_password")
            .unwrap_or_default()
            .to_owned()
    });
    let (workspace_url, workspace) = workspace.map(|service| (service.url, service.task)).unzip();
    Ok(Running {
        url,
        workspace_url,
        admin_password,
        variables,
        drain,
        tracker,
        permits,
        instances: options.limits.instances,
        patience: options.drain,
        logs,
        workspace,
        _lock: lock,
    })
}

/// Makes the state folder for its owner alone: the database has password hashes. One that exists is left as it is.
fn create_private(state: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(state)
}

fn absolute(path: &Path) -> Result<PathBuf, StartError> {
    std::path::absolute(path).map_err(|error| StartError::state(path, error))
}

/// How long a start waits for the folder. A host that was killed while it started a program leaves a child that holds
/// the lock until it has become that program.
const LOCK_PATIENCE: Duration = Duration::from_secs(2);

/// Keeps a second host from this folder: both would fire the same schedules. The lock ends with the process.
async fn lock(state: &Path) -> Result<File, StartError> {
    let path = state.join("lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(|error| StartError::state(&path, error))?;
    let begun = tokio::time::Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(std::fs::TryLockError::WouldBlock) if begun.elapsed() < LOCK_PATIENCE => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err(std::fs::TryLockError::WouldBlock) => {
                return Err(StartError::InUse(state.display().to_string()));
            }
            Err(std::fs::TryLockError::Error(error)) => {
                return Err(StartError::state(&path, error));
            }
        }
    }
}

/// The address under which this machine reaches a listener, also one on all interfaces.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            std::net::IpAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            std::net::IpAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

/// Loads every distinct source once, a few at a time. Returns the names of their cached files as well.
async fn load_components(
    app: &App,
    engine: &wasmtime::Engine,
    cache: &Path,
    progress: &impl Fn(Progress),
) -> Result<
    (
        HashMap<PathBuf, wasmtime::component::Component>,
        HashSet<PathBuf>,
    ),
    StartError,
> {
    let sources: BTreeSet<&PathBuf> = app
        .components
        .values()
        .map(|component| &component.source)
        .collect();
    let total = sources.len();
    progress(Progress::Loading {
        done: 0,
        total,
        compiled: 0,
    });
    let slots = Arc::new(Semaphore::new(
        std::thread::available_parallelism().map_or(2, usize::from),
    ));
    let mut tasks = tokio::task::JoinSet::new();
    for source in sources {
        let (engine, cache, source, slots) = (
            engine.clone(),
            cache.to_owned(),
            source.clone(),
            slots.clone(),
        );
        tasks.spawn(async move {
            let _slot = slots.acquire_owned().await;
            let path = source.clone();
            let loaded =
                tokio::task::spawn_blocking(move || crate::compiled::load(&engine, &path, &cache))
                    .await;
            (
                source,
                loaded.unwrap_or_else(|error| Err(error.to_string())),
            )
        });
    }
    let mut loaded = HashMap::new();
    let mut compiled = 0;
    let mut used = HashSet::new();
    while let Some(Ok((source, result))) = tasks.join_next().await {
        let crate::compiled::Loaded {
            component,
            origin,
            file,
        } = result.map_err(|reason| {
            let owner = app
                .components
                .iter()
                .find(|(_, component)| component.source == source);
            StartError::component(owner.map_or("?", |(id, _)| id), reason)
        })?;
        used.insert(file);
        compiled += usize::from(origin == Origin::Compiled);
        loaded.insert(source, component);
        progress(Progress::Loading {
            done: loaded.len(),
            total,
            compiled,
        });
    }
    Ok((loaded, used))
}

fn open_databases(app: &App, state: &Path) -> Result<HashMap<String, Arc<Database>>, StartError> {
    let labels: BTreeSet<&String> = app
        .components
        .values()
        .flat_map(|component| &component.sqlite_databases)
        .collect();
    let dir = state.join("sqlite");
    std::fs::create_dir_all(&dir).map_err(|error| StartError::state(&dir, error))?;
    labels
        .into_iter()
        .map(|label| {
            let path = dir.join(format!("{label}.db"));
            let database =
                Database::open(&path).map_err(|error| StartError::state(&path, error))?;
            Ok((label.clone(), Arc::new(database)))
        })
        .collect()
}

fn open_key_value(app: &App, state: &Path) -> Result<Option<KeyValue>, StartError> {
    if app
        .components
        .values()
        .all(|component| component.key_value_stores.is_empty())
    {
        return Ok(None);
    }
    let path = state.join("key_value.db");
    KeyValue::open(&path)
        .map(Some)
        .map_err(|error| StartError::state(&path, error))
}

fn allowed(
    id: &str,
    component: &Component,
    variables: &Values,
) -> Result<Vec<Allowed>, StartError> {
    component
        .allowed_outbound_hosts
        .iter()
        .map(|entry| {
            crate::template::expand(entry, |name| variables.get(name))
                .and_then(|entry| Allowed::parse(&entry))
                .map_err(|reason| {
                    StartError::component(id, format!("allowed_outbound_hosts {entry:?}: {reason}"))
                })
        })
        .collect()
}

fn explain_link(error: &wasmtime::Error) -> String {
    format!(
        "it needs something that this host doesn't offer: {error:#}; it must be built for WASI 0.3.0 (spin-sdk 7), and \
         of Spin's own interfaces only key-value, sqlite and variables are here"
    )
}
