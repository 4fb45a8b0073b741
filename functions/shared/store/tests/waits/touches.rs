//! Work on overlapping paths is never done at once, unless one of the runs waits.

use loom_domain::{bead::BeadInput, run::Wait};

use crate::common::{World, code};
use crate::wait_for;

/// Whatever the number of ticks: the claim itself looks whose paths it would change.
#[tokio::test(flavor = "multi_thread")]
async fn i4_overlapping_touches_never_run_together() {
    let world = World::new().await;
    let mut claims = Vec::new();
    for number in 0..12 {
        let path = if number % 2 == 0 {
            "src/**"
        } else {
            "src/lib.rs"
        };
        let input = BeadInput {
            title: Some(format!("bead {number}")),
            touches: Some(vec![path.into()]),
            ..Default::default()
        };
        let bead = world.file(input).await.unwrap();
        claims.push((bead.id, world.agent(&format!("a{number}")).await.id));
    }
    let at_once = claims.iter().map(|(bead, agent)| world.claim(bead, agent));
    let results = futures_util::future::join_all(at_once).await;
    let (won, lost): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1);
    for refusal in lost {
        assert_eq!(code(refusal), "touches_overlap");
    }
    assert_eq!(world.count("SELECT COUNT(*) FROM run").await, 1);
    assert_eq!(
        world
            .count("SELECT COUNT(*) FROM agent WHERE status = 'busy'")
            .await,
        1
    );

    // While the winner waits it writes nothing, so its child with the same paths may run.
    let run_id = won[0].as_ref().unwrap().run_id.clone();
    let hold = world.lease(&run_id).await.unwrap().hold;
    let next = claims
        .iter()
        .find(|(bead, _)| *bead != hold.bead_id)
        .unwrap();
    wait_for(&world, &hold, &[Wait::bead(&next.0)])
        .await
        .unwrap();
    world.claim(&next.0, &next.1).await.unwrap();
}
