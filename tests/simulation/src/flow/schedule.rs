//! One schedule of this kind from its plan to the verdict.

use std::time::Duration;

use loom_platform::{Platform, Statements};

use super::{
    checks,
    evidence::FlowEvidence,
    pace::{Pace, pace},
    report::FlowReport,
    watch,
};
use crate::{
    draw::Draw,
    evidence::Evidence,
    mutation::Mutation,
    plan::Plan,
    schedule::{Violation, Wrong, history, newest_event, pass},
    world::World,
};

/// How much simulated time passes between two looks at the state.
const SLICE: Duration = Duration::from_secs(20);
/// For how long something may be going on once nothing goes wrong any more.
const PATIENCE: Duration = Duration::from_secs(4 * 3_600);
/// How often timers may fire after that.
const MOST_LEAPS: usize = 400;
/// How long the world is watched after all has ended.
const AFTERWARDS: Duration = Duration::from_secs(91);
const HOUR_MS: i64 = 3_600_000;

/// Goes through the schedule of a seed.
pub(super) fn run(seed: u64, mutation: Option<Mutation>) -> Result<FlowReport, Violation> {
    let mut world = World::new(Plan::drawn_flow(seed), mutation);
    world.begin();
    verdict(&mut world)
}

/// Lets a world that has begun go through its bad times, then calm down and end, and checks everything.
pub(super) fn verdict(world: &mut World) -> Result<FlowReport, Violation> {
    go_through(world)
        .and_then(|()| check(world))
        .map_err(|(invariant, detail)| Violation {
            seed: world.plan.seed,
            is_flow: true,
            invariant,
            history: history(world, &detail),
            detail,
        })
}

/// Whether what the system filed is bounded, in a world that goes on.
pub(super) fn check_caps(world: &World) -> Result<(), Wrong> {
    let gathered = Evidence::of(world);
    let evidence = gathered
        .expect("reading never waits")
        .expect("a readable database");
    checks::caps(&evidence, &FlowEvidence::of(world)).map_err(|detail| ("I9".to_owned(), detail))
}

fn check(world: &World) -> Result<FlowReport, Wrong> {
    let gathered = Evidence::of(world);
    let evidence = gathered
        .expect("reading never waits")
        .expect("a readable database");
    let flow = FlowEvidence::of(world);
    checks::all(&evidence, &flow).map_err(|(invariant, detail)| (invariant.to_owned(), detail))?;
    Ok(FlowReport::of(world, &evidence, &flow))
}

fn go_through(world: &mut World) -> Result<(), Wrong> {
    let flow = world.plan.flow.clone().expect("a plan of this kind");
    let mut draw = Draw::new(world.plan.seed, "leaps");
    for _ in 0..flow.rounds {
        look(world, SLICE)?;
        if draw.per_mille(flow.leaps) {
            let ahead = match (draw.below(2), now_pace(world, false)) {
                (0, Pace::Until(due)) => due + 1_000,
                _ => draw.pick(&[HOUR_MS / 4, HOUR_MS, 5 * HOUR_MS, 49 * HOUR_MS]),
            };
            leap(world, ahead)?;
        }
    }
    calm_down(world);
    settle(world)?;
    let before = newest_event(world);
    look(world, AFTERWARDS)?;
    let after = newest_event(world);
    if before == after {
        Ok(())
    } else {
        let sql = "SELECT bead_id FROM event WHERE sequence > ?1 AND bead_id IS NOT NULL LIMIT 1";
        let first = world.ask(
            world
                .observer
                .database()
                .query_one(sql, vec![before.into()]),
        );
        let first = first.expect("reading never waits").unwrap().unwrap();
        let detail = format!(
            "nothing was to be done, and yet events {before} to {after} happened, the first to bead {}",
            first.text(0).unwrap()
        );
        Err(("liveness".to_owned(), detail))
    }
}

/// Motivations go on for ever; in the end there are none.
fn calm_down(world: &mut World) {
    world.calm_down();
    for sql in [
        "UPDATE motivation_sweep SET due_at = 9000000000000",
        // A sweep that is under way finds that they have changed.
        "UPDATE motivation SET status = 'disabled', version = version + 1",
    ] {
        while let Some(Err(_)) | None = world.ask(world.observer.database().execute(sql, vec![])) {
            let moved = world.simulation.run_for(Duration::from_secs(1), 100_000);
            moved.expect("a second passes");
        }
    }
}

/// Lets people answer and timers fire until nothing is left to do.
fn settle(world: &mut World) -> Result<(), Wrong> {
    let (mut busy, mut leaps) = (Duration::ZERO, 0);
    loop {
        look(world, SLICE)?;
        match now_pace(world, true) {
            Pace::Still if world.office.is_calm() => return Ok(()),
            Pace::Still | Pace::Busy => busy += SLICE,
            Pace::Until(due) => {
                leaps += 1;
                leap(world, due + 1_000)?;
            }
        }
        if busy > PATIENCE || leaps > MOST_LEAPS {
            let detail = format!("there is no end: {}", crate::schedule::still_moving(world));
            return Err(("liveness".to_owned(), detail));
        }
    }
}

fn now_pace(world: &World, people: bool) -> Pace {
    let pace = world.ask(pace(&world.observer, people));
    pace.expect("reading never waits")
}

/// Lets so many milliseconds pass in which nobody ticks and hardly anybody acts.
fn leap(world: &mut World, ms: i64) -> Result<(), Wrong> {
    let time = announce(world, ms);
    look(world, time)
}

/// The same without a look at the state.
pub(super) fn leap_blindly(world: &mut World, ms: i64) {
    let time = announce(world, ms);
    let passed = world.simulation.run_for(time, 500_000);
    passed.expect("the time passes");
}

/// Tells everybody of a leap, and says how long it takes until those who waited for its end have begun.
fn announce(world: &World, ms: i64) -> Duration {
    let now = world.ask(loom_store::now(world.observer.database()));
    let now = now.expect("reading never waits").unwrap().0;
    world.office.leap_to(now + ms);
    let time = Duration::from_millis(u64::try_from(ms).unwrap_or(0));
    time + Duration::from_secs(2)
}

/// Lets time pass and looks whether the state is sound, in what both kinds have and in what this one has.
pub(super) fn look(world: &mut World, time: Duration) -> Result<(), Wrong> {
    pass(world, time)?;
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
