use std::{
    fmt,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
    time::Duration,
};

use thiserror::Error;

use super::{
    faults::Faults,
    platform::SimPlatform,
    template::Template,
    trace::Trace,
    world::{Link, ProcessId, Route, TaskId, World, lock},
};
use crate::{
    Body, DatabaseError, body_from,
    native::{Handler, MapFiles, MapVariables, handler},
};

/// Why a run ended before its work did.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
pub enum Unfinished {
    /// More polls than allowed: an endless loop, or too small a limit.
    #[error("not quiet after {polls} polls; still running: {}", tasks.join(", "))]
    LimitReached {
        /// How many polls were made.
        polls: u64,
        /// The tasks that had not ended, as `process/task#number`.
        tasks: Vec<String>,
    },
    /// Nobody can run, no timer is set, and yet there are tasks: they wait for something that can't come.
    #[error("nothing can go on, and these wait for ever: {}", tasks.join(", "))]
    Stuck {
        /// The tasks that wait, as `process/task#number`.
        tasks: Vec<String>,
    },
}

/// A simulated world and the scheduler that runs it.
///
/// Dropped while its thread panics, it prints its seed and the end of its trace.
pub struct Simulation {
    world: Arc<World>,
    /// The test's own process, for observers.
    test: ProcessId,
    polls: u64,
}

impl Simulation {
    /// A world with an empty database and without faults.
    pub fn new(seed: u64) -> Result<Self, DatabaseError> {
        Self::from_template(seed, &Template::default())
    }

    /// A world without faults whose database is a copy of `template`.
    pub fn from_template(seed: u64, template: &Template) -> Result<Self, DatabaseError> {
        let world = Arc::new(World::new(seed, template)?);
        let test = world.add_process("test", false);
        Ok(Self {
            world,
            test,
            polls: 0,
        })
    }

    /// The seed that decides this run.
    pub fn seed(&self) -> u64 {
        self.world.seed
    }

    /// What may go wrong from now on. Clocks that may be skewed are drawn anew.
    pub fn set_faults(&mut self, faults: Faults) {
        let mut state = self.world.state();
        state.faults = faults;
        state.redraw_skews();
    }

    /// The variables of all processes, to be set and changed.
    pub fn variables(&self) -> &MapVariables {
        &self.world.variables
    }

    /// The files of all platforms that are handed out after this.
    pub fn set_files(&mut self, files: MapFiles) {
        self.world.state().files = files;
    }

    /// Adds a process that faults may crash.
    pub fn process(&mut self, name: &str) -> ProcessId {
        self.world.add_process(name, true)
    }

    /// Adds a process that only [`crash`](Self::crash) ends: a double of an outside service, or a part of the test.
    pub fn lasting_process(&mut self, name: &str) -> ProcessId {
        self.world.add_process(name, false)
    }

    /// The outside world as `process` sees it. It stays valid when the process comes back after a crash.
    pub fn platform(&self, process: ProcessId) -> SimPlatform {
        let world = Arc::clone(&self.world);
        SimPlatform::new(Link {
            world,
            process,
            observer: false,
        })
    }

    /// A platform for the test itself: its calls meet no faults, don't wait for a turn and leave no trace.
    pub fn observer(&self) -> SimPlatform {
        let world = Arc::clone(&self.world);
        SimPlatform::new(Link {
            world,
            process: self.test,
            observer: true,
        })
    }

    /// Adds a task to a process.
    pub fn spawn(
        &mut self,
        process: ProcessId,
        name: &str,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        self.world.spawn(process, name, Box::pin(task));
    }

    /// Adds a process that faults may crash, with one task.
    pub fn spawn_process<F, Task>(&mut self, name: &str, task: F) -> ProcessId
    where
        F: FnOnce(SimPlatform) -> Task,
        Task: Future<Output = ()> + Send + 'static,
    {
        let process = self.process(name);
        let platform = self.platform(process);
        self.spawn(process, "main", task(platform));
        process
    }

    /// Starts `main` in the process now, and again after each crash, up to two seconds later.
    pub fn supervise<F, Task>(&mut self, process: ProcessId, main: F)
    where
        F: Fn(SimPlatform) -> Task + Send + Sync + 'static,
        Task: Future<Output = ()> + Send + 'static,
    {
        self.world
            .supervise(process, Arc::new(move |platform| Box::pin(main(platform))));
    }

    /// From now on requests whose authority (host, or host and port) begins with `prefix` go to `handler`, as new
    /// tasks of `process`. The longest prefix wins, then the latest registration. Requests to any other host are
    /// refused as not allowed.
    pub fn route(&mut self, prefix: &str, process: ProcessId, handler: Handler) {
        let route = Route {
            prefix: prefix.to_owned(),
            process,
            handler,
        };
        self.world.state().routes.push(route);
    }

    /// Like [`route`](Self::route), for the `handle` of a function.
    ///
    /// Under the prefix `<id>.spin.internal` it plays the component `<id>`.
    pub fn serve<F, Answer>(&mut self, prefix: &str, process: ProcessId, handle: F)
    where
        F: Fn(SimPlatform, http::Request<Body>) -> Answer + Send + Sync + 'static,
        Answer: Future<Output = http::Response<Body>> + Send + 'static,
    {
        // Made anew per request, so that the route doesn't keep the world alive that keeps the route.
        let world = Arc::downgrade(&self.world);
        let handle = Arc::new(handle);
        let answer = handler(move |request: http::Request<bytes::Bytes>| {
            let (world, handle) = (world.clone(), Arc::clone(&handle));
            async move {
                let Some(world) = world.upgrade() else {
                    return http::Response::new(body_from(""));
                };
                let platform = SimPlatform::new(Link {
                    world,
                    process,
                    observer: false,
                });
                handle(platform, request.map(body_from)).await
            }
        });
        self.route(prefix, process, answer);
    }

    /// Ends a process at once: its tasks are dropped, its open transaction is rolled back.
    pub fn crash(&mut self, process: ProcessId) {
        self.world.crash(process);
    }

    /// Brings a crashed process back; a supervised one begins its `main` again.
    pub fn restart(&mut self, process: ProcessId) {
        self.world.restart(process);
    }

    /// Whether the process is up.
    pub fn is_alive(&self, process: ProcessId) -> bool {
        self.world.is_alive(process)
    }

    /// How many crashes there have been.
    pub fn crashes(&self) -> u32 {
        self.world.state().crashes
    }

    /// Simulated time since the start.
    pub fn elapsed(&self) -> Duration {
        self.world.elapsed()
    }

    /// How often a task has been polled: the size of the run.
    pub fn polls(&self) -> u64 {
        self.polls
    }

    /// The end of the history so far.
    pub fn trace(&self) -> Trace {
        self.world.state().trace.clone()
    }

    /// A hash of the whole history: equal for two runs that went the same way.
    pub fn fingerprint(&self) -> u64 {
        self.world.state().trace.fingerprint()
    }

    /// What is committed in the database now, to start other simulations from.
    pub fn template(&self) -> Result<Template, DatabaseError> {
        self.world.store.template()
    }

    /// Runs until every task has ended and no restart is due, or `limit` polls have been made.
    pub fn run_until_quiet(&mut self, limit: u64) -> Result<(), Unfinished> {
        self.run(limit, u64::MAX, || false)?;
        let tasks = self.world.unfinished();
        if tasks.is_empty() {
            Ok(())
        } else {
            Err(Unfinished::Stuck { tasks })
        }
    }

    /// Runs for `duration` of simulated time, or until `limit` polls have been made. For worlds that never become
    /// quiet, because something in them repeats.
    pub fn run_for(&mut self, duration: Duration, limit: u64) -> Result<(), Unfinished> {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX - 1);
        let horizon = self
            .world
            .now_micros()
            .saturating_add(micros)
            .min(u64::MAX - 1);
        self.run(limit, horizon, || false)
    }

    /// Runs until `done` says so (asked after each poll), nothing can go on, or `limit` polls have been made; returns
    /// what `done` said last.
    pub fn run_until(
        &mut self,
        limit: u64,
        mut done: impl FnMut() -> bool,
    ) -> Result<bool, Unfinished> {
        let mut said = false;
        self.run(limit, u64::MAX, || {
            said = done();
            said
        })?;
        Ok(said)
    }

    /// Runs `future` as a task of the test, among all others, to its end.
    pub fn block_on<T: Send + 'static>(
        &mut self,
        limit: u64,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Unfinished> {
        let slot = Arc::new(Mutex::new(None));
        let result = Arc::clone(&slot);
        let task: TaskId = self.world.spawn(
            self.test,
            "block_on",
            Box::pin(async move {
                let value = future.await;
                *lock(&result) = Some(value);
            }),
        );
        let world = Arc::clone(&self.world);
        self.run(limit, u64::MAX, || !world.is_running(task))?;
        let value = lock(&slot).take();
        value.ok_or_else(|| Unfinished::Stuck {
            tasks: self.world.unfinished(),
        })
    }

    /// Looks at the world while it stands still: drives `future`, which uses an [`observer`](Self::observer), without
    /// letting anybody else run. `None` when it would have to wait, such as for a transaction of somebody.
    pub fn inspect<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let mut future = std::pin::pin!(future);
        match future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
        {
            Poll::Ready(value) => Some(value),
            Poll::Pending => None,
        }
    }

    fn run(
        &mut self,
        limit: u64,
        horizon_micros: u64,
        mut done: impl FnMut() -> bool,
    ) -> Result<(), Unfinished> {
        let mut polls = 0;
        loop {
            let Some(mut turn) = self.world.next_turn() else {
                if self.world.advance(horizon_micros) {
                    continue;
                }
                return Ok(());
            };
            if polls == limit {
                self.world.give_back(turn);
                return Err(Unfinished::LimitReached {
                    polls,
                    tasks: self.world.unfinished(),
                });
            }
            polls += 1;
            self.polls += 1;
            let ended = turn
                .future
                .as_mut()
                .poll(&mut Context::from_waker(&turn.waker))
                .is_ready();
            self.world.end_turn(turn, ended);
            if done() {
                return Ok(());
            }
        }
    }
}

impl fmt::Debug for Simulation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Simulation")
            .field("seed", &self.world.seed)
            .field("polls", &self.polls)
            .field("elapsed", &self.elapsed())
            .finish_non_exhaustive()
    }
}

impl Drop for Simulation {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.trace());
            eprintln!("the simulation of seed {} failed", self.world.seed);
        }
        // Tasks own platforms, and platforms own the world: without this they would keep each other.
        self.world.clear();
    }
}
