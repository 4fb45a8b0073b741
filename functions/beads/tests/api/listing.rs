use loom_platform::{Platform, Statements};
use serde_json::{Value, json};

use crate::support::{World, new_project};

fn ids(list: &Value) -> Vec<String> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|bead| bead["id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn each_filter_narrows() {
    let world = World::new().await;
    let a = world
        .bead(json!({"type": "bug", "priority": "P0", "tags": ["x"], "description": "the Needle"}))
        .await;
    let b = world
        .bead(json!({"parent": a, "assigned_to": world.agent}))
        .await;
    let c = world.bead(json!({})).await;
    world
        .patch(&format!("/api/v1/beads/{c}"), json!({"status": "closed"}))
        .await;
    let other = new_project(&world.platform, "Other").await;
    let d = world.bead(json!({"project_id": other})).await;
    for (query, mut expected) in [
        ("".to_owned(), vec![&a, &b, &c, &d]),
        (format!("project_id={other}"), vec![&d]),
        ("status=closed".to_owned(), vec![&c]),
        (
            format!("status=open,closed&project_id={}", world.project),
            vec![&a, &b, &c],
        ),
        ("type=bug".to_owned(), vec![&a]),
        ("priority=P0".to_owned(), vec![&a]),
        ("priority=0".to_owned(), vec![&a]),
        (format!("assigned_to={},none", world.agent), vec![&b]),
        ("tag=x".to_owned(), vec![&a]),
        (format!("parent={a}"), vec![&b]),
        ("q=needle".to_owned(), vec![&a]),
        ("q=nothing+like+it".to_owned(), vec![]),
        ("project_id=none".to_owned(), vec![]),
    ] {
        let answer = world.get(&format!("/api/v1/beads?{query}")).await;
        let mut found = ids(&answer.json());
        found.sort();
        expected.sort();
        assert_eq!(
            found,
            expected.into_iter().cloned().collect::<Vec<_>>(),
            "{query}"
        );
    }
    for (query, field) in [
        ("status=ready", "status"),
        ("priority=P9", "priority"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("cursor=zzz", "cursor"),
        ("state=open", "state"),
    ] {
        let answer = world.get(&format!("/api/v1/beads?{query}")).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (422, "invalid_fields"),
            "{query}"
        );
        assert!(
            answer.json()["fields"].get(field).is_some(),
            "{query}: {}",
            answer.json()
        );
    }
}

/// Follows the links from `path` to the end and returns the ids in order.
async fn walk(world: &World, path: String) -> Vec<String> {
    let (mut seen, mut next) = (Vec::new(), Some(path));
    while let Some(path) = next {
        let answer = world.get(&path).await;
        assert_eq!(answer.status, 200, "{}", answer.json());
        seen.extend(ids(&answer.json()));
        next = answer
            .header("link")
            .strip_prefix('<')
            .and_then(|rest| rest.split_once('>'))
            .map(|(path, _)| path.to_owned());
    }
    seen
}

#[tokio::test]
async fn pages_show_everything_once_and_in_order() {
    let world = World::new().await;
    let mut filed = Vec::new();
    for number in 0..7 {
        filed.push(world.bead(json!({"priority": number % 2})).await);
    }
    // The same moment for all, so that only the ids tell them apart.
    world
        .platform
        .database()
        .execute("UPDATE bead SET created_at = 5", vec![])
        .await
        .unwrap();
    let mut newest_first = filed.clone();
    newest_first.sort();
    newest_first.reverse();
    assert_eq!(
        walk(&world, "/api/v1/beads?limit=2&status=open".into()).await,
        newest_first
    );
    let mut urgent_first = Vec::new();
    for parity in 0..2 {
        let mut some: Vec<String> = filed.iter().skip(parity).step_by(2).cloned().collect();
        some.sort();
        urgent_first.extend(some);
    }
    assert_eq!(
        walk(&world, "/api/v1/beads/ready?limit=3".into()).await,
        urgent_first
    );
}

#[tokio::test]
async fn i4_only_what_could_be_dispatched_is_ready() {
    let world = World::new().await;
    let ready = world.bead(json!({})).await;
    world.bead(json!({"blocked_by": [ready]})).await;
    world.bead(json!({"tags": ["requires-human-config"]})).await;
    let held = world.bead(json!({})).await;
    world
        .post(
            &format!("/api/v1/beads/{held}/escalate"),
            json!({"reason": "x"}),
        )
        .await;
    let taken = world.bead(json!({})).await;
    world
        .post(
            &format!("/api/v1/beads/{taken}/claim"),
            json!({"agent_id": world.agent}),
        )
        .await;
    let answer = world
        .get(&format!("/api/v1/beads/ready?project_id={}", world.project))
        .await;
    assert_eq!(ids(&answer.json()), [ready]);
    let answer = world.get("/api/v1/beads/ready?project_id=none").await;
    assert_eq!(answer.json(), json!([]));
}
