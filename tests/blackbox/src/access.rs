use loom_test_support::{Client, Filed, Loom, Project, Repository};
use serde_json::{Value, json};

/// Somebody with a role. The name is new in every run.
fn account(loom: &Loom, role: &str, project: &Project) -> Client {
    let username = format!("{role}-{}", project.prefix);
    let password = "a good password";
    let account = json!({"username": username, "role": role, "password": password});
    loom.admin.post("/api/v1/auth/users", &account).ok();
    loom.log_in(&username, password)
}

struct Scene {
    loom: std::sync::Arc<Loom>,
    project: Project,
    bead: Filed,
    _repository: Repository,
}

impl Scene {
    fn new() -> Self {
        let loom = Loom::shared();
        let repository = Repository::new(&[("README.md", "Access\n")]);
        let project = loom.project(&repository, &[], json!({}));
        let bead = loom.file(&project, "Access", json!({}));
        Self {
            loom,
            project,
            bead,
            _repository: repository,
        }
    }

    /// Reads, and what a viewer may do.
    fn reads(&self) -> Vec<String> {
        vec![
            "/api/v1/beads".to_owned(),
            self.bead.path.clone(),
            format!("{}/why", self.bead.path),
            format!("{}/runs", self.bead.path),
            format!("{}/decisions", self.bead.path),
            format!("/api/v1/work-graph?project_id={}", self.project.id),
            "/api/v1/projects".to_owned(),
            "/api/v1/agents".to_owned(),
            "/api/v1/personas".to_owned(),
            "/api/v1/providers".to_owned(),
            "/api/v1/events".to_owned(),
            "/api/v1/system/status".to_owned(),
        ]
    }

    /// Writes of the work, and what they need.
    fn writes(&self) -> Vec<(&'static str, String, Value)> {
        let bead = &self.bead.path;
        vec![
            (
                "POST",
                "/api/v1/beads".to_owned(),
                json!({"project_id": self.project.id, "title": "No"}),
            ),
            ("PUT", bead.clone(), json!({"title": "No"})),
            ("PATCH", bead.clone(), json!({"title": "No"})),
            ("POST", format!("{bead}/claim"), json!({"agent_id": "x"})),
            ("POST", format!("{bead}/redispatch"), json!({})),
            ("POST", format!("{bead}/escalate"), json!({"reason": "No"})),
            ("POST", format!("{bead}/comments"), json!({"content": "No"})),
            ("POST", "/api/v1/beads/auto-file".to_owned(), json!({})),
            (
                "POST",
                "/api/v1/projects".to_owned(),
                json!({"name": "No", "git_repo": "/"}),
            ),
            (
                "POST",
                format!("/api/v1/projects/{}/close", self.project.id),
                json!({}),
            ),
            (
                "POST",
                "/api/v1/agents".to_owned(),
                json!({"role": "qa-engineer"}),
            ),
            (
                "POST",
                "/api/v1/providers".to_owned(),
                json!({"name": "No", "endpoint": "http://no"}),
            ),
        ]
    }

    /// What only an admin may do.
    fn administration(&self) -> Vec<(&'static str, String, Value)> {
        vec![
            ("DELETE", self.bead.path.clone(), Value::Null),
            (
                "DELETE",
                format!("/api/v1/projects/{}", self.project.id),
                Value::Null,
            ),
            ("DELETE", "/api/v1/agents/x".to_owned(), Value::Null),
            ("DELETE", "/api/v1/providers/x".to_owned(), Value::Null),
            ("GET", "/api/v1/auth/users".to_owned(), Value::Null),
            (
                "POST",
                "/api/v1/auth/users".to_owned(),
                json!({"username": "no", "role": "admin", "password": "no no no no"}),
            ),
        ]
    }
}

fn status(client: &Client, (method, path, body): &(&'static str, String, Value)) -> (u16, String) {
    let request = client.request(method, path);
    let request = if body.is_null() {
        request
    } else {
        request.json(body)
    };
    let reply = request.send();
    (reply.status, reply.code().to_owned())
}

#[test]
fn a_viewer_reads_and_changes_nothing() {
    let scene = Scene::new();
    let viewer = account(&scene.loom, "viewer", &scene.project);
    for path in scene.reads() {
        assert_eq!(viewer.get(&path).status, 200, "{path}");
    }
    let before = scene.loom.events_of(&scene.bead);
    let ticks = [
        ("POST", "/api/v1/system/tick".to_owned(), json!({})),
        ("POST", "/api/v1/system/heartbeat".to_owned(), json!({})),
    ];
    for call in scene
        .writes()
        .iter()
        .chain(&scene.administration())
        .chain(&ticks)
    {
        assert_eq!(
            status(&viewer, call),
            (403, "forbidden".to_owned()),
            "{call:?}"
        );
    }
    assert_eq!(scene.loom.events_of(&scene.bead), before);
}

#[test]
fn a_user_works_and_does_not_administer() {
    let scene = Scene::new();
    let user = account(&scene.loom, "user", &scene.project);
    let filed = user.post(
        "/api/v1/beads",
        &json!({"project_id": scene.project.id, "title": "By a user"}),
    );
    assert_eq!(filed.status, 201);
    assert_eq!(
        filed.json["created_by"],
        format!("user-{}", scene.project.prefix)
    );
    for call in &scene.administration() {
        assert_eq!(
            status(&user, call),
            (403, "forbidden".to_owned()),
            "{call:?}"
        );
    }
}

#[test]
fn the_service_token_ticks_and_nothing_else() {
    let scene = Scene::new();
    let service = &scene.loom.service;
    for path in ["/api/v1/system/tick", "/api/v1/system/heartbeat"] {
        assert_eq!(service.post(path, &json!({})).status, 200, "{path}");
    }
    for path in scene.reads() {
        service.get(&path).refused(403, "forbidden");
    }
    for call in scene.writes().iter().chain(&scene.administration()) {
        assert_eq!(
            status(service, call),
            (403, "forbidden".to_owned()),
            "{call:?}"
        );
    }
}

#[test]
fn without_credentials_only_health_and_login_answer() {
    let scene = Scene::new();
    let anybody = scene.loom.admin.anonymous();
    for path in scene.reads() {
        anybody.get(&path).refused(401, "unauthenticated");
    }
    for call in scene.writes().iter().chain(&scene.administration()) {
        assert_eq!(
            status(&anybody, call),
            (401, "unauthenticated".to_owned()),
            "{call:?}"
        );
    }
}

#[test]
fn functions_that_only_loom_calls_are_not_reached_from_outside() {
    let loom = Loom::shared();
    for path in ["/internal/tick", "/internal/step", "/internal/heartbeat"] {
        let reply = loom.admin.post(path, &json!({}));
        assert_eq!(reply.status, 404, "{path}");
    }
}

#[test]
fn an_api_key_reaches_as_far_as_its_scope_and_ends_when_it_is_revoked() {
    let scene = Scene::new();
    let admin = &scene.loom.admin;
    let made = admin
        .post(
            "/api/v1/auth/api-keys",
            &json!({"name": "reader", "permissions": ["beads:read"]}),
        )
        .ok();
    let key = admin.with_token(made["key"].as_str().unwrap());
    assert_eq!(key.get(&scene.bead.path).status, 200);
    key.put(&scene.bead.path, &json!({"title": "No"}))
        .refused(403, "forbidden");
    let listed = admin.get("/api/v1/auth/api-keys").ok().to_string();
    assert!(
        !listed.contains(made["key"].as_str().unwrap()),
        "a key is shown once"
    );
    admin
        .delete(&format!(
            "/api/v1/auth/api-keys/{}",
            made["id"].as_str().unwrap()
        ))
        .ok();
    key.get(&scene.bead.path).refused(401, "token_revoked");
}

#[test]
fn a_session_ends_with_its_logout() {
    let scene = Scene::new();
    let viewer = account(&scene.loom, "viewer", &scene.project);
    assert_eq!(viewer.get("/api/v1/auth/me").status, 200);
    assert_eq!(
        viewer
            .request("POST", "/api/v1/auth/logout")
            .json(&json!({}))
            .send()
            .status,
        204
    );
    viewer.get("/api/v1/auth/me").refused(401, "token_revoked");
}
