use loom_test_support::{Client, Filed, Loom, Project, Reply, Repository, sign_jwt, unsigned_jwt};
use serde_json::{Value, json};

/// Something to refuse: beads that nobody works on.
struct Scene {
    loom: Loom,
    project: Project,
    open: Filed,
    closed: Filed,
    blocked_by_open: Filed,
    _repository: Repository,
}

impl Scene {
    fn new() -> Self {
        let loom = Loom::alone();
        let repository = Repository::new(&[("README.md", "Refusals\n")]);
        let project = loom.project(&repository, &[], json!({}));
        let open = loom.file(&project, "Open", json!({}));
        let closed = loom.file(&project, "Closed", json!({}));
        loom.admin
            .put(&closed.path, &json!({"status": "closed"}))
            .ok();
        let middle = loom.file(&project, "Middle", json!({"blocked_by": [open.id]}));
        let blocked_by_open = loom.file(&project, "Last", json!({"blocked_by": [middle.id]}));
        Self {
            loom,
            project,
            open,
            closed,
            blocked_by_open,
            _repository: repository,
        }
    }

    fn admin(&self) -> &Client {
        &self.loom.admin
    }

    /// Files a bead of these fields beside the project's id.
    fn file(&self, fields: &Value) -> Reply {
        let mut bead = json!({"project_id": self.project.id, "title": "Never filed"});
        bead.as_object_mut()
            .unwrap()
            .extend(fields.as_object().unwrap().clone());
        self.admin().post("/api/v1/beads", &bead)
    }

    fn raw(&self, content_type: &str, body: &[u8]) -> Reply {
        self.admin()
            .request("POST", "/api/v1/beads")
            .bytes(content_type, body)
            .send()
    }

    /// Everything that a refused request could have changed.
    fn look(&self) -> (i64, Vec<Value>) {
        (
            self.loom.newest(),
            self.admin().all("/api/v1/beads?limit=1000"),
        )
    }

    /// Runs each case, and asserts its answer and that nothing changed.
    fn all(&self, cases: Vec<Case<'_>>) {
        let before = self.look();
        for (name, request, (status, code)) in cases {
            eprintln!("{name}");
            let reply = request();
            reply.refused(status, code);
            assert_eq!(self.look(), before, "{name} changed something");
        }
    }
}

type Case<'a> = (
    &'static str,
    Box<dyn Fn() -> Reply + 'a>,
    (u16, &'static str),
);

/// One line of a table.
fn case<'a>(
    name: &'static str,
    request: impl Fn() -> Reply + 'a,
    answer: (u16, &'static str),
) -> Case<'a> {
    (name, Box::new(request), answer)
}

#[test]
fn bodies_that_cannot_be_read() {
    let scene = Scene::new();
    let json = "application/json";
    let too_large = || {
        let file = || scene.file(&json!({"description": "x".repeat(2 << 20)}));
        // Again and again, because a client that still sends when it is refused must get the answer all the same.
        for _ in 0..10 {
            file().refused(413, "body_too_large");
        }
        file()
    };
    scene.all(vec![
        case(
            "broken JSON",
            || scene.raw(json, br#"{"title": "x","#),
            (400, "invalid_json"),
        ),
        case("no body", || scene.raw(json, b""), (400, "invalid_json")),
        case(
            "two values",
            || scene.raw(json, b"{} {}"),
            (400, "invalid_json"),
        ),
        case(
            "not UTF-8",
            || scene.raw(json, b"{\"title\": \"\xff\xfe\"}"),
            (400, "invalid_utf8"),
        ),
        case(
            "plain text",
            || scene.raw("text/plain", b"{}"),
            (415, "unsupported_media_type"),
        ),
        case(
            "a form",
            || scene.raw("application/x-www-form-urlencoded", b"title=x"),
            (415, "unsupported_media_type"),
        ),
        case(
            "no content type",
            || scene.raw("", b"{}"),
            (415, "unsupported_media_type"),
        ),
        case("2 MiB", too_large, (413, "body_too_large")),
        case(
            "a path that is not UTF-8",
            || scene.admin().get("/api/v1/beads/%ff%fe"),
            (400, "invalid_path"),
        ),
    ]);
}

#[test]
fn fields_that_are_not_accepted() {
    let scene = Scene::new();
    let invalid = (422, "invalid_fields");
    let cases: Vec<(&'static str, Value, &str)> = vec![
        ("an unknown field", json!({"colour": "red"}), "colour"),
        ("a number for a title", json!({"title": 7}), "title"),
        ("a text for a list", json!({"tags": "urgent"}), "tags"),
        (
            "a list for a text",
            json!({"description": ["x"]}),
            "description",
        ),
        ("P9", json!({"priority": "P9"}), "priority"),
        ("an empty title", json!({"title": ""}), "title"),
        ("a blank title", json!({"title": " \t "}), "title"),
        (
            "a title of 10,000 characters",
            json!({"title": "x".repeat(10_000)}),
            "title",
        ),
        (
            "a title of two lines",
            json!({"title": "one\ntwo"}),
            "title",
        ),
        ("an unknown status", json!({"status": "ready"}), "status"),
        (
            "a blocker that does not exist",
            json!({"blocked_by": ["nope-00000"]}),
            "blocked_by",
        ),
        (
            "a parent that does not exist",
            json!({"parent": "nope-00000"}),
            "parent",
        ),
        (
            "paths outside of the repository",
            json!({"touches": ["../etc/*"]}),
            "touches",
        ),
        ("no time at all", json!({"due_at": "soon"}), "due_at"),
    ];
    let scene = &scene;
    let table = cases.iter().map(|(name, fields, field)| {
        let request = move || {
            let reply = scene.file(fields);
            let problem = reply.json["fields"][field].as_str().unwrap_or_default();
            let told = &reply.json;
            assert!(!problem.is_empty(), "{name}: {field} is named in {told}");
            reply
        };
        case(name, request, invalid)
    });
    scene.all(table.collect());
}

#[test]
fn what_does_not_exist() {
    let scene = Scene::new();
    let admin = scene.admin();
    let nothing = json!({});
    scene.all(vec![
        case(
            "read",
            || admin.get("/api/v1/beads/nope-00000"),
            (404, "bead_not_found"),
        ),
        case(
            "change",
            || admin.put("/api/v1/beads/nope-00000", &nothing),
            (404, "bead_not_found"),
        ),
        case(
            "delete",
            || admin.delete("/api/v1/beads/nope-00000"),
            (404, "bead_not_found"),
        ),
        case(
            "claim a bead",
            || admin.post("/api/v1/beads/nope-00000/claim", &json!({"agent_id": "x"})),
            (404, "bead_not_found"),
        ),
        case(
            "claim for an agent",
            || {
                admin.post(
                    &format!("{}/claim", scene.open.path),
                    &json!({"agent_id": "x"}),
                )
            },
            (404, "agent_not_found"),
        ),
        case(
            "a run",
            || admin.get(&format!("{}/runs/x", scene.open.path)),
            (404, "run_not_found"),
        ),
        case(
            "a project",
            || admin.get("/api/v1/projects/x"),
            (404, "project_not_found"),
        ),
        case(
            "an agent",
            || admin.get("/api/v1/agents/x"),
            (404, "agent_not_found"),
        ),
        case(
            "a provider",
            || admin.get("/api/v1/providers/x"),
            (404, "provider_not_found"),
        ),
        case(
            "a route",
            || admin.get("/api/v1/beads/a/b/c/d"),
            (404, "route_not_found"),
        ),
    ]);
}

#[test]
fn changes_that_the_state_forbids() {
    let scene = Scene::new();
    let admin = scene.admin();
    let cycle = || {
        let blockers = json!({"blocked_by": [scene.blocked_by_open.id]});
        let reply = admin.put(&scene.open.path, &blockers);
        // The path names every bead on the way round.
        let told = reply.json["error"].as_str().unwrap_or_default();
        assert_eq!(told.matches(&scene.open.id).count(), 2, "{told}");
        assert!(told.contains(&scene.blocked_by_open.id), "{told}");
        reply
    };
    let transition = || {
        let reply = admin.put(&scene.closed.path, &json!({"status": "in_progress"}));
        let told = reply.json["error"].as_str().unwrap_or_default();
        assert!(
            told.contains("closed") && told.contains("in_progress"),
            "{told}"
        );
        reply
    };
    scene.all(vec![
        case(
            "an illegal transition",
            transition,
            (409, "illegal_transition"),
        ),
        case("a dependency cycle", cycle, (409, "dependency_cycle")),
        case(
            "a bead that blocks itself",
            || admin.put(&scene.open.path, &json!({"blocked_by": [scene.open.id]})),
            (409, "dependency_cycle"),
        ),
        case(
            "another version",
            || {
                let request = admin
                    .request("PUT", &scene.open.path)
                    .header("if-match", "\"v77\"");
                request.json(&json!({"title": "Never"})).send()
            },
            (412, "version_conflict"),
        ),
    ]);
}

#[test]
fn methods_that_a_route_does_not_have() {
    let scene = Scene::new();
    let admin = scene.admin();
    let ask = |method: &'static str, path: &'static str, allowed: &'static str| {
        let request = move || {
            let request = admin.request(method, path);
            let reply = match method {
                "PUT" | "PATCH" => request.json(&json!({})).send(),
                _ => request.send(),
            };
            assert_eq!(reply.header("allow"), allowed, "{method} {path}");
            reply
        };
        case(method, request, (405, "method_not_allowed"))
    };
    scene.all(vec![
        ask("PATCH", "/api/v1/beads", "GET, POST, HEAD, OPTIONS"),
        ask("DELETE", "/api/v1/projects", "GET, POST, HEAD, OPTIONS"),
        ask("GET", "/api/v1/system/tick", "POST, OPTIONS"),
        ask("PUT", "/api/v1/events", "GET, HEAD, OPTIONS"),
    ]);
}

#[test]
fn credentials_that_prove_nothing() {
    let scene = Scene::new();
    let admin = scene.admin();
    let own = admin.token().unwrap();
    let claims = claims_of(own);
    let (signed, signature) = own.rsplit_once('.').unwrap();
    let (header, _) = signed.split_once('.').unwrap();
    let mut other = claims.clone();
    other["sub"] = json!("somebody-else");
    let other_payload = sign_jwt("x", &other).split('.').nth(1).unwrap().to_owned();

    let bead = json!({"project_id": scene.project.id, "title": "Never filed"});
    let file = |client: &Client| client.post("/api/v1/beads", &bead);
    let with = |token: String| {
        let bead = bead.clone();
        move || admin.with_token(&token).post("/api/v1/beads", &bead)
    };
    let invalid = (401, "token_invalid");
    let mut cases = vec![
        case(
            "none",
            || file(&admin.anonymous()),
            (401, "unauthenticated"),
        ),
        case(
            "headers that claim an identity",
            || {
                let request = admin.anonymous();
                let request = request.request("POST", "/api/v1/beads");
                let request = request
                    .header("x-user-id", "admin")
                    .header("x-user-role", "admin");
                request
                    .header("x-forwarded-user", "admin")
                    .json(&bead)
                    .send()
            },
            (401, "unauthenticated"),
        ),
        case(
            "another scheme",
            || {
                let request = admin.anonymous();
                let request = request.request("POST", "/api/v1/beads");
                request
                    .header("authorization", "Basic YWRtaW46YWRtaW4=")
                    .json(&bead)
                    .send()
            },
            (401, "unauthenticated"),
        ),
        case("garbage", with("garbage".to_owned()), invalid),
        case(
            "signed by somebody else",
            with(sign_jwt(&"k".repeat(64), &claims)),
            invalid,
        ),
        case("signed by nobody", with(unsigned_jwt(&claims)), invalid),
        case("a signature left out", with(format!("{signed}.")), invalid),
        case(
            "another payload",
            with(format!("{header}.{other_payload}.{signature}")),
            invalid,
        ),
        case(
            "an API key that was never made",
            with(format!("loom_{}", "a".repeat(43))),
            invalid,
        ),
    ];
    if let Some(secret) = &scene.loom.token_secret {
        let mut expired = claims.clone();
        expired["iat"] = json!(claims["iat"].as_i64().unwrap() - 7200);
        expired["exp"] = json!(claims["iat"].as_i64().unwrap() - 3600);
        let mut no_session = claims.clone();
        no_session["sid"] = json!("no-such-session");
        cases.push(case(
            "expired",
            with(sign_jwt(secret, &expired)),
            (401, "token_expired"),
        ));
        cases.push(case(
            "of no session",
            with(sign_jwt(secret, &no_session)),
            (401, "token_revoked"),
        ));
        // The same claims with the right signature are accepted, so it was not the form that was refused.
        let again = admin.with_token(&sign_jwt(secret, &claims));
        again.get("/api/v1/auth/me").ok();
    }
    scene.all(cases);
}

/// What an access token says.
fn claims_of(token: &str) -> Value {
    use loom_test_support::decode_base64url;
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&decode_base64url(payload)).unwrap()
}
