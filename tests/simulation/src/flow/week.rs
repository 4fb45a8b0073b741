//! A simulated week in which every run fails, with the real sweep and the real dispatcher.

use std::time::Duration;

use super::{
    mutation::FlowMutation,
    plan::{FlowPlan, OfficePlan, Temper},
    schedule::{check_caps, leap_blindly, look},
};
use crate::{mutation::Mutation, plan::Plan, schedule::Wrong, world::World};

/// How often somebody ticks.
const OFTEN_MS: i64 = 20 * 60_000;
/// How many of these make a day.
const A_DAY: i64 = 72;

/// Thirty motivations and all perpetual tasks want to file a bead each, again and again; no run ever succeeds, and
/// people close what was given up, so that nothing but the caps and the breakers is in the way.
fn failures(days: i64, mutation: Option<Mutation>) -> (World, Result<(), Wrong>) {
    let quiet = Plan::quiet_flow(7, &[]);
    let flow = FlowPlan {
        temper: Temper::HOPELESS,
        is_perpetual: true,
        motivations: (0..30).map(|number| 20 + 5 * number).collect(),
        office: OfficePlan {
            decisions: 1_000,
            ..OfficePlan::default()
        },
        ..quiet.flow.clone().expect("a plan of this kind")
    };
    let plan = Plan {
        flow: Some(flow),
        ..quiet
    };
    let mut world = World::new(plan, mutation);
    world.begin();
    let passed = (0..days).try_for_each(|_| {
        for _ in 0..A_DAY {
            leap_blindly(&mut world, OFTEN_MS);
        }
        look(&mut world, Duration::from_secs(1))
    });
    let checked = passed.and_then(|()| check_caps(&world));
    (world, checked)
}

#[test]
fn a_week_of_failures_stays_within_the_caps() {
    let (world, checked) = failures(if cfg!(debug_assertions) { 2 } else { 7 }, None);
    checked.unwrap_or_else(|(invariant, detail)| panic!("{invariant}: {detail}"));
    let filed = "SELECT COUNT(*) FROM bead WHERE fingerprint LIKE 'motivation:%'";
    let failed = "SELECT COUNT(*) FROM motivation_trigger WHERE outcome = 'failed'";
    let open = "SELECT COUNT(*) FROM motivation WHERE breaker <> 'closed'";
    let capped = "SELECT COUNT(*) FROM motivation_trigger WHERE result = 'capped'";
    let found = [filed, failed, open, capped].map(|sql| world.count(sql));
    let succeeded = "SELECT COUNT(*) FROM run WHERE status = 'succeeded'";
    assert_eq!(world.count(succeeded), 0);
    println!("filed, failed, open, capped: {found:?}");
    assert!(found.iter().all(|count| *count > 0), "{found:?}");
}

#[test]
fn a_week_without_caps_or_breakers_is_noticed() {
    for mutation in [
        FlowMutation::DaysAreNotCounted,
        FlowMutation::BreakersNeverOpen,
    ] {
        let (_, checked) = failures(2, Some(Mutation::Flow(mutation)));
        let Err((invariant, detail)) = checked else {
            panic!("{mutation:?} was not noticed");
        };
        assert!(
            mutation.breaks().contains(&invariant.as_str()),
            "{mutation:?} was taken for another fault: {invariant}: {detail}"
        );
    }
}
