use serde_json::json;

use crate::support::{World, new_project};

#[tokio::test]
async fn the_graph_has_all_beads_and_all_links() {
    let world = World::new().await;
    let a = world.bead(json!({})).await;
    let b = world
        .bead(json!({"blocked_by": [a], "parent": a, "related": [a]}))
        .await;
    let other = new_project(&world.platform, "Other").await;
    let c = world.bead(json!({"project_id": other})).await;
    let graph = world
        .get(&format!("/api/v1/work-graph?project_id={}", world.project))
        .await
        .json();
    assert_eq!(graph["beads"].as_object().unwrap().len(), 2);
    assert_eq!(graph["beads"][&a], world.read(&a).await);
    let edge = |from: &str, to: &str, relationship: &str| json!({"from": from, "to": to, "relationship": relationship});
    let mut edges = graph["edges"].as_array().unwrap().clone();
    edges.sort_by_key(|edge| edge["relationship"].to_string());
    assert_eq!(
        edges,
        [
            edge(&a, &b, "blocks"),
            edge(&a, &b, "parent"),
            edge(&b, &a, "related")
        ]
    );
    assert_eq!(graph["updated_at"], world.read(&b).await["updated_at"]);
    let all = world.get("/api/v1/work-graph").await.json();
    assert!(all["beads"].get(&c).is_some());
    let answer = world.get("/api/v1/work-graph?project_id=none").await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (404, "project_not_found")
    );
}

#[tokio::test]
async fn a_graph_that_is_too_large_is_refused() {
    use loom_platform::{Platform, Statements};
    let world = World::new().await;
    world.bead(json!({})).await;
    let sql = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) \
               INSERT INTO bead (id, project_id, kind, title, description, status, priority, touches, context, \
               created_by, created_at, updated_at) \
               SELECT 'x-' || i, project_id, kind, title, description, status, priority, touches, context, created_by, \
               created_at, updated_at FROM bead, n";
    world
        .platform
        .database()
        .execute(sql, vec![])
        .await
        .unwrap();
    let answer = world.get("/api/v1/work-graph").await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (422, "graph_too_large")
    );
    assert!(
        answer.json()["error"]
            .as_str()
            .unwrap()
            .contains("project_id")
    );
}
