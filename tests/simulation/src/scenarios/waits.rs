use super::crash::{at_every_turn, until_closed};
use crate::{people, plan::Plan, script::Script, world::World};

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

/// The only process is killed once. Whenever that is, the run waits for its part and for its answer, and goes on as the
/// same run; the part is filed once, the question is asked once, and everything is done in the end.
#[test]
fn waits_survive_a_crash_at_every_port_call() {
    let both_are_closed = |world: &mut World| until_closed(world, 2);
    at_every_turn(world, 97, both_are_closed, |world, report, after| {
        assert_eq!(
            (report.closed, report.merges, report.runs),
            (2, 2, 2),
            "{after}: {report:#?}"
        );
        let [asked, answered, refused, told, heard] = facts(world);
        assert_eq!((asked, answered), (1, 1), "{after}");
        assert_eq!(refused, 1, "{after}: done is refused while it waits");
        // Maybe at once: the person may be faster than a step that has to be taken up again.
        assert_eq!((told, heard), (1, 1), "{after}: one part, one answer");
    });
}

fn facts(world: &World) -> [i64; 5] {
    [
        "SELECT COUNT(*) FROM decision WHERE kind = 'question'",
        "SELECT COUNT(*) FROM decision WHERE kind = 'question' AND decision = 'answered'",
        "SELECT COUNT(*) FROM action_result WHERE name = 'done' AND code = 'waits_for_answer'",
        "SELECT COUNT(*) FROM conversation_message WHERE message LIKE '%that you waited for is closed%'",
        "SELECT COUNT(*) FROM conversation_message WHERE message LIKE '%question to a person has an answer%'",
    ]
    .map(|sql| world.count(sql))
}
