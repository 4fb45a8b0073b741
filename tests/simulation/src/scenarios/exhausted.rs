use std::time::Duration;

use crate::{
    evidence::Evidence,
    plan::Plan,
    schedule::{pass, verdict},
    script::Script,
    world::World,
};

/// I10: three failed runs leave one blocked bead and one decision, however many ticks come after that.
#[test]
fn three_failures_are_one_decision() {
    for (seed, script) in (0..).zip([Script::GivesUp, Script::Babbles, Script::Loops]) {
        let mut world = World::new(Plan::quiet(seed, &[script]), None);
        world.begin();
        verdict(&mut world).unwrap();
        // Six hours of ticks.
        pass(&mut world, Duration::from_secs(6 * 3_600)).unwrap();
        let evidence = Evidence::of(&world).unwrap().unwrap();
        let failed = |status: &str| {
            let runs = evidence.runs.iter();
            runs.filter(|run| run.status == status).count()
        };
        assert_eq!(
            (failed("failed"), evidence.runs.len()),
            (3, 3),
            "{script:?}"
        );
        assert_eq!(evidence.decisions.len(), 1, "{script:?}");
        assert_eq!(evidence.decisions[0].kind, "attempts_exhausted");
        assert_eq!(evidence.decisions[0].status, "open");
        assert_eq!(evidence.beads[0].status, "blocked", "{script:?}");
    }
}
