use std::time::Duration;

use crate::{plan::Plan, schedule::verdict, script::Script, world::World};

const MOST_POLLS: u64 = 200_000;

fn world() -> World {
    let mut plan = Plan::quiet(1, &[Script::Works, Script::WorksAtOnce]);
    plan.lease_seconds = 15;
    plan.retry_seconds = 0;
    World::new(plan, None)
}

/// Two beads are done while the only process is killed once: after each turn that it takes, one after the other. A turn
/// ends where a port is called, so this is before every call and after every effect. Whenever it comes, everything is
/// done in the end, and once.
///
/// (The scheduler draws the same turns up to the crash, so the n-th crash is at the n-th turn of the undisturbed run.)
#[test]
fn crash_at_every_port_call() {
    let turns = undisturbed();
    let stride = if cfg!(debug_assertions) { 97 } else { 1 };
    let mut crashes = 0;
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
        let report = verdict(&mut world).unwrap_or_else(|violation| {
            panic!("after a crash at turn {turn} of {turns}: {violation}")
        });
        assert_eq!(
            (report.closed, report.merges, report.runs),
            (2, 2, 2),
            "after a crash at turn {turn} of {turns}: {report:#?}"
        );
        crashes += report.crashes;
    }
    println!("{crashes} crashes in an undisturbed run of {turns} turns");
    assert!(crashes > 0);
}

/// How many turns it takes until both beads are closed when nothing goes wrong.
fn undisturbed() -> u64 {
    let mut world = world();
    world.begin();
    let (mut polls, mut closed) = (0, 0);
    while closed < 2 {
        world
            .simulation
            .run_for(Duration::from_millis(200), MOST_POLLS)
            .unwrap();
        polls = world.simulation.polls();
        closed = world.ask(closed_beads(&world)).unwrap();
        assert!(world.simulation.elapsed() < Duration::from_secs(600));
    }
    polls
}

async fn closed_beads(world: &World) -> i64 {
    use loom_platform::{Platform, Statements};
    let sql = "SELECT COUNT(*) FROM bead WHERE status = 'closed'";
    let row = world.observer.database().query_one(sql, vec![]).await;
    row.unwrap().unwrap().integer(0).unwrap()
}
