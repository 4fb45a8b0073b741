use super::crash::{at_every_turn, until_closed};
use crate::{evidence::Evidence, plan::Plan, script::Script, setup, world::World};

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
    let both_are_closed = |world: &mut World| until_closed(world, 2);
    at_every_turn(world, 53, both_are_closed, |world, report, after| {
        // The decision-maker's bead is closed without a merge.
        assert_eq!((report.closed, report.merges), (2, 1), "{after}");
        let evidence = Evidence::of(world).unwrap().unwrap();
        let told = |kind: &str| {
            let events = evidence.events.iter();
            events.filter(|event| event.kind == kind).count()
        };
        assert_eq!(
            (told("decision.created"), told("decision.decided")),
            (1, 1),
            "{after}"
        );
        let decided =
            "SELECT COUNT(*) FROM decision WHERE decision = 'one' AND decider LIKE 'agent:%'";
        assert_eq!(world.count(decided), 1, "{after}");
        let comments = "SELECT COUNT(*) FROM comment WHERE content LIKE '%easier to take back%'";
        assert_eq!(world.count(comments), 1, "{after}");
    });
}
