use crate::{
    evidence::Evidence,
    plan::{HubTroubles, Plan},
    schedule::verdict,
    script::Script,
    world::World,
};

const BEADS: usize = 10;

/// I11: ten steps at once against one budget that has room for a few: together they never reserve or spend more than
/// there is, which the triggers of `watch` see at every single change; some go on, and the others are refused.
#[test]
fn budget_race() {
    let seeds = if cfg!(debug_assertions) { 10 } else { 200 };
    let mut refused = 0;
    for seed in 0..seeds {
        refused += race(seed);
    }
    assert!(refused > seeds, "the budget was never what they raced for");
}

/// Returns how many calls were refused.
fn race(seed: u64) -> u64 {
    let mut plan = Plan::quiet(seed, &[Script::WorksAtOnce; BEADS]);
    plan.replicas = 3;
    plan.agents = u64::try_from(BEADS).unwrap();
    let cap = 200_000 + i64::try_from(seed).unwrap() % 7 * 50_000;
    plan.project_budget = Some(cap);
    // The calls take their time, so that all of them are open at once.
    plan.hub = HubTroubles {
        slow: 1_000,
        ..HubTroubles::default()
    };
    plan.chaos = std::time::Duration::from_secs(200);
    let mut world = World::new(plan, None);
    world.begin();
    let report = verdict(&mut world).unwrap();

    let evidence = Evidence::of(&world).unwrap().unwrap();
    let spent: i64 = evidence.usages.iter().map(|usage| usage.cost).sum();
    assert!(spent <= cap, "seed {seed}: {spent} of {cap}");
    assert!(report.closed > 0, "seed {seed}: nobody got through");
    let reserved: Vec<i64> = evidence
        .events
        .iter()
        .filter(|event| event.kind == "step.started")
        .map(|event| event.data["reserved_micro_usd"].as_i64().unwrap())
        .collect();
    let smallest = reserved.iter().min().copied().unwrap();
    let at_once = usize::try_from(cap / smallest).unwrap();
    assert!(
        at_once < BEADS,
        "seed {seed}: there is room for all, so nobody races"
    );
    report.budget_refusals
}
