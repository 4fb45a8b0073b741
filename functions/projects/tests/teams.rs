//! Teams and org charts of projects, over the function's `handle`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper of tests fails the test"
)]

use loom_api::testing::{Answer, Call, builder, call, play, rows, token};
use loom_domain::{account::Role, org_chart::Profile, project::ProjectInput};
use loom_platform::native::NativePlatform;
use loom_platform::{Database, Platform, Statements, Transaction};
use loom_store::{Change, project};
use serde_json::{Value, json};

struct World {
    platform: NativePlatform,
    admin: String,
}

impl World {
    async fn new() -> Self {
        let platform = builder().variable("max_agents", "20").build().unwrap();
        play(&platform, "dispatch-tick");
        let admin = token(&platform, Role::Admin).await;
        Self { platform, admin }
    }

    async fn send(&self, request: Call) -> Answer {
        request
            .token(&self.admin)
            .send(&self.platform, loom_projects::handle)
            .await
    }

    /// Registers a project, and returns the answer.
    async fn register(&self, name: &str, fields: Value) -> Answer {
        let mut body = json!({"name": name, "git_repo": "/srv/demo"});
        for (field, value) in fields.as_object().unwrap() {
            body[field] = value.clone();
        }
        self.send(call("POST", "/api/v1/projects").json(body)).await
    }

    async fn project(&self, name: &str, fields: Value) -> String {
        let answer = self.register(name, fields).await;
        assert_eq!(answer.status, 201, "{}", answer.json());
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    /// The roles of a project's agents, sorted.
    async fn roles(&self, project_id: &str) -> Vec<String> {
        let sql = "SELECT role FROM agent WHERE project_id = ?1 ORDER BY role";
        let rows = self.platform.database().query(sql, vec![project_id.into()]);
        let rows = rows.await.unwrap();
        rows.iter().map(|row| row.text(0).unwrap()).collect()
    }

    async fn chart(&self, project_id: &str) -> Answer {
        self.send(call("GET", &format!("/api/v1/org-charts/{project_id}")))
            .await
    }

    async fn put_chart(&self, project_id: &str, positions: &[Value]) -> Answer {
        let request = call("PUT", &format!("/api/v1/org-charts/{project_id}"));
        self.send(request.json(json!({"positions": positions})))
            .await
    }

    async fn snapshot(&self) -> Vec<String> {
        rows(
            &self.platform,
            &["project", "agent", "org_chart", "org_position", "event"],
        )
        .await
    }
}

/// The positions of a chart as `PUT` takes them.
fn positions(chart: &Value) -> Vec<Value> {
    let positions = chart["positions"].as_array().unwrap().iter();
    positions
        .map(|position| {
            json!({
                "role": position["role"],
                "required": position["required"],
                "max_instances": position["max_instances"],
                "reports_to": position["reports_to"],
            })
        })
        .collect()
}

/// The place of a role in a chart.
fn at(positions: &[Value], role: &str) -> usize {
    positions
        .iter()
        .position(|one| one["role"] == role)
        .unwrap()
}

#[tokio::test]
async fn a_profile_says_who_is_on_the_team() {
    let world = World::new().await;
    for (name, fields, profile) in [
        ("A", json!({}), Profile::Startup),
        ("B", json!({"profile": "solo"}), Profile::Solo),
        ("C", json!({"profile": "Startup"}), Profile::Startup),
    ] {
        let id = world.project(name, fields).await;
        let mut expected: Vec<String> = profile.roles().into_iter().map(String::from).collect();
        expected.sort();
        assert_eq!(world.roles(&id).await, expected, "{name}");
    }
    let team = json!({"team": ["reviewer", "coder", "coder"]});
    let id = world.project("D", team).await;
    assert_eq!(
        world.roles(&id).await,
        [
            "code-reviewer",
            "engineering-manager",
            "engineering-manager"
        ]
    );
    // There are fifteen agents now, and room for five more.
    let before = world.snapshot().await;
    for (fields, status, code, field) in [
        (json!({"profile": "full"}), 409, "max_agents_reached", ""),
        (
            json!({"profile": "enterprise"}),
            422,
            "invalid_fields",
            "profile",
        ),
        (json!({"profile": 3}), 422, "invalid_fields", "profile"),
        (
            json!({"profile": "solo", "team": []}),
            422,
            "invalid_fields",
            "profile",
        ),
        (
            json!({"team": ["cfo", "cfo"]}),
            422,
            "invalid_fields",
            "team[1]",
        ),
        (
            json!({"team": ["qa", "ceo"]}),
            422,
            "invalid_fields",
            "team[1]",
        ),
        (
            json!({"max_agents": 1}),
            422,
            "invalid_fields",
            "max_agents",
        ),
        (
            json!({"max_agents": 0}),
            422,
            "invalid_fields",
            "max_agents",
        ),
        (
            json!({"max_agents": 257}),
            422,
            "invalid_fields",
            "max_agents",
        ),
    ] {
        let answer = world.register("E", fields.clone()).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (status, code),
            "{fields}: {}",
            answer.json()
        );
        let has_field = answer.json()["fields"].get(field).is_some();
        assert!(field.is_empty() || has_field, "{fields}: {}", answer.json());
        assert_eq!(world.snapshot().await, before, "{fields}");
    }
}

#[tokio::test]
async fn a_project_may_not_have_less_room_than_agents() {
    let world = World::new().await;
    let id = world.project("A", json!({"max_agents": 6})).await;
    let path = format!("/api/v1/projects/{id}");
    let put = |most: i64| call("PUT", &path).json(json!({"max_agents": most}));
    let before = world.snapshot().await;
    let answer = world.send(put(4)).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (422, "invalid_fields")
    );
    assert_eq!(
        answer.json()["fields"]["max_agents"],
        "must be at least 5, the agents that it has"
    );
    assert_eq!(world.snapshot().await, before);
    let answer = world.send(put(5)).await;
    assert_eq!(
        (answer.status, &answer.json()["max_agents"]),
        (200, &json!(5))
    );
}

#[tokio::test]
async fn a_chart_shows_its_positions_and_who_fills_them() {
    let world = World::new().await;
    let id = world.project("A", json!({"profile": "solo"})).await;
    let chart = world.chart(&id).await.json();
    assert_eq!(
        (&chart["project_id"], &chart["version"]),
        (&json!(id), &json!(1))
    );
    let all = chart["positions"].as_array().unwrap();
    let ceo = &all[at(all, "ceo")];
    assert_eq!(
        ceo,
        &json!({"role": "ceo", "required": true, "max_instances": 1, "reports_to": null,
            "is_person": true, "status": "filled", "agents": []})
    );
    let manager = &all[at(all, "engineering-manager")];
    assert_eq!(
        (
            &manager["reports_to"],
            &manager["status"],
            &manager["is_person"]
        ),
        (&json!("ceo"), &json!("filled"), &json!(false))
    );
    assert_eq!(manager["agents"][0]["name"], "Engineering Manager (A)");
    assert_eq!(manager["agents"][0]["status"], "idle");
    assert_eq!(all[at(all, "cto")]["status"], "vacant");
    assert_eq!(chart["without_position"], json!([]));
    let answer = world.chart("none").await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (404, "project_not_found")
    );
}

#[tokio::test]
async fn an_older_project_gets_its_chart_with_the_first_look() {
    let world = World::new().await;
    let input = ProjectInput {
        name: Some("Old".to_owned()),
        git_repo: Some("/srv/old".to_owned()),
        ..ProjectInput::default()
    };
    let tx = world.platform.database().transaction().await.unwrap();
    let change = Change::new(&tx, world.platform.random(), "test")
        .await
        .unwrap();
    let old = project::register(&change, input.register().unwrap(), false)
        .await
        .unwrap()
        .id;
    tx.commit().await.unwrap();
    let first = world.chart(&old).await;
    assert_eq!(first.status, 200, "{}", first.json());
    let once = world.snapshot().await;
    assert_eq!(world.chart(&old).await.json(), first.json());
    assert_eq!(world.snapshot().await, once, "made once");
}

#[tokio::test]
async fn positions_are_changed_as_a_whole() {
    let world = World::new().await;
    let id = world.project("A", json!({})).await;
    let before = world.chart(&id).await;
    let mut wanted = positions(&before.json());
    let qa = at(&wanted, "qa-engineer");
    wanted[qa]["max_instances"] = json!(2);
    wanted[qa]["role"] = json!("QA");
    let bot = at(&wanted, "housekeeping-bot");
    wanted.remove(bot);
    let path = format!("/api/v1/org-charts/{id}");
    let put = |tag: &str, positions: &[Value]| {
        let request = call("PUT", &path).header("if-match", tag);
        request.json(json!({"positions": positions}))
    };
    let answer = world.send(put(before.header("etag"), &wanted)).await;
    assert_eq!(answer.status, 200, "{}", answer.json());
    let after = answer.json();
    assert_eq!(after["version"], 2);
    let all = after["positions"].as_array().unwrap();
    assert_eq!(all.len(), 14);
    assert_eq!(all[qa]["role"], "qa-engineer");
    assert_eq!(all[qa]["status"], "partial");
    assert_eq!(world.chart(&id).await.json(), after);

    let unchanged = world.snapshot().await;
    let answer = world.send(put(before.header("etag"), &wanted)).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (412, "version_conflict")
    );
    let answer = world.put_chart(&id, &wanted).await;
    assert_eq!((answer.status, &answer.json()["version"]), (200, &json!(2)));
    assert_eq!(
        world.snapshot().await,
        unchanged,
        "nothing changes, nothing is written"
    );
}

#[tokio::test]
async fn what_a_chart_cannot_be_changes_nothing() {
    let world = World::new().await;
    let team = json!({"team": ["qa", "qa", "em", "pm"]});
    let id = world.project("A", team).await;
    let good = positions(&world.chart(&id).await.json());
    let before = world.snapshot().await;
    type Spoil = fn(&mut Vec<Value>);
    let table: [(Spoil, &str); 9] = [
        (|all| all[6]["role"] = json!("wizard"), "positions[6].role"),
        (|all| all[6]["role"] = json!("cto"), "positions[6].role"),
        (
            |all| all[6]["reports_to"] = json!("loom"),
            "positions[6].reports_to",
        ),
        (
            |all| all[4]["reports_to"] = json!("qa"),
            "positions[4].reports_to",
        ),
        (
            |all| all[6]["max_instances"] = json!(1),
            "positions[6].max_instances",
        ),
        (
            |all| all[0]["max_instances"] = json!(2),
            "positions[0].max_instances",
        ),
        (
            |all| all[3]["required"] = json!(false),
            "positions[3].required",
        ),
        (|all| drop(all.remove(4)), "positions"),
        (|all| all.clear(), "positions"),
    ];
    for (number, (spoil, field)) in table.into_iter().enumerate() {
        let mut wanted = good.clone();
        spoil(&mut wanted);
        let answer = world.put_chart(&id, &wanted).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (422, "invalid_fields"),
            "{number}: {}",
            answer.json()
        );
        let has_field = answer.json()["fields"].get(field).is_some();
        assert!(has_field, "{number}: {}", answer.json());
        assert_eq!(world.snapshot().await, before, "{number}");
    }
    let many: Vec<Value> = vec![good[0].clone(); 65];
    let answer = world.put_chart(&id, &many).await;
    assert_eq!(answer.status, 422);
    let answer = world.put_chart("none", &good).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (404, "project_not_found")
    );
    assert_eq!(world.snapshot().await, before);
}
