//! Every route of `personas`, over its `handle`, with the personas that Loom ships and with broken ones.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper of tests fails the test"
)]

use loom_api::Access;
use loom_api::testing::{Answer, Call, builder, call, rows, token};
use loom_domain::account::Role;
use loom_platform::native::NativePlatform;
use serde_json::{Value, json};

const QA: &str = "---\ndescription: Tests things.\n---\nTest them.\n";
const STRICT: &str =
    "---\ndescription: Tests things twice.\nautonomy_level: supervised\n---\nTest them twice.\n";

struct World {
    platform: NativePlatform,
    admin: String,
}

impl World {
    async fn new() -> Self {
        let platform = builder()
            .file("/personas/default/qa-engineer/SKILL.md", QA)
            .file(
                "/personas/default/cto/SKILL.md",
                "---\ndescription: x\nautonomy_level: total\n---\nBody.\n",
            )
            .file("/personas/README.md", "not a persona")
            .build()
            .unwrap();
        let admin = token(&platform, Role::Admin).await;
        Self { platform, admin }
    }

    async fn send(&self, request: Call) -> Answer {
        request
            .token(&self.admin)
            .send(&self.platform, loom_personas::handle)
            .await
    }

    async fn get(&self, name: &str) -> Answer {
        self.send(call("GET", &format!("/api/v1/personas/{name}")))
            .await
    }

    async fn put(&self, name: &str, content: &str) -> Answer {
        self.send(
            call("PUT", &format!("/api/v1/personas/{name}")).json(json!({"content": content})),
        )
        .await
    }

    async fn list(&self) -> Value {
        self.send(call("GET", "/api/v1/personas")).await.json()
    }

    async fn snapshot(&self) -> Vec<String> {
        rows(&self.platform, &["persona_override", "event"]).await
    }
}

#[tokio::test]
async fn each_route_lets_in_whom_its_permission_allows() {
    let world = World::new().await;
    for declared in loom_personas::routes::<NativePlatform>().table() {
        let Access::Permission(permission) = declared.access else {
            panic!("{} {} is open to anybody", declared.method, declared.path);
        };
        let path = declared.path.replace("{*name}", "default/none");
        let request = || call(declared.method.as_str(), &path);
        assert_eq!(
            request()
                .send(&world.platform, loom_personas::handle)
                .await
                .status,
            401
        );
        for role in Role::ALL {
            let token = token(&world.platform, role).await;
            let answer = request()
                .token(&token)
                .send(&world.platform, loom_personas::handle)
                .await;
            let allowed = role.permissions().contains(permission);
            assert_eq!(
                answer.status != 403,
                allowed,
                "{} {path} as {role:?}",
                declared.method
            );
        }
    }
}

#[tokio::test]
async fn a_malformed_file_is_reported_and_the_others_load() {
    let world = World::new().await;
    let list = world.list().await;
    assert_eq!(list["personas"].as_array().unwrap().len(), 1);
    let persona = &list["personas"][0];
    assert_eq!(
        (&persona["name"], &persona["display_name"], &persona["role"]),
        (
            &json!("default/qa-engineer"),
            &json!("QA Engineer"),
            &json!("qa-engineer")
        )
    );
    assert_eq!(
        (&persona["source"], &persona["content"], &persona["body"]),
        (&json!("shipped"), &json!(QA), &json!("Test them."))
    );
    let problem = &list["problems"][0];
    assert_eq!(
        (&problem["file"], &problem["line"]),
        (&json!("/personas/default/cto/SKILL.md"), &json!(3))
    );
    assert!(problem["reason"].as_str().unwrap().contains("supervised"));
    let answer = world.get("default/cto").await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (409, "persona_malformed")
    );
}

#[tokio::test]
async fn one_is_read_by_either_spelling_of_its_name() {
    let world = World::new().await;
    for name in ["default/qa-engineer", "default%2Fqa-engineer"] {
        let answer = world.get(name).await;
        assert_eq!(
            (answer.status, &answer.json()["autonomy"]),
            (200, &json!("semi")),
            "{name}"
        );
    }
    for name in [
        "default/none",
        "nothing",
        "../secrets",
        "default%2F..%2F..%2Fetc",
        "Default/qa-engineer",
    ] {
        let answer = world.get(name).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (404, "persona_not_found"),
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_text_is_replaced_and_reset() {
    let world = World::new().await;
    let shipped = world.get("default/qa-engineer").await;
    let answer = world.put("default/qa-engineer", STRICT).await;
    assert_eq!(answer.status, 200, "{}", answer.json());
    let replaced = answer.json();
    assert_eq!(
        (
            &replaced["source"],
            &replaced["autonomy"],
            &replaced["updated_by"]
        ),
        (&json!("override"), &json!("supervised"), &json!("admin"))
    );
    assert_eq!(world.list().await["personas"][0], replaced);
    assert_ne!(answer.header("etag"), shipped.header("etag"));
    let before = world.snapshot().await;
    assert_eq!(
        world.put("default/qa-engineer", STRICT).await.json(),
        replaced
    );
    let outdated = call("PUT", "/api/v1/personas/default/qa-engineer")
        .header("if-match", shipped.header("etag"))
        .json(json!({"content": QA}));
    let answer = world.send(outdated).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (412, "version_conflict")
    );
    assert_eq!(world.snapshot().await, before);
    let delete = || call("DELETE", "/api/v1/personas/default/qa-engineer");
    assert_eq!(world.send(delete()).await.status, 204);
    let reset = world.get("default/qa-engineer").await;
    assert_eq!(
        (reset.json(), reset.header("etag")),
        (shipped.json(), shipped.header("etag"))
    );
    assert_eq!(
        world.send(delete()).await.status,
        204,
        "resetting twice is no mistake"
    );
}

#[tokio::test]
async fn a_text_of_ones_own_and_one_that_mends_a_broken_file() {
    let world = World::new().await;
    let own = "projects/demo/qa-engineer/strict";
    let answer = world.put(own, STRICT).await;
    assert_eq!(
        (&answer.json()["source"], &answer.json()["role"]),
        (&json!("custom"), &json!("qa-engineer"))
    );
    assert_eq!(
        world
            .send(call("DELETE", &format!("/api/v1/personas/{own}")))
            .await
            .status,
        204
    );
    assert_eq!(world.get(own).await.status, 404);
    assert_eq!(world.put("default/cto", STRICT).await.status, 200);
    assert_eq!(world.get("default/cto").await.json()["source"], "override");
}

#[tokio::test]
async fn a_malformed_text_is_refused_with_its_line() {
    let world = World::new().await;
    let before = world.snapshot().await;
    for (content, line) in [
        ("no front matter", 1),
        (
            "---\ndescription: x\nautonomy_level: total\n---\nBody.\n",
            3,
        ),
        (
            "---\ndescription: x\nallowed_actions: [explode]\n---\nBody.\n",
            3,
        ),
        ("---\ndescription: x\n---\n", 4),
    ] {
        let answer = world.put("default/qa-engineer", content).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (422, "invalid_fields"),
            "{content}"
        );
        assert_eq!(
            answer.json()["details"]["line"],
            line,
            "{content}: {}",
            answer.json()
        );
        assert!(answer.json()["fields"]["content"].is_string());
    }
    for (name, body) in [
        ("Default/QA", json!({"content": QA})),
        ("default/qa-engineer", json!({"text": QA})),
        (
            "default/qa-engineer",
            json!({"content": "x".repeat(70_000)}),
        ),
    ] {
        let answer = world
            .send(call("PUT", &format!("/api/v1/personas/{name}")).json(body))
            .await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (422, "invalid_fields"),
            "{name}"
        );
    }
    assert_eq!(world.snapshot().await, before);
}

/// The personas of the repository, as they are mounted.
#[tokio::test]
async fn all_shipped_personas_are_in_force() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("personas");
    copy(&std::path::Path::new(root).join("personas"), &target);
    let platform = builder().files_from(directory.path()).build().unwrap();
    let admin = token(&platform, Role::Admin).await;
    let answer = call("GET", "/api/v1/personas")
        .token(&admin)
        .send(&platform, loom_personas::handle)
        .await;
    let list = answer.json();
    assert_eq!(list["problems"], json!([]));
    assert_eq!(list["personas"].as_array().unwrap().len(), 16);
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()));
        } else {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}
