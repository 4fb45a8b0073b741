use std::time::Duration;

use loom_platform::native::simulation::Faults;

use crate::{
    evidence::Evidence,
    people::{self, TICK},
    plan::Plan,
    schedule::{look, verdict},
    script::Script,
    world::World,
};

const CLAIMS: usize = 64;
const TICKS: usize = 8;

/// I1: 64 claims and 8 ticks at the same time on one bead: one of them wins, each other claim is refused with a code,
/// and the model is called for the winner's run alone.
#[test]
fn claim_storm() {
    let mut won_by_claim = 0;
    let seeds = if cfg!(debug_assertions) { 10 } else { 200 };
    for seed in 0..seeds {
        won_by_claim += usize::from(storm(seed));
    }
    // Otherwise the 63 refusals would never have been seen.
    assert!(won_by_claim > 0, "no claim ever won against the ticks");
}

/// Returns whether a claim won, rather than a tick.
fn storm(seed: u64) -> bool {
    let mut plan = Plan::quiet(seed, &[Script::Works]);
    plan.replicas = 3;
    plan.agents = 70;
    let mut world = World::new(plan, None);
    // Where the storm is slow enough to be one: calls overtake each other.
    world.simulation.set_faults(Faults {
        delay: 0.05,
        longest_delay: Duration::from_millis(500),
        ..Faults::default()
    });
    let (agents, beads) = world.ask(people::ids(&world.observer)).unwrap();
    for (number, agent) in agents.into_iter().take(CLAIMS).enumerate() {
        let process = world.replicas[number % world.replicas.len()];
        let platform = world.simulation.platform(process);
        let (claims, bead) = (world.claims.clone(), beads[0].clone());
        world.simulation.spawn(process, "claim", async move {
            claims.claim_persistently(&platform, &bead, &agent).await;
        });
    }
    let others = world.simulation.lasting_process("schedulers");
    for _ in 0..TICKS {
        let platform = world.simulation.platform(others);
        world.simulation.spawn(others, "tick", async move {
            people::post(&platform, TICK, "{}".to_owned()).await;
        });
    }
    world
        .simulation
        .run_for(Duration::from_secs(9), 1_000_000)
        .unwrap();
    look(&world).unwrap();

    let evidence = Evidence::of(&world).unwrap().unwrap();
    assert_eq!(evidence.runs.len(), 1, "seed {seed}: one winner");
    let (won, refused) = (world.claims.won(), world.claims.refused());
    assert_eq!(
        won.len() + refused.len(),
        CLAIMS,
        "seed {seed}: every claim is answered"
    );
    assert!(won.len() <= 1, "seed {seed}: {won:?}");
    if let Some(run) = won.first() {
        assert_eq!(*run, evidence.runs[0].id);
        assert_eq!(refused.len(), CLAIMS - 1);
    }
    for code in &refused {
        assert_eq!(code, "already_claimed", "seed {seed}");
    }
    world.begin();
    let report = verdict(&mut world).unwrap();
    assert_eq!((report.runs, report.closed), (1, 1), "seed {seed}");
    let winner = &evidence.runs[0].id;
    let calls = world.hub.calls();
    assert!(!calls.is_empty() && calls.iter().all(|call| call.run == *winner));
    !won.is_empty()
}
