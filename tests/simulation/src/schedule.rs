//! One schedule from its plan to the verdict.

use std::{fmt, time::Duration};

use loom_platform::{Platform, Statements, native::simulation::Unfinished};

use crate::{
    checks,
    evidence::{Event, Evidence},
    hub::Because,
    mutation::Mutation,
    plan::Plan,
    runner::Sum,
    watch,
    world::World,
};

/// How much simulated time passes between two looks at the state.
const SLICE: Duration = Duration::from_secs(25);
/// More polls than this within a slice are an endless loop.
const MOST_POLLS: u64 = 500_000;
/// How much simulated time everything may take to end once nothing goes wrong any more.
const PATIENCE: Duration = Duration::from_secs(4 * 3_600);
/// How long the world is watched after all has ended: three more ticks must change nothing.
const AFTERWARDS: Duration = Duration::from_secs(91);

/// What a schedule went through: the proof that it was not idle.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) schedules: u64,
    pub(crate) polls: u64,
    pub(crate) crashes: u64,
    pub(crate) runs: u64,
    pub(crate) steps: u64,
    /// Runs that were put back because their holder was taken to be dead.
    pub(crate) requeues: u64,
    /// Requests for a step that were refused because the run was held by another.
    pub(crate) refused_steps: u64,
    /// Calls that the workspace refused for a stale fence.
    pub(crate) stale_fences: u64,
    /// Calls that TokenHub answered from memory.
    pub(crate) replays: u64,
    /// Paid answers that were no reply.
    pub(crate) garbage: u64,
    /// Double payments: the same request came while the first was still being answered.
    pub(crate) paid_in_flight: u64,
    /// Double payments: the same request came after TokenHub had forgotten the first.
    pub(crate) paid_forgotten: u64,
    pub(crate) merges: u64,
    pub(crate) closed: u64,
    /// Beads given up after three failures.
    pub(crate) given_up: u64,
    pub(crate) budget_refusals: u64,
    /// What waiting runs were told.
    pub(crate) answers: u64,
    pub(crate) fingerprint: u64,
}

impl Sum for Report {
    fn add(&mut self, other: Self) {
        self.schedules += other.schedules;
        self.polls += other.polls;
        self.crashes += other.crashes;
        self.runs += other.runs;
        self.steps += other.steps;
        self.requeues += other.requeues;
        self.refused_steps += other.refused_steps;
        self.stale_fences += other.stale_fences;
        self.replays += other.replays;
        self.garbage += other.garbage;
        self.paid_in_flight += other.paid_in_flight;
        self.paid_forgotten += other.paid_forgotten;
        self.merges += other.merges;
        self.closed += other.closed;
        self.given_up += other.given_up;
        self.budget_refusals += other.budget_refusals;
        self.answers += other.answers;
        self.fingerprint ^= other.fingerprint;
    }
}

impl Report {
    fn of(world: &World, evidence: &Evidence) -> Self {
        let count = |found: usize| u64::try_from(found).unwrap_or(u64::MAX);
        let paid = |because| {
            let payments = evidence.payments.iter();
            count(payments.filter(|paid| paid.because == because).count())
        };
        let events = |kind: &str| {
            let events = evidence.events.iter();
            count(events.filter(|event| event.kind == kind).count())
        };
        Self {
            schedules: 1,
            polls: world.simulation.polls(),
            crashes: u64::from(world.simulation.crashes()),
            runs: count(evidence.runs.len()),
            steps: count(evidence.steps.len()),
            requeues: events("run.requeued"),
            refused_steps: world.desk.refusals(),
            stale_fences: world.repository.refused(),
            replays: count(evidence.calls.iter().filter(|call| call.replayed).count()),
            garbage: count(
                evidence
                    .payments
                    .iter()
                    .filter(|paid| !paid.is_reply)
                    .count(),
            ),
            paid_in_flight: paid(Because::InFlight),
            paid_forgotten: paid(Because::Forgotten),
            merges: count(evidence.merges.len()),
            closed: count(
                evidence
                    .beads
                    .iter()
                    .filter(|bead| bead.status == "closed")
                    .count(),
            ),
            given_up: count(
                evidence
                    .decisions
                    .iter()
                    .filter(|decision| decision.kind == "attempts_exhausted")
                    .count(),
            ),
            budget_refusals: events("budget.exceeded"),
            answers: events("run.answered"),
            fingerprint: world.simulation.fingerprint(),
        }
    }
}

/// An invariant that did not hold.
pub(crate) struct Violation {
    pub(crate) seed: u64,
    /// Whether it is a seed of the second kind of schedule.
    pub(crate) is_flow: bool,
    /// Its number, or `liveness`.
    pub(crate) invariant: String,
    pub(crate) detail: String,
    /// The plan, the end of the trace and of Loom's log.
    pub(crate) history: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{history}\nseed {seed} violates {invariant}: {detail}\nreplay it alone: \
             LOOM_SIMULATION_{kind}SEED={seed} cargo test -p loom-simulation --release one_{test}seed -- --nocapture",
            kind = if self.is_flow { "FLOW_" } else { "" },
            test = if self.is_flow { "flow_" } else { "" },
            history = self.history,
            seed = self.seed,
            invariant = self.invariant,
            detail = self.detail,
        )
    }
}

impl fmt::Debug for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// Goes through the schedule of a seed.
pub(crate) fn run(seed: u64, mutation: Option<Mutation>) -> Result<Report, Violation> {
    let mut world = World::new(Plan::drawn(seed), mutation);
    world.begin();
    verdict(&mut world)
}

/// Lets a world that has begun go through its bad times, then calm down and end, and checks everything.
pub(crate) fn verdict(world: &mut World) -> Result<Report, Violation> {
    go_through(world)
        .and_then(|()| {
            let gathered = Evidence::of(world);
            let evidence = gathered
                .expect("reading never waits")
                .expect("a readable database");
            checks::all(&evidence).map_err(|(invariant, detail)| (invariant.to_owned(), detail))?;
            Ok(Report::of(world, &evidence))
        })
        .map_err(|(invariant, detail)| Violation {
            seed: world.plan.seed,
            is_flow: false,
            invariant,
            history: history(world, &detail),
            detail,
        })
}

pub(crate) type Wrong = (String, String);

fn go_through(world: &mut World) -> Result<(), Wrong> {
    let chaos_ends = world.simulation.elapsed() + world.plan.chaos;
    while world.simulation.elapsed() < chaos_ends {
        pass(world, SLICE)?;
    }
    world.calm_down();
    // A tick that was held up may still act on what it saw before, such as a budget that was not yet used up.
    let held_up = world.plan.faults.longest_delay;
    pass(world, held_up)?;
    let patience_ends = world.simulation.elapsed() + PATIENCE;
    loop {
        pass(world, SLICE)?;
        let moving = world.ask(watch::moving(world.observer.database()));
        if moving.expect("reading never waits").unwrap() == 0 {
            break;
        }
        if world.simulation.elapsed() > patience_ends {
            return Err(("liveness".to_owned(), still_moving(world)));
        }
    }
    let before = newest_event(world);
    pass(world, AFTERWARDS)?;
    let after = newest_event(world);
    if before == after {
        Ok(())
    } else {
        let detail = format!("nothing was to be done, and yet events {before} to {after} happened");
        Err(("I10".to_owned(), detail))
    }
}

/// Lets time pass and looks whether the state is sound.
pub(crate) fn pass(world: &mut World, time: Duration) -> Result<(), Wrong> {
    match world.simulation.run_for(time, MOST_POLLS) {
        Ok(()) => {}
        Err(error @ (Unfinished::LimitReached { .. } | Unfinished::Stuck { .. })) => {
            return Err(("liveness".to_owned(), error.to_string()));
        }
    }
    look(world)
}

/// Whether the state is sound at this moment.
pub(crate) fn look(world: &World) -> Result<(), Wrong> {
    let wrong = world.ask(watch::wrong(world.observer.database()));
    let wrong = wrong.expect("reading never waits").unwrap();
    match wrong.first() {
        None => Ok(()),
        Some(first) => {
            let (invariant, detail) = first.split_once(": ").unwrap_or(("?", first));
            Err((invariant.to_owned(), detail.to_owned()))
        }
    }
}

/// The newest event about a bead; those about providers go on for ever.
pub(crate) fn newest_event(world: &World) -> i64 {
    let sql = "SELECT COALESCE(MAX(sequence), 0) FROM event WHERE bead_id IS NOT NULL";
    let newest = world.ask(world.observer.database().query_one(sql, vec![]));
    let newest = newest.expect("reading never waits").unwrap();
    newest.map_or(0, |row| row.integer(0).unwrap())
}

pub(crate) fn still_moving(world: &World) -> String {
    let sql = "SELECT bead.id || ' (' || bead.title || ') is ' || bead.status || ', its run ' || \
               COALESCE(run.id || ' ' || run.status || ' with ' || run.restarts || ' restarts and lease until ' || run.lease_until, 'none') \
               FROM bead LEFT JOIN run ON run.id = bead.run_id WHERE bead.status <> 'closed'";
    let rows = world.ask(world.observer.database().query(sql, vec![]));
    let rows = rows.expect("reading never waits").unwrap();
    let beads: Vec<String> = rows.iter().map(|row| row.text(0).unwrap()).collect();
    format!("{PATIENCE:?} after the last fault: {}", beads.join("; "))
}

pub(crate) fn history(world: &World, detail: &str) -> String {
    let trace = world.simulation.trace();
    let entries: Vec<String> = trace.entries().map(ToString::to_string).collect();
    let tail = entries.len().saturating_sub(300);
    let log = world.log();
    format!(
        "{:#?}\n--- the end of the trace ---\n{}\n--- the end of the log ---\n{}\n{}",
        world.plan,
        entries[tail..].join("\n"),
        log[log.len().saturating_sub(40)..].join("\n"),
        stories(world, detail),
    )
}

/// What happened to the runs and the beads that a violation names.
fn stories(world: &World, detail: &str) -> String {
    let Some(Ok(evidence)) = Evidence::of(world) else {
        return String::new();
    };
    let mut stories = String::new();
    for bead in evidence
        .beads
        .iter()
        .filter(|bead| detail.contains(&bead.id))
    {
        stories += &format!("--- bead {} ({}) ---\n", bead.id, bead.title);
        let of_bead = |event: &&Event| event.bead.as_deref() == Some(&bead.id);
        let tells = |event: &&Event| !event.kind.starts_with("step.");
        for event in evidence.events.iter().filter(of_bead).filter(tells) {
            stories += &format!(
                "event {:>4} {:<24} {}\n",
                event.sequence, event.kind, event.data
            );
        }
    }
    let named = evidence.runs.iter().filter(|run| detail.contains(&run.id));
    for run in named {
        stories += &format!("--- run {} of {} ---\n", run.id, run.bead);
        let of_run = |event: &&Event| event.run.as_deref() == Some(&run.id);
        for event in evidence.events.iter().filter(of_run) {
            stories += &format!(
                "event {:>4} {:<20} {}\n",
                event.sequence, event.kind, event.data
            );
        }
        for call in evidence.admitted.iter().filter(|call| call.run == run.id) {
            stories += &format!(
                "workspace {:<12} {} under fence {}\n",
                call.operation, call.key, call.fence
            );
        }
        for call in evidence.calls.iter().filter(|call| call.run == run.id) {
            stories += &format!(
                "TokenHub {}{}\n",
                call.key,
                if call.replayed { ", replayed" } else { "" }
            );
        }
        for write in evidence.writes.iter().filter(|write| write.run == run.id) {
            stories += &format!(
                "write {:>4} by task {:<5} under fence {:<3} {}\n",
                write.sequence, write.task, write.fence, write.what
            );
        }
    }
    stories
}
