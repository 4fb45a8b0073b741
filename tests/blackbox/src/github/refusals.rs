use loom_test_support::github_double::{NewRepository, Permission};
use loom_test_support::tokenhub::Answer;
use loom_test_support::{Access, Client, GitHub, Loom, Project, Reply, sign_webhook};
use serde_json::{Value, json};

const REPO: &str = "acme/widget";
const ROUTE: &str = "/api/v1/webhooks/github";
const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// A Loom with a repository on GitHub that has one file, and nobody who works there unless a test says so.
struct Scene {
    github: GitHub,
    loom: Loom,
    project: Project,
}

impl Scene {
    fn new(team: &[&str]) -> Option<Self> {
        let github = GitHub::start(Access::Token);
        github.create(&NewRepository::new("acme", "widget").file("README.md", "Counts.\n"));
        github.double().allow(REPO, "eve", Permission::Read);
        github.double().allow(REPO, "rita", Permission::Write);
        let loom = Loom::own(github.options())?;
        let project = github.project(&loom, REPO, team, json!({}));
        Some(Self {
            github,
            loom,
            project,
        })
    }

    /// A delivery as GitHub sends it.
    fn delivery(&self, guid: &str, body: &[u8]) -> Delivery<'_> {
        Delivery {
            client: self.loom.admin.anonymous(),
            scene: self,
            event: "issues".to_owned(),
            guid: guid.to_owned(),
            content_type: JSON,
            body: body.to_vec(),
            signature: sign_webhook(self.github.secret(), body),
        }
    }

    fn beads(&self) -> Vec<Value> {
        let path = format!("/api/v1/beads?project_id={}", self.project.id);
        self.loom.admin.all(&path)
    }

    fn deliveries(&self) -> Vec<Value> {
        self.loom.admin.all("/api/v1/webhooks/deliveries")
    }

    /// What a refused delivery must not change: everything but the record that it was refused.
    fn look(&self) -> (Vec<Value>, Vec<Value>, Vec<Value>) {
        let events = self
            .loom
            .admin
            .get("/api/v1/events?after=0&limit=1000")
            .ok();
        let others = events["events"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|event| event["type"] != "webhook.refused")
            .cloned()
            .collect();
        (self.beads(), self.deliveries(), others)
    }

    /// The codes of the refusals that are recorded.
    fn refusals(&self) -> Vec<String> {
        let path = "/api/v1/events?after=0&limit=1000&type=webhook.refused";
        let events = self.loom.admin.get(path).ok();
        events["events"]
            .as_array()
            .unwrap()
            .iter()
            .map(|event| event["data"]["code"].as_str().unwrap().to_owned())
            .collect()
    }

    /// What GitHub has: branches with their heads, pull requests, comments on an issue.
    fn pages(&self) -> (Vec<String>, usize) {
        let double = self.github.double();
        let branches = double
            .branches(REPO)
            .into_iter()
            .map(|branch| format!("{branch} {:?}", double.branch(REPO, &branch)))
            .collect();
        (branches, double.pulls(REPO).len())
    }
}

/// A delivery that is being put together.
#[derive(Clone)]
struct Delivery<'s> {
    client: Client,
    scene: &'s Scene,
    event: String,
    guid: String,
    content_type: &'static str,
    body: Vec<u8>,
    signature: String,
}

impl Delivery<'_> {
    fn signed_with(mut self, secret: &str) -> Self {
        self.signature = sign_webhook(secret, &self.body);
        self
    }

    /// Another body under the same signature.
    fn altered(mut self, body: &[u8]) -> Self {
        self.body = body.to_vec();
        self
    }

    fn event(mut self, event: &str) -> Self {
        event.clone_into(&mut self.event);
        self
    }

    fn content_type(mut self, content_type: &'static str) -> Self {
        self.content_type = content_type;
        self
    }

    fn send(&self) -> Reply {
        self.client
            .request("POST", ROUTE)
            .header("x-github-event", &self.event)
            .header("x-github-delivery", &self.guid)
            .header("x-hub-signature-256", &self.signature)
            .bytes(self.content_type, &self.body)
            .send()
    }

    /// Sends it, and waits until it is handled.
    fn handled(&self) -> Value {
        let reply = self.send();
        assert_eq!(reply.status, 202, "{}", reply.json);
        self.scene.until_handled(&self.guid)
    }
}

impl Scene {
    /// Waits until a delivery is handled, and returns it.
    fn until_handled(&self, guid: &str) -> Value {
        let path = format!("/api/v1/webhooks/deliveries/{guid}");
        self.loom.until("the delivery is handled", "", || {
            let delivery = self.loom.admin.get(&path).ok();
            let is_over =
                ["processed", "ignored", "failed"].contains(&delivery["status"].as_str()?);
            is_over.then_some(delivery)
        })
    }
}

/// An issue that somebody opens.
fn opened(number: u64, title: &str) -> Value {
    json!({
        "action": "opened",
        "issue": {
            "number": number, "title": title, "body": "Always.", "state": "open",
            "user": {"login": "ann", "type": "User"}, "labels": [{"name": "chore"}],
            "html_url": format!("http://github.test/{REPO}/issues/{number}"),
            "created_at": "2026-11-20T10:00:00Z", "updated_at": "2026-11-20T10:00:00Z",
        },
        "repository": {"full_name": REPO, "html_url": format!("http://github.test/{REPO}")},
        "sender": {"login": "ann", "type": "User"},
    })
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[test]
fn what_is_not_githubs_is_refused_recorded_and_changes_nothing() {
    let Some(scene) = Scene::new(&[]) else {
        return;
    };
    let body = opened(1, "It breaks").to_string().into_bytes();
    let other = opened(1, "It breaks!").to_string().into_bytes();
    let good = || scene.delivery("d-1", &body);
    let large = vec![b' '; 26 << 20];
    let cases = [
        (
            "forged",
            good().signed_with("another secret"),
            (401, "signature_invalid"),
        ),
        (
            "altered",
            good().altered(&other),
            (401, "signature_invalid"),
        ),
        (
            "no JSON",
            scene.delivery("d-2", b"{\"issue\":"),
            (400, "invalid_json"),
        ),
        (
            "another event",
            good().event("pull_request"),
            (400, "event_mismatch"),
        ),
        (
            "text",
            good().content_type("text/plain"),
            (415, "unsupported_media_type"),
        ),
        (
            "a form without a payload",
            scene.delivery("d-3", b"title=x").content_type(FORM),
            (400, "invalid_form"),
        ),
        (
            "26 MiB",
            scene.delivery("d-4", &large),
            (413, "body_too_large"),
        ),
    ];
    let before = scene.look();
    for (name, delivery, (status, code)) in cases {
        let reply = delivery.send();
        reply.refused(status, code);
        assert_eq!(scene.look(), before, "{name} changed something");
        assert!(
            scene.refusals().iter().any(|known| known == code),
            "{name} is recorded"
        );
    }
    // GitHub's own is taken all the same.
    good().handled();
    assert_eq!(scene.beads().len(), 1);
}

#[test]
fn a_delivery_that_comes_again_does_nothing_again() {
    let Some(scene) = Scene::new(&[]) else {
        return;
    };
    let payload = opened(1, "It breaks").to_string();
    let delivery = scene.delivery("d-1", payload.as_bytes());
    delivery.handled();
    let before = scene.look();
    let form = format!("payload={}", encoded(&payload));
    for again in [
        delivery.clone(),
        scene.delivery("d-2", payload.as_bytes()),
        scene.delivery("d-3", form.as_bytes()).content_type(FORM),
    ] {
        let reply = again.send();
        assert_eq!(
            (reply.status, &reply.json["status"]),
            (200, &json!("duplicate"))
        );
    }
    let (beads, deliveries, events) = scene.look();
    assert_eq!((beads, events), (before.0, before.2));
    assert_eq!(deliveries.len(), 1);
    assert_eq!(deliveries[0]["repeats"], 3);
}

#[test]
fn a_form_is_taken_as_github_sends_it() {
    let Some(scene) = Scene::new(&[]) else {
        return;
    };
    let form = format!(
        "payload={}",
        encoded(&opened(7, "It breaks & burns + more").to_string())
    );
    scene
        .delivery("d-1", form.as_bytes())
        .content_type(FORM)
        .handled();
    assert_eq!(scene.beads()[0]["title"], "It breaks & burns + more");
}

/// The agent asks a question. Who may only read gets no answer through; who may write does.
#[test]
fn who_may_not_write_approves_nothing() {
    let Some(scene) = Scene::new(&["engineering-manager"]) else {
        return;
    };
    let (loom, double) = (&scene.loom, scene.github.double());
    scene.github.tell(loom, None);
    let title = "Drop the old table in who_may_not_write";
    loom.model.turns(
        title,
        [
            Answer::call(
                "escalate",
                json!({"question": "Production still reads it. Drop it?"}),
            ),
            Answer::call("done", json!({"summary": "Nothing had to change."})),
        ],
    );
    let issue = double.open_issue(REPO, "ann", title, "Please.", &["chore"]);
    let open = "/api/v1/decisions?status=open";
    let question = loom.until("a question is open", "", || {
        loom.admin.all(open).into_iter().next()
    });

    double.comment(REPO, "eve", issue, "/loom approve");
    let refused = loom.until("the comment is handled", "", || {
        scene.deliveries().into_iter().find(|delivery| {
            delivery["event"] == "issue_comment" && delivery["outcome"] == "permission_missing"
        })
    });
    assert_eq!(refused["status"], "processed", "{refused:#}");
    assert_eq!(loom.admin.all(open)[0]["id"], question["id"]);

    double.comment(REPO, "rita", issue, "/loom approve");
    let path = format!("/api/v1/decisions/{}", question["id"].as_str().unwrap());
    let decided = loom.until("it is decided", "", || {
        Some(loom.admin.get(&path).ok()).filter(|decision| decision["status"] == "decided")
    });
    assert_eq!(decided["decision"], "approve", "{decided:#}");
    assert!(
        decided["decider"].as_str().unwrap().contains("rita"),
        "{decided:#}"
    );
}

/// What a model must not write is refused and recorded, and nothing of it reaches GitHub.
#[test]
fn paths_outside_and_secrets_never_reach_github() {
    let Some(scene) = Scene::new(&["engineering-manager"]) else {
        return;
    };
    let (loom, before) = (&scene.loom, scene.pages());
    let title = "Write where nobody may in paths_outside";
    // Looks like a token of GitHub's, and is none.
    let secret = format!("ghp_{}", "a1B2c3D4e5F6".repeat(3));
    let write = |path: &str, content: &str| {
        (
            "write_file".to_owned(),
            json!({"path": path, "content": content}),
        )
    };
    loom.model.turns(
        title,
        [
            Answer::calls([
                write("../../x", "out\n"),
                write(".git/config", "[core]\n"),
                write("/etc/x", "out\n"),
            ]),
            Answer::calls([
                write("settings.py", &format!("TOKEN = \"{secret}\"\n")),
                ("git_commit".to_owned(), json!({"message": "Add settings"})),
            ]),
            Answer::calls([(
                "done".to_owned(),
                json!({"summary": "It is not possible.", "outcome": "failure"}),
            )]),
        ],
    );
    let bead = loom.file(&scene.project, title, json!({}));
    let run = loom.until("its run is over", &format!("bead_id={}", bead.id), || {
        let run = loom.runs(&bead).into_iter().next()?;
        let is_over = ["succeeded", "failed"].contains(&run["run"]["status"].as_str()?);
        is_over.then_some(run)
    });
    let actions = |step: usize| -> Vec<(String, String)> {
        run["steps"][step]["actions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|action| {
                let text = |field: &str| action[field].as_str().unwrap_or_default().to_owned();
                (text("status"), text("code"))
            })
            .collect()
    };
    for (status, code) in actions(0) {
        assert_eq!(status, "refused", "{code}: {run:#}");
    }
    assert_eq!(actions(0).len(), 3);
    let commit = &actions(1)[1];
    assert_eq!(
        (commit.0.as_str(), commit.1.as_str()),
        ("refused", "secret_found"),
        "{run:#}"
    );
    assert_eq!(scene.pages(), before, "nothing has changed on GitHub");
    let sent = scene.github.double().requests();
    assert!(
        sent.iter().all(|seen| seen.method == "GET"),
        "nothing was written: {sent:#?}"
    );
}
