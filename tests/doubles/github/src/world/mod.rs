//! Everything the double knows beside what is in the repositories.

mod check;
mod delivery;
mod issue;
mod limits;
mod people;
mod repository;
mod run;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::PathBuf;

use crate::app::App;
use crate::control::Fault;
use crate::control::WebhookFault;
use crate::ledger::RequestSeen;
use crate::time;

pub(crate) use check::{CheckRun, CommitStatus, Suite};
pub(crate) use delivery::{Delivery, Hook};
pub(crate) use issue::{Comment, Issue, Label, Pull, Review, ReviewComment};
pub(crate) use limits::Limits;
pub use people::Permission;
pub(crate) use people::{Actor, Token, User, UserKind};
pub use repository::Protection;
pub(crate) use repository::Repo;
pub(crate) use run::{Job, Run, Workflow};

/// The whole state; changed under one lock, so that each request sees and changes it as a whole.
#[derive(Debug)]
pub(crate) struct World {
    /// The address of the server.
    pub(crate) address: String,
    /// The address of the API: the server's, with `/api/v3` on GitHub Enterprise.
    pub(crate) api: String,
    /// Where the repositories are.
    pub(crate) folder: PathBuf,
    pub(crate) app: App,
    /// By lower-case login.
    pub(crate) users: BTreeMap<String, User>,
    pub(crate) tokens: HashMap<String, Token>,
    /// By lower-case `owner/name`.
    pub(crate) repos: BTreeMap<String, Repo>,
    /// Installation ids by lower-case account.
    pub(crate) installations: BTreeMap<String, u64>,
    pub(crate) limits: Limits,
    pub(crate) faults: Vec<Fault>,
    pub(crate) requests: Vec<RequestSeen>,
    pub(crate) hooks: HookWorld,
    /// Actions runs that wait for the runner: repository and run.
    pub(crate) queue: VecDeque<(String, u64)>,
    /// Whether the runner starts runs.
    pub(crate) runner_on: bool,
    /// Runs that are being executed.
    pub(crate) executing: usize,
    /// Whether the double is being stopped, and the runner with it.
    pub(crate) stopping: bool,
    last_id: u64,
    /// Seconds that the test added to the clock.
    pub(crate) advanced: i64,
}

/// What concerns webhooks.
#[derive(Debug, Default)]
pub(crate) struct HookWorld {
    /// Deliveries that wait to be sent, by id.
    pub(crate) outbox: VecDeque<u64>,
    /// Deliveries that a test holds back, by id.
    pub(crate) held: Vec<u64>,
    /// Every attempt that was made, oldest first.
    pub(crate) deliveries: Vec<Delivery>,
    pub(crate) faults: Vec<WebhookFault>,
    /// Deliveries that are being sent.
    pub(crate) sending: usize,
    /// Deliveries that wait for their delay.
    pub(crate) late: usize,
}

impl World {
    pub(crate) fn new(
        address: String,
        enterprise: bool,
        folder: PathBuf,
        app: App,
        limits: Limits,
    ) -> Self {
        let api = if enterprise {
            format!("{address}/api/v3")
        } else {
            address.clone()
        };
        let mut world = Self {
            address,
            api,
            folder,
            app,
            users: BTreeMap::new(),
            tokens: HashMap::new(),
            repos: BTreeMap::new(),
            installations: BTreeMap::new(),
            limits,
            faults: Vec::new(),
            requests: Vec::new(),
            hooks: HookWorld::default(),
            queue: VecDeque::new(),
            runner_on: true,
            executing: 0,
            stopping: false,
            last_id: 1_000_000,
            advanced: 0,
        };
        let bot = world.app.bot();
        world.user(&bot, UserKind::Bot);
        world.user("github-actions[bot]", UserKind::Bot);
        world
    }

    /// Seconds since the epoch, by a clock that a test can advance.
    pub(crate) fn now(&self) -> i64 {
        time::machine_seconds() + self.advanced
    }

    /// The present as the API writes it.
    pub(crate) fn stamp(&self) -> String {
        time::rfc3339(self.now())
    }

    /// A number that nothing else has.
    pub(crate) fn id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// A repository by `owner/name`, in any case.
    pub(crate) fn repo(&self, name: &str) -> Option<&Repo> {
        self.repos.get(&name.to_lowercase())
    }

    /// The same, to change it.
    pub(crate) fn repo_mut(&mut self, name: &str) -> Option<&mut Repo> {
        self.repos.get_mut(&name.to_lowercase())
    }

    /// The user with this login, made if there is none.
    pub(crate) fn user(&mut self, login: &str, kind: UserKind) -> &User {
        let key = login.to_lowercase();
        if !self.users.contains_key(&key) {
            let user = User::new(self.id(), login, kind, self.now());
            self.users.insert(key.clone(), user);
        }
        &self.users[&key]
    }

    /// The installation of the App on an account, made if there is none.
    pub(crate) fn installation(&mut self, account: &str) -> u64 {
        let key = account.to_lowercase();
        if let Some(id) = self.installations.get(&key) {
            return *id;
        }
        let id = self.id();
        self.installations.insert(key, id);
        id
    }
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Random bytes in hexadecimal.
pub(crate) fn random_hex(bytes: usize) -> String {
    let mut random = vec![0; bytes];
    getrandom::fill(&mut random).expect("the machine has randomness");
    hex(&random)
}
