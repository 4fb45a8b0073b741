//! A Loom with a project on GitHub, and what GitHub sends it.

use loom_api::testing::{
    self, Answer, Call, Calls, builder, call, count, execute, play, rows, token,
};
use loom_domain::{
    account::Role,
    bead::Bead,
    delivery::Delivery,
    id::uuid_v7,
    project::{Project, ProjectInput},
};
use loom_platform::native::{NativePlatform, handler};
use loom_platform::{Platform, Random, Statements};
use loom_store::{bead, delivery, migrate::migrate};
use loom_test_support::sign_webhook;
use serde_json::{Value as Json, json};

use crate::fake::Fake;

pub(crate) const PATH: &str = "/api/v1/webhooks/github";

pub(crate) struct World {
    pub(crate) platform: NativePlatform,
    pub(crate) github: Fake,
    pub(crate) secret: String,
    pub(crate) admin: String,
    nudges: Calls,
}

impl World {
    /// With a project that has the repository `acme/widget`.
    pub(crate) async fn new() -> Self {
        let world = Self::empty().await;
        world.register("acme/widget", "main").await;
        world
    }

    pub(crate) async fn empty() -> Self {
        let random = loom_platform::system::SystemRandom;
        let secret = uuid_v7(1, random.bytes());
        // Of this world alone: what a process knows about an account is known to all of its worlds.
        let token_of_world = uuid_v7(2, random.bytes());
        let platform = builder()
            .variable("github_webhook_secrets", &secret)
            .variable("github_url", "http://github.test")
            .variable("github_token", token_of_world)
            .build()
            .unwrap();
        migrate(platform.database()).await.unwrap();
        let github = Fake::default();
        let fake = github.clone();
        let answer = handler(move |request| {
            let response = fake.answer(&request);
            async move { response }
        });
        platform.http().route("github.test", answer);
        let nudges = play(&platform, "dispatch-tick");
        let admin = token(&platform, Role::Admin).await;
        Self {
            platform,
            github,
            secret,
            admin,
            nudges,
        }
    }

    pub(crate) async fn register(&self, repository: &str, branch: &str) -> Project {
        let input = ProjectInput {
            name: Some(repository.replace('/', " ")),
            git_repo: Some(format!("http://github.test/{repository}")),
            branch: Some(branch.to_owned()),
            ..ProjectInput::default()
        };
        testing::project(&self.platform, input).await
    }

    /// A delivery with a valid signature.
    pub(crate) fn signed(&self, event: &str, guid: &str, body: &str) -> Call {
        call("POST", PATH)
            .header("content-type", "application/json")
            .header("x-github-event", event)
            .header("x-github-delivery", guid)
            .header(
                "x-hub-signature-256",
                &sign_webhook(&self.secret, body.as_bytes()),
            )
            .body(body.to_owned())
    }

    pub(crate) async fn send(&self, request: Call) -> Answer {
        request
            .send(&self.platform, loom_github_webhook::handle)
            .await
    }

    /// Sends a delivery and waits until it has been handled.
    pub(crate) async fn deliver(&self, event: &str, guid: &str, payload: &Json) -> Answer {
        let answer = self
            .send(self.signed(event, guid, &payload.to_string()))
            .await;
        self.platform.tasks().finished().await;
        answer
    }

    pub(crate) async fn as_admin(&self, method: &str, path: &str) -> Answer {
        self.send(call(method, path).token(&self.admin)).await
    }

    pub(crate) async fn sweep(&self) -> Json {
        let answer = self.send(call("POST", "/internal/github/sweep")).await;
        assert_eq!(answer.status, 200, "{}", answer.json());
        self.platform.tasks().finished().await;
        answer.json()
    }

    pub(crate) async fn delivery(&self, guid: &str) -> Delivery {
        delivery::get(self.platform.database(), guid).await.unwrap()
    }

    pub(crate) async fn count(&self, sql: &str) -> i64 {
        count(&self.platform, sql).await
    }

    pub(crate) async fn set(&self, sql: &str) {
        execute(&self.platform, sql).await;
    }

    /// Hires an agent, which is idle.
    pub(crate) async fn hire(&self) {
        self.set(
            "INSERT INTO agent (id, name, role, persona, status, created_at) \
             VALUES ('a-1', 'Ada', 'engineering-manager', 'default/engineering-manager', 'idle', 1)",
        )
        .await;
    }

    /// The one bead that there is.
    pub(crate) async fn only_bead(&self) -> Bead {
        let rows = self
            .platform
            .database()
            .query("SELECT id FROM bead", vec![])
            .await
            .unwrap();
        assert_eq!(rows.len(), 1, "{rows:?}");
        bead::get(self.platform.database(), &rows[0].text(0).unwrap())
            .await
            .unwrap()
    }

    pub(crate) fn nudges(&self) -> usize {
        self.nudges.count()
    }

    pub(crate) fn platform_variable(&self, name: &str, value: &str) {
        self.platform.variables().set(name, value);
    }

    /// What a refused request must not change.
    pub(crate) async fn snapshot(&self) -> Vec<String> {
        let tables = [
            "bead",
            "comment",
            "delivery",
            "delivery_payload",
            "github_issue",
            "github_report",
            "project",
        ];
        rows(&self.platform, &tables).await
    }
}

/// An issue as GitHub shows it in its events.
pub(crate) fn issue_event(action: &str, number: i64, minute: i64) -> Json {
    json!({
        "action": action,
        "issue": {
            "number": number,
            "title": "It breaks",
            "body": "Always.",
            "state": if action == "closed" { "closed" } else { "open" },
            "user": {"login": "ann", "type": "User"},
            "html_url": format!("http://github.test/acme/widget/issues/{number}"),
            "labels": [{"name": "bug"}],
            "updated_at": format!("2026-11-20T10:{minute:02}:00Z"),
        },
        "repository": {"full_name": "acme/widget", "html_url": "http://github.test/acme/widget"},
        "sender": {"login": "ann", "type": "User"},
    })
}

/// A comment on an issue.
pub(crate) fn comment_event(number: i64, id: i64, by: &str, text: &str) -> Json {
    let mut event = issue_event("created", number, 1);
    event["comment"] = json!({
        "id": id, "body": text, "user": {"login": by, "type": "User"},
        "html_url": format!("http://github.test/acme/widget/issues/{number}#{id}"),
        "created_at": "2026-11-20T10:01:00Z",
    });
    event["sender"] = json!({"login": by, "type": "User"});
    event
}
