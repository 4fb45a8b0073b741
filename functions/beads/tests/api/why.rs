use loom_domain::provider::ProviderInput;
use loom_platform::{Database, Platform, Statements, Transaction};
use loom_store::{
    Change,
    provider::{self, Probe},
};
use serde_json::json;

use crate::support::World;

async fn healthy_provider(world: &World) {
    let input = ProviderInput {
        name: Some("T".into()),
        endpoint: Some("http://t".into()),
        ..ProviderInput::default()
    };
    let tx = world.platform.database().transaction().await.unwrap();
    let change = Change::new(&tx, world.platform.random(), "test")
        .await
        .unwrap();
    let provider = provider::register(&change, input.register().unwrap())
        .await
        .unwrap();
    let probe = Probe::Healthy {
        context_window: None,
    };
    provider::record_probe(&change, &provider, probe)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

async fn why(world: &World, id: &str) -> (bool, bool, Vec<String>) {
    let answer = world.get(&format!("/api/v1/beads/{id}/why")).await.json();
    assert_eq!(answer["bead_id"], id);
    let reasons = answer["reasons"].as_array().unwrap();
    for reason in reasons {
        assert!(
            reason["message"].as_str().unwrap().ends_with('.'),
            "{reason}"
        );
    }
    let codes = reasons
        .iter()
        .map(|reason| reason["code"].as_str().unwrap().to_owned());
    (
        answer["ready"] == true,
        answer["dispatchable"] == true,
        codes.collect(),
    )
}

#[tokio::test]
async fn every_reason_is_named() {
    let world = World::new().await;
    let database = world.platform.database();
    let id = world.bead(json!({})).await;
    assert_eq!(
        why(&world, &id).await,
        (true, false, vec!["no_healthy_provider".into()])
    );
    healthy_provider(&world).await;
    assert_eq!(why(&world, &id).await, (true, true, vec!["ready".into()]));

    let blocked = world
        .bead(json!({"blocked_by": [id], "tags": ["requires-human-config"]}))
        .await;
    let codes = vec!["open_blocker".into(), "requires_human".into()];
    assert_eq!(why(&world, &blocked).await, (false, false, codes));

    let other_role = world.bead(json!({"title": "[web-designer] Draw it"})).await;
    let codes = vec!["ready".into()];
    let expected = (true, true, codes);
    assert_eq!(
        why(&world, &other_role).await,
        expected,
        "without a web designer the manager takes it"
    );
    let person = world.bead(json!({"title": "[ceo] Sign it"})).await;
    assert_eq!(why(&world, &person).await.2, ["requires_human"]);

    let held = world.bead(json!({})).await;
    world
        .post(
            &format!("/api/v1/beads/{held}/escalate"),
            json!({"reason": "x"}),
        )
        .await;
    assert_eq!(why(&world, &held).await.2, ["blocked", "held_by_decision"]);

    let overlapping = world.bead(json!({"touches": ["src/lib.rs"]})).await;
    let taken = world.bead(json!({"touches": ["src/*"]})).await;
    world
        .post(
            &format!("/api/v1/beads/{taken}/claim"),
            json!({"agent_id": world.agent}),
        )
        .await;
    assert_eq!(
        why(&world, &taken).await,
        (false, false, vec!["has_live_run".into()])
    );
    assert_eq!(
        why(&world, &overlapping).await.2,
        ["touches_overlap", "no_idle_agent"]
    );
    assert_eq!(why(&world, &id).await.2, ["no_idle_agent"]);

    for (sql, expected) in [
        (
            "UPDATE project SET max_concurrent = 1",
            vec!["project_at_capacity", "no_idle_agent"],
        ),
        (
            "UPDATE project SET bead_budget_micro_usd = 0",
            vec!["budget_used_up", "project_at_capacity", "no_idle_agent"],
        ),
        (
            "UPDATE project SET status = 'closed'",
            vec![
                "budget_used_up",
                "project_closed",
                "project_at_capacity",
                "no_idle_agent",
            ],
        ),
    ] {
        database.execute(sql, vec![]).await.unwrap();
        assert_eq!(why(&world, &id).await.2, expected, "{sql}");
    }
    world
        .patch(&format!("/api/v1/beads/{id}"), json!({"status": "closed"}))
        .await;
    assert_eq!(
        why(&world, &id).await,
        (false, false, vec!["closed".into()])
    );
    assert_eq!(
        world.get("/api/v1/beads/demo-none/why").await.code(),
        "bead_not_found"
    );
}

#[tokio::test]
async fn the_whole_of_loom_has_a_limit() {
    let world = World::new().await;
    healthy_provider(&world).await;
    world.platform.variables().set("max_concurrent", "1");
    let id = world.bead(json!({})).await;
    let taken = world.bead(json!({})).await;
    world
        .post(
            &format!("/api/v1/beads/{taken}/claim"),
            json!({"agent_id": world.agent}),
        )
        .await;
    assert_eq!(why(&world, &id).await.2, ["at_capacity", "no_idle_agent"]);
}

#[tokio::test]
async fn a_day_has_a_budget_and_a_project_an_agent() {
    let world = World::new().await;
    healthy_provider(&world).await;
    let id = world.bead(json!({})).await;
    world.platform.variables().set("daily_budget_usd", "1");
    let sql =
        "INSERT INTO budget (scope, subject, spent_micro_usd) VALUES ('day', date('now'), 1000000)";
    let database = world.platform.database();
    database.execute(sql, vec![]).await.unwrap();
    database.execute("DELETE FROM agent", vec![]).await.unwrap();
    assert_eq!(
        why(&world, &id).await,
        (
            false,
            false,
            vec!["budget_used_up".into(), "no_agent".into()]
        )
    );
}
