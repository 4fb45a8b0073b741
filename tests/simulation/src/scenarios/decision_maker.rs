use std::time::Duration;

use loom_platform::{Platform, Statements};

use crate::{
    evidence::Evidence,
    plan::Plan,
    schedule::{pass, verdict},
    script::Script,
    setup,
    world::World,
};

const MOST_POLLS: u64 = 200_000;

/// One agent needs a decision that is routine, another agent takes it.
fn world() -> World {
    let mut plan = Plan::quiet(3, &[Script::EscalatesFirst]);
    plan.agents = 1;
    plan.lease_seconds = 15;
    plan.retry_seconds = 0;
    let world = World::new(plan, None);
    world
        .ask(setup::add_decision_maker(&world.observer))
        .unwrap()
        .unwrap();
    world
}

/// A decision that is routine is asked, answered by an agent and carried out without a person, and whenever the only
/// process is killed, it is decided once.
#[test]
fn a_routine_decision_is_taken_once_whenever_the_process_dies() {
    let turns = undisturbed();
    let stride = if cfg!(debug_assertions) { 53 } else { 1 };
    for turn in (1..turns).step_by(stride) {
        let mut world = world();
        world.begin();
        let mut polls = 0;
        world
            .simulation
            .run_until(MOST_POLLS, || {
                polls += 1;
                polls == turn
            })
            .unwrap();
        world.simulation.crash(world.replicas[0]);
        until_all_are_closed(&mut world);
        let report = verdict(&mut world).unwrap_or_else(|violation| {
            panic!("after a crash at turn {turn} of {turns}: {violation}")
        });
        // The decision-maker's bead is closed without a merge.
        assert_eq!((report.closed, report.merges), (2, 1), "turn {turn}");
        let evidence = Evidence::of(&world).unwrap().unwrap();
        let told = |kind: &str| {
            let events = evidence.events.iter();
            events.filter(|event| event.kind == kind).count()
        };
        assert_eq!(
            (told("decision.created"), told("decision.decided")),
            (1, 1),
            "turn {turn}"
        );
        let decided =
            "SELECT COUNT(*) FROM decision WHERE decision = 'one' AND decider LIKE 'agent:%'";
        assert_eq!(count(&world, decided), 1, "turn {turn}");
        let comments = "SELECT COUNT(*) FROM comment WHERE content LIKE '%easier to take back%'";
        assert_eq!(count(&world, comments), 1, "turn {turn}");
    }
}

/// How many turns it takes until everything is closed when nothing goes wrong.
fn undisturbed() -> u64 {
    let mut world = world();
    world.begin();
    until_all_are_closed(&mut world);
    world.simulation.polls()
}

fn until_all_are_closed(world: &mut World) {
    while count(world, "SELECT COUNT(*) FROM bead WHERE status = 'closed'") < 2 {
        pass(world, Duration::from_millis(500)).unwrap_or_else(|wrong| panic!("{wrong:?}"));
        assert!(
            world.simulation.elapsed() < Duration::from_secs(1_200),
            "{:#?}",
            world.log()
        );
    }
}

fn count(world: &World, sql: &str) -> i64 {
    let counted = world.ask(async {
        let row = world.observer.database().query_one(sql, vec![]).await;
        row.unwrap().unwrap().integer(0).unwrap()
    });
    counted.unwrap()
}
