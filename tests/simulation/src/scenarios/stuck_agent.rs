use crate::{evidence::Evidence, plan::Plan, schedule::verdict, script::Script, world::World};

/// I12: the only agent fails with three beads and is stuck; no work is left undone for that, because it is tried again
/// by itself, until each bead is given up with one decision.
#[test]
fn the_only_agent_is_stuck_and_work_goes_on() {
    let plan = Plan {
        agents: 1,
        ..Plan::quiet(12, &[Script::Babbles, Script::Loops, Script::Babbles])
    };
    let mut world = World::new(plan, None);
    world.begin();
    verdict(&mut world).unwrap();
    let evidence = Evidence::of(&world).unwrap().unwrap();
    assert_eq!(evidence.runs.len(), 9, "three attempts a bead");
    assert_eq!(evidence.decisions.len(), 3);
    let became = |status: &str| {
        let events = evidence.events.iter();
        events
            .filter(|event| {
                event.kind == "agent.status_change" && event.data["new_status"] == status
            })
            .count()
    };
    // At the third bead, and at each of the six attempts after that.
    assert_eq!(became("stuck"), 7);
    assert_eq!(became("busy"), 9);
}

/// An agent that is tried again and succeeds works on as if nothing had been.
#[test]
fn a_success_frees_an_agent_that_was_stuck() {
    let scripts = [
        Script::FailsFirst(1),
        Script::Babbles,
        Script::Babbles,
        Script::Babbles,
        Script::WorksAtOnce,
    ];
    let plan = Plan {
        agents: 1,
        ..Plan::quiet(13, &scripts)
    };
    let mut world = World::new(plan, None);
    world.begin();
    verdict(&mut world).unwrap();
    let evidence = Evidence::of(&world).unwrap().unwrap();
    let closed = evidence.beads.iter().filter(|bead| bead.status == "closed");
    assert_eq!(closed.count(), 2);
    let stuck = evidence
        .events
        .iter()
        .any(|event| event.kind == "agent.status_change" && event.data["new_status"] == "stuck");
    assert!(stuck);
}
