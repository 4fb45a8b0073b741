use loom_test_support::tokenhub::{Answer, Misbehaviour};
use loom_test_support::{Filed, Loom, Options, Repository};
use serde_json::{Value, json};

/// Files a bead for one agent, in a project with these settings.
fn file(loom: &Loom, repository: &Repository, title: &str, settings: Value) -> Filed {
    let project = loom.project(repository, &["engineering-manager"], settings);
    loom.file(&project, title, json!({}))
}

fn done() -> Answer {
    Answer::call("done", json!({"summary": "Done."}))
}

#[test]
fn a_reply_that_was_lost_on_its_way_is_paid_once() {
    let loom = Loom::shared();
    let repository = Repository::new(&[("README.md", "Models\n")]);
    let title = "Lose the reply in paid_once";
    loom.model
        .turns(title, [done().misbehave_times(Misbehaviour::ReplyLost, 1)]);
    let bead = file(&loom, &repository, title, json!({}));
    loom.until_status(&bead, "closed");
    let calls = loom.model.calls_about(title);
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[0].body, calls[1].body, "the very same request");
    assert_eq!(
        calls[0].headers["idempotency-key"],
        calls[1].headers["idempotency-key"]
    );
    assert_eq!((calls[0].paid, calls[0].replayed), (true, false));
    assert_eq!((calls[1].paid, calls[1].replayed), (false, true));
    let steps = &loom.runs(&bead)[0]["steps"];
    assert_eq!(steps.as_array().unwrap().len(), 1);
}

#[test]
fn a_call_that_came_too_soon_is_made_again() {
    let loom = Loom::shared();
    let repository = Repository::new(&[("README.md", "Models\n")]);
    let title = "Come too soon in made_again";
    loom.model.turns(
        title,
        [done().misbehave_times(Misbehaviour::KeyRateLimited, 1)],
    );
    let bead = file(&loom, &repository, title, json!({}));
    let closed = loom.until_status(&bead, "closed");
    assert_eq!(closed["failed_runs"], 0);
    let statuses: Vec<Option<u16>> = loom
        .model
        .calls_about(title)
        .iter()
        .map(|call| call.status)
        .collect();
    assert_eq!(statuses, [Some(429), Some(200)]);
}

#[test]
fn the_model_that_answered_is_recorded_and_not_the_one_that_was_asked() {
    let loom = Loom::shared();
    let repository = Repository::new(&[("README.md", "Models\n")]);
    let title = "Be answered by another in is_recorded";
    let other = Misbehaviour::Substitute {
        model: "another-model".to_owned(),
    };
    loom.model.turns(title, [done().misbehave(other)]);
    let bead = file(&loom, &repository, title, json!({}));
    loom.until_status(&bead, "closed");
    assert_eq!(
        loom.runs(&bead)[0]["steps"][0]["model_given"],
        "another-model"
    );
}

#[test]
fn i11_a_budget_that_a_call_could_exceed_is_asked_about_before_the_call() {
    let loom = Loom::shared();
    let repository = Repository::new(&[("README.md", "Models\n")]);
    let title = "Cost too much in before_the_call";
    loom.model.turns(title, [done()]);
    let bead = file(
        &loom,
        &repository,
        title,
        json!({"bead_budget_micro_usd": 1}),
    );
    let blocked = loom.until_status(&bead, "blocked");
    assert_eq!(blocked["failed_runs"], 0, "no agent's fault");
    assert_eq!(loom.model.calls_about(title), []);
    let decisions = loom.admin.get(&format!("{}/decisions", bead.path)).ok();
    let kinds: Vec<&Value> = decisions
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["kind"])
        .collect();
    assert_eq!(kinds, ["budget_override"]);
    let told = loom.events_of(&bead);
    assert!(
        told.iter().any(|event| event["type"] == "budget.exceeded"),
        "{told:#?}"
    );
}

#[test]
fn a_key_that_is_refused_is_a_question_to_a_person_and_stops_the_dispatch() {
    let Some(loom) = Loom::own(Options::default()) else {
        return;
    };
    let repository = Repository::new(&[("README.md", "Models\n")]);
    let title = "Be refused in a_question";
    loom.model
        .turns(title, [done().misbehave(Misbehaviour::KeyRejected)]);
    let bead = file(&loom, &repository, title, json!({}));
    loom.until("a decision", &format!("bead_id={}", bead.id), || {
        let decisions = loom.admin.get(&format!("{}/decisions", bead.path)).ok();
        decisions.as_array().unwrap().first().cloned()
    });
    assert_eq!(
        loom.model.calls_about(title).len(),
        1,
        "asking again would not help"
    );
    let refused = loom.bead(&bead);
    assert_eq!(
        (&refused["status"], &refused["failed_runs"]),
        (&json!("open"), &json!(0))
    );
    let provider = loom.admin.get("/api/v1/providers/tokenhub").ok();
    assert_eq!(provider["status"], "failed");
    assert_eq!(loom.tick()["reason"], "no_healthy_provider");
}

#[test]
fn secrets_are_in_no_answer_no_log_and_no_file() {
    let Some(loom) = Loom::own(Options::default()) else {
        return;
    };
    let repository = Repository::new(&[("README.md", "Models\n")]);
    let title = "Work and fail in secrets";
    loom.model.turns(
        title,
        [
            Answer::call("read_file", json!({"path": "README.md"})),
            done().misbehave(Misbehaviour::KeyRejected),
        ],
    );
    let bead = file(&loom, &repository, title, json!({}));
    loom.until("the refusal", &format!("bead_id={}", bead.id), || {
        let decisions = loom.admin.get(&format!("{}/decisions", bead.path)).ok();
        decisions.as_array().unwrap().first().cloned()
    });
    let secrets = loom.secrets();
    assert!(secrets.len() >= 4);
    let mut places = 0;
    let mut look = |place: &str, bytes: &[u8]| {
        places += 1;
        for secret in &secrets {
            let found = bytes
                .windows(secret.len())
                .any(|window| window == secret.as_bytes());
            assert!(!found, "{secret} is in {place}");
        }
    };
    for path in [
        "/api/v1/events?after=0&limit=1000",
        "/api/v1/providers",
        "/api/v1/system/status",
        &format!("{}/runs", bead.path),
        &format!("{}/conversation", bead.path),
    ] {
        look(path, &loom.admin.get(path).body);
    }
    let mut folders = vec![loom.state().unwrap().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                // A file that is gone meanwhile holds nothing.
                let content = std::fs::read(entry.path()).unwrap_or_default();
                look(&entry.path().display().to_string(), &content);
            }
        }
    }
    assert!(places > 10);
}
