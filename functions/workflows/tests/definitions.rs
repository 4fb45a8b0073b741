//! The routes of definitions, over the function's `handle`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper of tests fails the test"
)]

use loom_api::Access;
use loom_api::testing::{self, Answer, Call, call, platform, rows, token};
use loom_domain::account::Role;
use loom_domain::project::ProjectInput;
use loom_platform::native::NativePlatform;
use serde_json::{Value, json};

const OURS: &str = "\
id: ours
name: Ours
workflow_type: chore
match: {types: [chore]}
nodes:
  - {node_key: work, node_type: task, role_required: em, max_attempts: 2}
  - {node_key: look, node_type: approval, role_required: reviewer}
edges:
  - {to_node_key: work}
  - {from_node_key: work, to_node_key: look, condition: success}
  - {from_node_key: work, condition: failure}
  - {from_node_key: look, condition: approved}
  - {from_node_key: look, to_node_key: work, condition: rejected}
";

struct World {
    platform: NativePlatform,
    admin: String,
    project: String,
}

impl World {
    async fn new() -> Self {
        let platform = platform();
        let admin = token(&platform, Role::Admin).await;
        let mut world = Self {
            platform,
            admin,
            project: String::new(),
        };
        world.project = world.register("Ours").await;
        world
    }

    async fn register(&self, name: &str) -> String {
        let input = ProjectInput {
            name: Some(name.into()),
            git_repo: Some(format!("/srv/{name}")),
            ..Default::default()
        };
        testing::project(&self.platform, input).await.id
    }

    async fn send(&self, request: Call) -> Answer {
        request
            .token(&self.admin)
            .send(&self.platform, loom_workflows::handle)
            .await
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(call("GET", &format!("/api/v1/workflows{path}")))
            .await
    }

    async fn post(&self, definition: impl Into<Value>) -> Answer {
        let body = json!({"project_id": self.project, "definition": definition.into()});
        self.send(call("POST", "/api/v1/workflows").json(body))
            .await
    }

    async fn yaml(&self, method: &str, path: &str, text: &str) -> Answer {
        let request = call(method, &format!("/api/v1/workflows{path}"))
            .header("content-type", "application/yaml; charset=utf-8")
            .body(text.to_owned());
        self.send(request).await
    }

    async fn snapshot(&self) -> Vec<String> {
        rows(&self.platform, &["workflow", "workflow_match", "event"]).await
    }
}

fn ids(answer: &Answer) -> Vec<String> {
    let list = answer.json();
    let all = list.as_array().unwrap();
    all.iter()
        .map(|one| one["id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn each_route_lets_in_whom_its_permission_allows() {
    let world = World::new().await;
    for declared in loom_workflows::routes::<NativePlatform>().table() {
        let Access::Permission(permission) = declared.access else {
            panic!("{} {} is open to anybody", declared.method, declared.path);
        };
        let path = declared.path.replace("{id}", "none");
        let request = || call(declared.method.as_str(), &path);
        let stranger = request()
            .send(&world.platform, loom_workflows::handle)
            .await;
        assert_eq!(stranger.status, 401);
        for role in Role::ALL {
            let token = token(&world.platform, role).await;
            let answer = request()
                .token(&token)
                .send(&world.platform, loom_workflows::handle)
                .await;
            let allowed = role.permissions().contains(permission);
            assert_eq!(
                answer.status != 403,
                allowed,
                "{} {path} as {}",
                declared.method,
                role.as_str()
            );
        }
    }
}

#[tokio::test]
async fn the_shipped_workflows_are_listed_read_and_drawn() {
    let world = World::new().await;
    let all = world.get("").await;
    assert_eq!(all.status, 200);
    assert_eq!(ids(&all).len(), 7);
    assert_eq!(ids(&world.get("?type=bug").await), ["wf-bug-default"]);
    assert_eq!(world.get("?sort=x").await.code(), "invalid_fields");
    let page = world.get("?limit=3").await;
    assert_eq!(ids(&page).len(), 3);
    assert!(page.headers.contains_key("link"));
    let one = world.get("/wf-bug-default").await;
    assert_eq!(one.headers["etag"], "\"v1\"");
    let one = one.json();
    assert_eq!(one["workflow_type"], "bug");
    assert_eq!(one["match"]["types"], json!(["bug"]));
    assert_eq!(one["is_shipped"], true);
    assert_eq!(one["project_id"], Value::Null);
    assert_eq!(one["nodes"][0]["role_required"], "qa-engineer");
    assert_eq!(one["edges"][0]["id"], "start.success");
    let graph = world.get("/wf-bug-default/mermaid").await;
    assert_eq!(
        graph.headers["content-type"],
        "text/vnd.mermaid; charset=utf-8"
    );
    let text = String::from_utf8(graph.body.to_vec()).unwrap();
    assert!(text.contains("n1 -->|\"rejected\"| n0"), "{text}");
    for path in ["/none", "/none/mermaid", "/wf-bug-default?version=2"] {
        assert_eq!(world.get(path).await.code(), "workflow_not_found", "{path}");
    }
    let path = "/wf-bug-default/mermaid?execution=none";
    assert_eq!(world.get(path).await.status, 404);
}

#[tokio::test]
async fn a_project_defines_and_replaces_its_own() {
    let world = World::new().await;
    let made = world.post(OURS).await;
    assert_eq!(made.status, 201, "{:?}", made.body);
    assert_eq!(made.headers["location"], "/api/v1/workflows/ours");
    let made = made.json();
    assert_eq!(
        (&made["version"], &made["project_id"]),
        (&json!(1), &json!(world.project))
    );
    assert_eq!(made["created_by"], "admin");
    assert_eq!(world.post(OURS).await.code(), "workflow_exists");
    let same = world.yaml("PUT", "/ours", OURS).await.json();
    assert_eq!(same["version"], 1, "nothing changed");
    let changed = OURS.replace("max_attempts: 2", "max_attempts: 3");
    let next = world.yaml("PUT", "/ours", &changed).await;
    assert_eq!(
        (next.status, next.headers["etag"].to_str().unwrap()),
        (200, "\"v2\"")
    );
    let first = world.get("/ours?version=1").await.json();
    assert_eq!(first["nodes"][0]["max_attempts"], 2);
    assert_eq!(
        world.get("/ours").await.json()["nodes"][0]["max_attempts"],
        3
    );
    let stale = call("PUT", "/api/v1/workflows/ours")
        .header("if-match", "\"v1\"")
        .json(json!({"definition": OURS}));
    let stale = world.send(stale).await;
    assert_eq!(
        (stale.status, stale.code().as_str()),
        (412, "version_conflict")
    );
    let other = world.register("other").await;
    assert_eq!(
        ids(&world
            .get(&format!("?type=chore&project_id={}", world.project))
            .await),
        ["ours"]
    );
    assert!(ids(&world.get(&format!("?type=chore&project_id={other}")).await).is_empty());
}

#[tokio::test]
async fn yaml_and_json_define_the_same() {
    let world = World::new().await;
    let path = format!("?project_id={}", world.project);
    let by_yaml = world.yaml("POST", &path, OURS).await;
    assert_eq!(by_yaml.status, 201, "{:?}", by_yaml.body);
    let mut object = by_yaml.json();
    for key in [
        "version",
        "project_id",
        "is_shipped",
        "created_by",
        "created_at",
    ] {
        object.as_object_mut().unwrap().remove(key);
    }
    object["id"] = json!("ours-2");
    let by_json = world.post(object).await;
    assert_eq!(by_json.status, 201, "{:?}", by_json.body);
    assert_eq!(by_json.json()["edges"], by_yaml.json()["edges"]);
}

#[tokio::test]
async fn what_is_refused_says_why_and_changes_nothing() {
    let world = World::new().await;
    let other = world.register("other").await;
    let theirs = OURS.replace("id: ours", "id: theirs");
    let path = format!("?project_id={other}");
    assert_eq!(world.yaml("POST", &path, &theirs).await.status, 201);
    let before = world.snapshot().await;

    let broken = OURS
        .replace("role_required: em", "role_required: QA Enginer")
        .replace("condition: rejected", "condition: rejcted");
    let answer = world.post(broken).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (422, "invalid_workflow")
    );
    let problems = &answer.json()["details"]["problems"];
    assert_eq!(problems[0]["line"], 6, "{problems}");
    assert!(
        problems[0]["message"]
            .as_str()
            .unwrap()
            .ends_with("Did you mean qa-engineer?"),
        "{problems}"
    );
    assert_eq!(problems[1]["line"], 13, "{problems}");

    let shipped = OURS.replace("id: ours", "id: wf-bug-default");
    let reserved = OURS.replace("id: ours", "id: executions");
    for (answer, status, code) in [
        (
            world.post(theirs.clone()).await,
            409,
            "workflow_of_other_project",
        ),
        (
            world.post(shipped.clone()).await,
            409,
            "workflow_is_shipped",
        ),
        (
            world.yaml("PUT", "/wf-bug-default", &shipped).await,
            409,
            "workflow_is_shipped",
        ),
        (world.post(reserved).await, 422, "invalid_fields"),
        (world.post(7).await, 422, "invalid_workflow"),
        (world.post("").await, 422, "invalid_workflow"),
        (world.yaml("POST", "", OURS).await, 422, "invalid_fields"),
        (
            world.yaml("POST", "?project_id=none", OURS).await,
            404,
            "project_not_found",
        ),
        (
            world.yaml("POST", "?project=x", OURS).await,
            422,
            "invalid_fields",
        ),
        (
            world.yaml("PUT", "/ours", OURS).await,
            404,
            "workflow_not_found",
        ),
        (
            world.yaml("PUT", "/theirs", OURS).await,
            422,
            "invalid_fields",
        ),
        (
            world
                .yaml(
                    "PUT",
                    &format!("/theirs?project_id={}", world.project),
                    &theirs,
                )
                .await,
            409,
            "workflow_of_other_project",
        ),
        (
            world
                .send(call("POST", "/api/v1/workflows").body(OURS))
                .await,
            415,
            "unsupported_media_type",
        ),
        (
            world
                .send(
                    call("POST", "/api/v1/workflows")
                        .header("content-type", "text/yaml")
                        .body(vec![0xff]),
                )
                .await,
            400,
            "invalid_utf8",
        ),
    ] {
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (status, code),
            "{:?}",
            answer.body
        );
    }
    assert_eq!(world.snapshot().await, before);
}
