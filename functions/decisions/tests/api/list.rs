use loom_api::testing::call;
use serde_json::{Value, json};

use crate::support::World;

fn ids(list: &Value) -> Vec<&str> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|decision| decision["id"].as_str().unwrap())
        .collect()
}

async fn question(world: &World, question: &str, priority: &str) -> String {
    let body = json!({
        "kind": "question",
        "project_id": world.project,
        "question": question,
        "priority": priority,
    });
    world.asked(body).await["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_is_open_comes_urgent_first_and_page_by_page() {
    let world = World::new().await;
    let low = question(&world, "a", "P3").await;
    let urgent = question(&world, "b", "P0").await;
    let (_, asked) = world.escalation().await;
    let middle = asked["id"].as_str().unwrap().to_owned();
    let second = question(&world, "c", "P0").await;
    let decided = question(&world, "d", "P0").await;
    assert_eq!(world.decide(&decided, "yes").await.status, 200);
    // Each at its own moment, however fast they were asked.
    world.set("UPDATE decision SET created_at = rowid").await;
    let mut found = Vec::new();
    let mut path = "/api/v1/decisions?status=open&limit=1".to_owned();
    loop {
        let page = world.get(&path).await;
        assert_eq!(page.status, 200, "{}", page.json());
        found.extend(ids(&page.json()).into_iter().map(str::to_owned));
        let link = page.header("link");
        let Some(next) = link.strip_prefix('<').and_then(|rest| rest.split_once('>')) else {
            break;
        };
        path = next.0.to_owned();
    }
    assert_eq!(found, [urgent.as_str(), &second, &middle, &low]);
    // Without the status, newest first.
    let all = world.get("/api/v1/decisions").await.json();
    assert_eq!(ids(&all), [&decided, &second, &middle, &urgent, &low]);
    let first = world.get("/api/v1/decisions?limit=2").await;
    let next = first.header("link");
    let next = next
        .strip_prefix('<')
        .and_then(|rest| rest.split_once('>'))
        .unwrap()
        .0;
    assert_eq!(ids(&world.get(next).await.json()), [&middle, &urgent]);
}

#[tokio::test]
async fn each_parameter_narrows_the_list() {
    let world = World::new().await;
    let (bead, escalation) = world.escalation().await;
    let escalation = escalation["id"].as_str().unwrap().to_owned();
    let urgent = question(&world, "b", "P0").await;
    for (query, expected) in [
        ("kind=escalation", vec![&escalation]),
        ("kind=question&status=open", vec![&urgent]),
        ("priority=P0", vec![&urgent]),
        ("priority=0", vec![&urgent]),
        ("assignee=human&status=open", vec![&urgent, &escalation]),
        ("assignee=decision-maker", vec![]),
        ("status=expired", vec![]),
        ("project_id=none", vec![]),
    ] {
        let list = world.get(&format!("/api/v1/decisions?{query}")).await;
        assert_eq!(ids(&list.json()), expected, "{query}");
    }
    let of_bead = world
        .get(&format!("/api/v1/decisions?bead_id={bead}"))
        .await;
    assert_eq!(ids(&of_bead.json()), [&escalation]);
    for (query, field) in [
        ("status=shut", "status"),
        ("kind=x", "kind"),
        ("priority=P9", "priority"),
        ("assignee=me", "assignee"),
        ("colour=red", "colour"),
        ("cursor=x", "cursor"),
    ] {
        let answer = world.get(&format!("/api/v1/decisions?{query}")).await;
        assert_eq!(answer.status, 422, "{query}");
        assert!(answer.json()["fields"][field].is_string(), "{query}");
    }
}

#[tokio::test]
async fn one_is_read_with_its_version() {
    let world = World::new().await;
    let (_, asked) = world.escalation().await;
    let path = format!("/api/v1/decisions/{}", asked["id"].as_str().unwrap());
    let answer = world.get(&path).await;
    assert_eq!(answer.json(), asked);
    let tag = answer.header("etag").to_owned();
    let same = world
        .send(call("GET", &path).header("if-none-match", &tag))
        .await;
    assert_eq!(same.status, 304);
    let none = world.get("/api/v1/decisions/none").await;
    assert_eq!(
        (none.status, none.code().as_str()),
        (404, "decision_not_found")
    );
}
