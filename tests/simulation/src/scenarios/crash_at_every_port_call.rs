use super::crash::{at_every_turn, until_closed};
use crate::{plan::Plan, script::Script, world::World};

fn world() -> World {
    let mut plan = Plan::quiet(1, &[Script::Works, Script::WorksAtOnce]);
    plan.lease_seconds = 15;
    plan.retry_seconds = 0;
    World::new(plan, None)
}

/// Two beads are done while the only process is killed once. Whenever it comes, everything is done in the end, and once.
#[test]
fn crash_at_every_port_call() {
    let mut crashes = 0;
    let both_are_closed = |world: &mut World| until_closed(world, 2);
    at_every_turn(world, 97, both_are_closed, |_, report, after| {
        assert_eq!(
            (report.closed, report.merges, report.runs),
            (2, 2, 2),
            "{after}: {report:#?}"
        );
        crashes += report.crashes;
    });
    println!("{crashes} crashes");
    assert!(crashes > 0);
}
