use crate::{
    plan::Plan,
    schedule::{Report, verdict},
    script::Script,
    world::World,
};

/// Kills the only process as soon as TokenHub has been paid for the first time. Its run is taken up when the lease ends.
fn killed_while_the_model_answers(lease_seconds: i64) -> Report {
    let mut plan = Plan::quiet(5, &[Script::Works]);
    plan.lease_seconds = lease_seconds;
    plan.kills = true;
    let mut world = World::new(plan, None);
    world.begin();
    let hub = world.hub.clone();
    let paid = world
        .simulation
        .run_until(100_000, || !hub.payments().is_empty())
        .unwrap();
    assert!(paid);
    world.simulation.crash(world.replicas[0]);
    let report = verdict(&mut world).unwrap();
    assert_eq!((report.closed, report.merges, report.runs), (1, 1, 1));
    report
}

/// I7: a reply whose reader died is not paid again when the run is taken up within the five minutes for which TokenHub
/// remembers it.
#[test]
fn a_lost_reply_is_replayed() {
    let report = killed_while_the_model_answers(150);
    assert_eq!((report.paid_in_flight, report.paid_forgotten), (0, 0));
    assert_eq!(report.replays, 1);
}

/// The double payment that the protocol cannot exclude: nobody asked for the reply while TokenHub remembered it.
#[test]
fn a_reply_lost_for_longer_than_tokenhub_remembers_is_paid_twice() {
    let report = killed_while_the_model_answers(400);
    assert_eq!((report.paid_in_flight, report.paid_forgotten), (0, 1));
}
