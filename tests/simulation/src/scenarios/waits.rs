use std::time::Duration;

use loom_platform::{Platform, Statements};

use crate::{
    people,
    plan::Plan,
    schedule::{pass, verdict},
    script::Script,
    world::World,
};

const MOST_POLLS: u64 = 200_000;

/// One agent has a bead of which it delegates a part while it asks a person. So its run must let go of the agent, for
/// the part to be done by the very agent that waits for it.
fn world() -> World {
    let mut plan = Plan::quiet(1, &[Script::Consults]);
    plan.agents = 1;
    plan.lease_seconds = 15;
    plan.retry_seconds = 0;
    let mut world = World::new(plan, None);
    let person = world.simulation.lasting_process("person");
    let answers = people::answers(world.simulation.platform(person), world.observer.clone());
    world.simulation.spawn(person, "main", answers);
    world
}

/// The only process is killed once: after each turn that it takes, one after the other. Whenever that is, the run
/// waits for its part and for its answer, and goes on as the same run; the part is filed once, the question is asked once,
/// and everything is done in the end.
#[test]
fn waits_survive_a_crash_at_every_port_call() {
    let turns = undisturbed();
    let stride = if cfg!(debug_assertions) { 97 } else { 1 };
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
        assert_eq!(
            (report.closed, report.merges, report.runs),
            (2, 2, 2),
            "after a crash at turn {turn} of {turns}: {report:#?}"
        );
        let [asked, answered, refused, told, heard] = facts(&world);
        assert_eq!((asked, answered), (1, 1), "turn {turn}");
        assert_eq!(refused, 1, "turn {turn}: done is refused while it waits");
        // Maybe at once: the person may be faster than a step that has to be taken up again.
        assert_eq!((told, heard), (1, 1), "turn {turn}: one part, one answer");
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
        assert!(world.simulation.elapsed() < Duration::from_secs(1_200));
    }
}

fn count(world: &World, sql: &str) -> i64 {
    let counted = world.ask(async {
        let row = world.observer.database().query_one(sql, vec![]).await;
        row.unwrap().unwrap().integer(0).unwrap()
    });
    counted.unwrap()
}

fn facts(world: &World) -> [i64; 5] {
    [
        "SELECT COUNT(*) FROM decision WHERE kind = 'question'",
        "SELECT COUNT(*) FROM decision WHERE kind = 'question' AND decision = 'answered'",
        "SELECT COUNT(*) FROM action_result WHERE name = 'done' AND code = 'waits_for_answer'",
        "SELECT COUNT(*) FROM conversation_message WHERE message LIKE '%that you waited for is closed%'",
        "SELECT COUNT(*) FROM conversation_message WHERE message LIKE '%question to a person has an answer%'",
    ]
    .map(|sql| count(world, sql))
}
