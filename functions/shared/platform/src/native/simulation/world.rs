//! What the tasks of a simulation share: who is there, what time it is, what goes wrong next.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Wake, Waker},
    time::Duration,
};

use futures_util::future::BoxFuture;

use super::{
    database::Store,
    dice::Dice,
    faults::Faults,
    platform::SimPlatform,
    template::Template,
    timer::{Sleep, YieldNow},
    trace::{Trace, TraceEntry},
};
use crate::{
    DatabaseError,
    native::{Handler, MapFiles, MapVariables},
};

/// 2027-01-15T08:00:00Z: later than the code, and far enough from any edge of the calendar.
const START_MILLIS: u64 = 1_800_000_000_000;

/// One process of a simulation: what crashes together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessId(usize);

/// No task's number.
pub(super) const NOBODY: TaskId = TaskId::MAX;

/// The first process that [`World::new`] adds.
const NETWORK: ProcessId = ProcessId(0);

pub(super) type TaskId = u64;
type Supervised = Arc<dyn Fn(SimPlatform) -> BoxFuture<'static, ()> + Send + Sync>;

/// Everything but the tasks' own state. One thread runs them all, so its locks are never waited for; they are there
/// because the ports promise to be `Sync`.
pub(super) struct World {
    pub(super) seed: u64,
    state: Mutex<State>,
    woken: Arc<Mutex<Vec<TaskId>>>,
    /// Simulated time in microseconds since the Unix epoch; apart from the state because SQL reads it too.
    clock: Arc<AtomicU64>,
    /// The task whose turn it is, [`NOBODY`] between turns; apart from the state because SQL reads it too.
    turn: Arc<AtomicU64>,
    pub(super) store: Store,
    pub(super) variables: MapVariables,
}

pub(super) struct State {
    /// Decides the schedule and the faults.
    pub(super) dice: Dice,
    /// Behind the Random port, apart so that one more draw there leaves the schedule as it was.
    pub(super) random: Dice,
    pub(super) faults: Faults,
    pub(super) trace: Trace,
    pub(super) routes: Vec<Route>,
    pub(super) key_value: HashMap<String, Vec<u8>>,
    pub(super) files: MapFiles,
    pub(super) crashes: u32,
    tasks: BTreeMap<TaskId, Task>,
    next_task: TaskId,
    current: Option<TaskId>,
    processes: Vec<Process>,
    alarms: BTreeMap<AlarmKey, Alarm>,
    next_alarm: u64,
    crashing: Vec<ProcessId>,
}

/// A time in microseconds, and a number that keeps equal times apart.
pub(super) type AlarmKey = (u64, u64);

pub(super) enum Alarm {
    Wake(Waker),
    Restart(ProcessId),
}

#[derive(Clone)]
pub(super) struct Route {
    pub(super) prefix: String,
    pub(super) process: ProcessId,
    pub(super) handler: Handler,
}

struct Process {
    name: String,
    alive: bool,
    may_crash: bool,
    skew_millis: i64,
    supervised: Option<Supervised>,
}

struct Task {
    process: ProcessId,
    name: String,
    /// Taken out while it is being polled.
    future: Option<BoxFuture<'static, ()>>,
    waker: Arc<TaskWaker>,
}

/// A task on its turn.
pub(super) struct Turn {
    id: TaskId,
    pub(super) future: BoxFuture<'static, ()>,
    pub(super) waker: Waker,
}

struct TaskWaker {
    id: TaskId,
    waiting_for_turn: AtomicBool,
    woken: Arc<Mutex<Vec<TaskId>>>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.waiting_for_turn.swap(true, Ordering::Relaxed) {
            lock(&self.woken).push(self.id);
        }
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

impl World {
    pub(super) fn new(seed: u64, template: &Template) -> Result<Self, DatabaseError> {
        let store = Store::open(template)?;
        let (clock, turn) = (Arc::clone(&store.clock), Arc::clone(&store.turn));
        clock.store(START_MILLIS * 1_000, Ordering::Relaxed);
        turn.store(NOBODY, Ordering::Relaxed);
        let mut dice = Dice::new(seed);
        let random = Dice::new(dice.next());
        let world = Self {
            seed,
            store,
            clock,
            turn,
            woken: Arc::default(),
            variables: MapVariables::default(),
            state: Mutex::new(State {
                dice,
                random,
                faults: Faults::default(),
                trace: Trace::default(),
                routes: Vec::new(),
                key_value: HashMap::new(),
                files: MapFiles::default(),
                crashes: 0,
                tasks: BTreeMap::new(),
                next_task: 0,
                current: None,
                processes: Vec::new(),
                alarms: BTreeMap::new(),
                next_alarm: 0,
                crashing: Vec::new(),
            }),
        };
        world.add_process("network", false);
        Ok(world)
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    pub(super) fn now_micros(&self) -> u64 {
        self.clock.load(Ordering::Relaxed)
    }

    /// The wall clock as a process sees it, in milliseconds.
    pub(super) fn wall_millis(&self, process: ProcessId) -> i64 {
        let now = i64::try_from(self.now_micros() / 1_000).unwrap_or(i64::MAX);
        let state = self.state();
        state
            .processes
            .get(process.0)
            .map_or(now, |process| now.saturating_add(process.skew_millis))
    }

    pub(super) fn elapsed(&self) -> Duration {
        Duration::from_micros(self.now_micros().saturating_sub(START_MILLIS * 1_000))
    }

    pub(super) fn trace(&self, event: &'static str, detail: impl Into<Cow<'static, str>>) {
        let at = self.elapsed();
        let mut state = self.state();
        let task = state
            .current
            .map_or_else(String::new, |id| state.task_name(id));
        state.trace.add(TraceEntry {
            at,
            task,
            event,
            detail: detail.into(),
        });
    }

    // Processes and tasks.

    pub(super) fn add_process(&self, name: &str, may_crash: bool) -> ProcessId {
        let mut state = self.state();
        let id = ProcessId(state.processes.len());
        state.processes.push(Process {
            name: name.to_owned(),
            alive: true,
            may_crash,
            skew_millis: 0,
            supervised: None,
        });
        state.draw_skew(id);
        id
    }

    /// The process whose tasks carry requests: it never crashes, and holds no platform.
    pub(super) fn network(&self) -> ProcessId {
        NETWORK
    }

    pub(super) fn supervise(self: &Arc<Self>, process: ProcessId, supervised: Supervised) {
        if let Some(found) = self.state().processes.get_mut(process.0) {
            found.supervised = Some(supervised);
        }
        self.start_supervised(process);
    }

    fn start_supervised(self: &Arc<Self>, process: ProcessId) {
        let supervised = {
            let state = self.state();
            state
                .processes
                .get(process.0)
                .and_then(|found| found.supervised.clone())
        };
        if let Some(supervised) = supervised {
            let platform = SimPlatform::new(Link {
                world: Arc::clone(self),
                process,
                observer: false,
            });
            self.spawn(process, "main", supervised(platform));
        }
    }

    /// Adds a task. In a process that is not alive it never runs.
    pub(super) fn spawn(
        &self,
        process: ProcessId,
        name: impl Into<String>,
        future: BoxFuture<'static, ()>,
    ) -> TaskId {
        let mut state = self.state();
        let id = state.next_task;
        state.next_task += 1;
        if !state.alive(process) {
            return id;
        }
        let waker = Arc::new(TaskWaker {
            id,
            waiting_for_turn: AtomicBool::new(true),
            woken: Arc::clone(&self.woken),
        });
        state.tasks.insert(
            id,
            Task {
                process,
                name: name.into(),
                future: Some(future),
                waker,
            },
        );
        lock(&self.woken).push(id);
        id
    }

    pub(super) fn is_running(&self, task: TaskId) -> bool {
        self.state().tasks.contains_key(&task)
    }

    /// The names of all tasks that have not ended.
    pub(super) fn unfinished(&self) -> Vec<String> {
        let state = self.state();
        state.tasks.keys().map(|id| state.task_name(*id)).collect()
    }

    /// Draws whose turn it is among the tasks that can run.
    pub(super) fn next_turn(&self) -> Option<Turn> {
        let mut state = self.state();
        let mut woken = lock(&self.woken);
        loop {
            let bound = u64::try_from(woken.len()).unwrap_or(u64::MAX);
            if bound == 0 {
                return None;
            }
            let index = usize::try_from(state.dice.below(bound)).unwrap_or(0);
            let id = woken.swap_remove(index);
            // One that is gone, by its end or a crash, had a wake-up left over.
            if let Some(task) = state.tasks.get_mut(&id)
                && let Some(future) = task.future.take()
            {
                task.waker.waiting_for_turn.store(false, Ordering::Relaxed);
                let waker = Waker::from(Arc::clone(&task.waker));
                state.current = Some(id);
                self.turn.store(id, Ordering::Relaxed);
                return Some(Turn { id, future, waker });
            }
        }
    }

    /// Puts a polled task back, or forgets it when it has ended; then lets crashes happen that were drawn meanwhile.
    pub(super) fn end_turn(&self, turn: Turn, ended: bool) {
        let forgotten = {
            let mut state = self.state();
            state.current = None;
            self.turn.store(NOBODY, Ordering::Relaxed);
            if ended {
                state.tasks.remove(&turn.id);
                Some(turn.future)
            } else if let Some(task) = state.tasks.get_mut(&turn.id) {
                task.future = Some(turn.future);
                None
            } else {
                Some(turn.future)
            }
        };
        // Outside the lock, because what a future owns may reach for the world as it goes.
        drop(forgotten);
        loop {
            let Some(process) = self.state().crashing.pop() else {
                return;
            };
            self.crash(process);
        }
    }

    /// Undoes [`next_turn`](Self::next_turn).
    pub(super) fn give_back(&self, turn: Turn) {
        let mut state = self.state();
        state.current = None;
        self.turn.store(NOBODY, Ordering::Relaxed);
        if let Some(task) = state.tasks.get_mut(&turn.id) {
            task.future = Some(turn.future);
        }
        turn.waker.wake();
    }

    /// Lets go of everything that may in turn hold this world.
    pub(super) fn clear(&self) {
        let (tasks, routes, processes) = {
            let mut state = self.state();
            let tasks = std::mem::take(&mut state.tasks);
            (
                tasks,
                std::mem::take(&mut state.routes),
                std::mem::take(&mut state.processes),
            )
        };
        // Outside the lock: see `end_turn`.
        drop((tasks, routes, processes));
    }

    /// Ends a process and all its tasks at once. A supervised one comes back after a while.
    pub(super) fn crash(&self, process: ProcessId) {
        let now = self.now_micros();
        let gone: Vec<Task> = {
            let mut state = self.state();
            let Some(found) = state.processes.get_mut(process.0) else {
                return;
            };
            if !std::mem::replace(&mut found.alive, false) {
                return;
            }
            let comes_back = found.supervised.is_some();
            state.crashes += 1;
            if comes_back {
                let pause = 1_000 + state.dice.below(2_000_000);
                state.add_alarm(now + pause, Alarm::Restart(process));
            }
            state
                .tasks
                .extract_if(.., |_, task| task.process == process)
                .map(|(_, task)| task)
                .collect()
        };
        self.trace("crash", self.process_name(process));
        drop(gone);
    }

    /// Brings a process back up. Does nothing to one that is alive.
    pub(super) fn restart(self: &Arc<Self>, process: ProcessId) {
        {
            let mut state = self.state();
            let Some(found) = state.processes.get_mut(process.0) else {
                return;
            };
            if std::mem::replace(&mut found.alive, true) {
                return;
            }
            state.draw_skew(process);
        }
        self.trace("restart", self.process_name(process));
        self.start_supervised(process);
    }

    pub(super) fn is_alive(&self, process: ProcessId) -> bool {
        self.state().alive(process)
    }

    pub(super) fn process_name(&self, process: ProcessId) -> String {
        self.state().process_name(process).to_owned()
    }

    // Time.

    pub(super) fn add_timer(&self, at_micros: u64, waker: Waker) -> AlarmKey {
        self.state().add_alarm(at_micros, Alarm::Wake(waker))
    }

    pub(super) fn renew_timer(&self, key: AlarmKey, waker: &Waker) {
        if let Some(Alarm::Wake(known)) = self.state().alarms.get_mut(&key) {
            known.clone_from(waker);
        }
    }

    pub(super) fn remove_timer(&self, key: AlarmKey) {
        self.state().alarms.remove(&key);
    }

    /// Moves the clock to the next alarm and lets it, and all others of that moment, go off. False when there is none
    /// up to `horizon_micros`; then the clock is set to that, unless it is infinite.
    pub(super) fn advance(self: &Arc<Self>, horizon_micros: u64) -> bool {
        let next = self
            .state()
            .alarms
            .first_key_value()
            .map(|((at, _), _)| *at);
        let Some(at) = next.filter(|at| *at <= horizon_micros) else {
            if horizon_micros != u64::MAX {
                self.clock.fetch_max(horizon_micros, Ordering::Relaxed);
            }
            return false;
        };
        self.clock.fetch_max(at, Ordering::Relaxed);
        let due = {
            let mut state = self.state();
            let later = state.alarms.split_off(&(at.saturating_add(1), 0));
            std::mem::replace(&mut state.alarms, later)
        };
        for alarm in due.into_values() {
            match alarm {
                Alarm::Wake(waker) => waker.wake(),
                Alarm::Restart(process) => self.restart(process),
            }
        }
        true
    }
}

impl State {
    fn task_name(&self, id: TaskId) -> String {
        self.tasks.get(&id).map_or_else(String::new, |task| {
            format!("{}/{}#{id}", self.process_name(task.process), task.name)
        })
    }

    fn process_name(&self, process: ProcessId) -> &str {
        self.processes
            .get(process.0)
            .map_or("", |process| &process.name)
    }

    fn alive(&self, process: ProcessId) -> bool {
        self.processes
            .get(process.0)
            .is_some_and(|process| process.alive)
    }

    fn draw_skew(&mut self, process: ProcessId) {
        let widest = u64::try_from(self.faults.clock_skew.as_millis()).unwrap_or(0);
        let drawn = if widest == 0 {
            0
        } else {
            self.dice.below(2 * widest + 1)
        };
        if let Some(process) = self.processes.get_mut(process.0) {
            let skew = i128::from(drawn) - i128::from(widest);
            process.skew_millis = i64::try_from(skew).unwrap_or(0);
        }
    }

    pub(super) fn redraw_skews(&mut self) {
        for index in 0..self.processes.len() {
            self.draw_skew(ProcessId(index));
        }
    }

    fn add_alarm(&mut self, at_micros: u64, alarm: Alarm) -> AlarmKey {
        let key = (at_micros, self.next_alarm);
        self.next_alarm += 1;
        self.alarms.insert(key, alarm);
        key
    }

    /// Draws a delay of a port call: none, or up to the longest.
    pub(super) fn draw_delay(&mut self) -> Duration {
        if self.dice.chance(self.faults.delay) {
            Duration::from_micros(self.dice.below(micros(self.faults.longest_delay) + 1))
        } else {
            Duration::ZERO
        }
    }

    /// Draws whether the process crashes here, and arranges it.
    fn draw_crash(&mut self, process: ProcessId) -> bool {
        let may = self
            .processes
            .get(process.0)
            .is_some_and(|process| process.may_crash);
        if !may || self.crashes >= self.faults.most_crashes || !self.dice.chance(self.faults.crash)
        {
            return false;
        }
        self.crashing.push(process);
        true
    }
}

/// A port's way to the world: on whose behalf it calls.
#[derive(Clone)]
pub(super) struct Link {
    pub(super) world: Arc<World>,
    pub(super) process: ProcessId,
    /// An observer is the test itself: it meets no faults and never waits for its turn.
    pub(super) observer: bool,
}

impl fmt::Debug for Link {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Link").field(&self.process).finish()
    }
}

impl Link {
    pub(super) fn sleep(&self, duration: Duration) -> Sleep {
        let at = self.world.now_micros().saturating_add(micros(duration));
        Sleep::new(Arc::clone(&self.world), at)
    }

    /// What comes before every port call: others get their turns, and things may go wrong.
    pub(super) async fn before(&self, event: &'static str, detail: impl Into<Cow<'static, str>>) {
        if self.observer {
            return;
        }
        self.world.trace(event, detail);
        let (crash, turns, delay) = {
            let mut state = self.world.state();
            let crash = state.draw_crash(self.process);
            // Mostly one turn; now and then a few, so that others get a real lead.
            let turns = if state.dice.below(4) == 0 {
                2 + state.dice.below(5)
            } else {
                1
            };
            (crash, turns, state.draw_delay())
        };
        if crash {
            // The process ends with this poll; nobody comes back here.
            return std::future::pending().await;
        }
        for _ in 0..turns {
            YieldNow::default().await;
        }
        if !delay.is_zero() {
            self.sleep(delay).await;
        }
    }

    /// What comes after the effect of a port call: the process may crash before it knows of it.
    pub(super) async fn after(&self) {
        if self.observer {
            return;
        }
        let (crash, turn) = {
            let mut state = self.world.state();
            (state.draw_crash(self.process), state.dice.below(4) == 0)
        };
        if crash {
            return std::future::pending().await;
        }
        if turn {
            YieldNow::default().await;
        }
    }

    /// Draws one of the faults.
    pub(super) fn fault(
        &self,
        event: &'static str,
        probability: impl FnOnce(&Faults) -> f64,
    ) -> bool {
        if self.observer {
            return false;
        }
        let happens = {
            let mut state = self.world.state();
            let probability = probability(&state.faults);
            state.dice.chance(probability)
        };
        if happens {
            self.world.trace(event, "");
        }
        happens
    }
}
