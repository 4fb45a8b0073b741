//! How a bead says what its run waits for.

use loom_domain::run::Wait;
use loom_platform::Platform;
use loom_store::{bead, decision, run::wait};

use crate::common::World;
use crate::{ask, close, wait_for, working, write};

#[tokio::test]
async fn why_says_what_a_waiting_run_waits_for() {
    let world = World::new().await;
    let (parent, child) = (world.bead("parent").await, world.bead("child").await);
    let agent = world.agent("ann").await.id;
    let hold = working(&world, &parent, &agent).await;
    let asked = ask(&world, &parent, &hold).await;
    let waits = [Wait::bead(&child.id), Wait::decision(&asked)];
    wait_for(&world, &hold, &waits).await.unwrap();
    let reasons = async || {
        let limits = bead::Limits {
            max_concurrent: 5,
            day_budget_micro_usd: None,
        };
        let bead = world.read(&parent.id).await;
        let now = loom_store::now(world.platform.database()).await.unwrap();
        let why = bead::why(world.platform.database(), &bead, limits, now)
            .await
            .unwrap();
        serde_json::to_value(why.reasons).unwrap()
    };
    let found = reasons().await;
    assert_eq!(found[0]["code"], "waits_for_bead");
    assert!(found[0]["message"].as_str().unwrap().contains(&child.id));
    assert_eq!(found[1]["code"], "waits_for_decision");
    assert!(found[1]["message"].as_str().unwrap().contains(&asked));
    let of_bead = wait::of_bead(world.platform.database(), &parent.id)
        .await
        .unwrap();
    assert_eq!(of_bead[&hold.run_id].len(), 2);
    close(&world, &child, "done").await;
    write!(world, |change| decision::answer_all(
        &change, &parent.id, "yes", ""
    ))
    .unwrap();
    let found = reasons().await;
    assert_eq!(found[0]["code"], "waits_for_room", "{found}");
    assert_eq!(found.as_array().unwrap().len(), 1, "{found}");
}
