use loom_test_support::tokenhub::Answer;
use loom_test_support::{Loom, Model, Options, Repository};
use serde_json::{Value, json};

fn provider(loom: &Loom, id: &str) -> Value {
    loom.admin.get(&format!("/api/v1/providers/{id}")).ok()
}

/// Probes what is due until the provider has this status. It is due again at once after each change of the endpoint.
fn until_probed(loom: &Loom, id: &str, status: &str) -> Value {
    let what = format!("provider {id} becomes {status}");
    loom.until(&what, "type=provider.updated", || {
        Some(provider(loom, id)).filter(|provider| provider["status"] == status)
    })
}

#[test]
fn a_provider_that_is_registered_later_is_probed_and_becomes_healthy() {
    let Some(loom) = Loom::own(Options::default()) else {
        return;
    };
    assert_eq!(provider(&loom, "tokenhub")["status"], "healthy");
    let endpoint = format!("{}/v1", loom.model.hub().url());
    let registered = loom.admin.post(
        "/api/v1/providers",
        &json!({"id": "later", "name": "Later", "endpoint": endpoint}),
    );
    assert_eq!(registered.status, 201);
    let healthy = until_probed(&loom, "later", "healthy");
    assert_eq!(healthy["context_window"], 128_000, "as the provider tells");
    let models = loom.admin.get("/api/v1/providers/later/models").ok();
    assert!(models.to_string().contains("scripted"), "{models}");
    loom.admin.delete("/api/v1/providers/later").ok();
}

#[test]
fn without_a_healthy_provider_nothing_is_dispatched_and_when_it_is_back_work_goes_on() {
    let gone = Model::start(|_| ());
    let address = gone.hub().address();
    gone.stop();
    let down = Options::default()
        .variable("tokenhub_url", format!("http://{address}"))
        .unprobed();
    let Some(loom) = Loom::own(down) else { return };
    let repository = Repository::new(&[("README.md", "Providers\n")]);
    let project = loom.project(&repository, &["engineering-manager"], json!({}));
    loom.probe();
    let failed = provider(&loom, "tokenhub");
    assert_eq!(
        (&failed["status"], &failed["failures"]),
        (&json!("failed"), &json!(1))
    );
    assert!(!failed["last_error"].as_str().unwrap().is_empty());

    let title = "Wait for the provider in nothing_is_dispatched";
    let bead = loom.file(&project, title, json!({}));
    let tick = loom.tick();
    assert_eq!(
        (&tick["state"], &tick["reason"]),
        (&json!("parked"), &json!("no_healthy_provider"))
    );
    assert_eq!(loom.bead(&bead)["status"], "open");
    let why = loom.admin.get(&format!("{}/why", bead.path)).ok();
    assert_eq!(
        (&why["ready"], &why["dispatchable"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(why["reasons"][0]["code"], "no_healthy_provider");
    let status = loom.admin.get("/api/v1/system/status").ok();
    assert_eq!(
        (&status["state"], &status["reason"]),
        (&json!("parked"), &json!("no_healthy_provider"))
    );

    // It is back at the same address. A change of its settings has it probed at once, without waiting for its turn.
    let back = Model::start(|config| config.listen = address);
    back.turns(
        title,
        [Answer::call("done", json!({"summary": "It is back."}))],
    );
    let endpoint = format!("http://{address}/v1");
    loom.admin
        .put("/api/v1/providers/tokenhub", &json!({"endpoint": endpoint}))
        .ok();
    until_probed(&loom, "tokenhub", "healthy");
    loom.until_status(&bead, "closed");
    assert_eq!(provider(&loom, "tokenhub")["failures"], 0);
}

#[test]
fn a_provider_that_fails_is_probed_less_and_less_often() {
    let Some(loom) = Loom::own(Options::default().unprobed()) else {
        return;
    };
    let refusing = json!({"id": "refusing", "name": "Refusing", "endpoint": format!("{}/no/such/path", loom.model.hub().url())});
    loom.admin.post("/api/v1/providers", &refusing).ok();
    let failed = until_probed(&loom, "refusing", "failed");
    let wait = |provider: &Value| {
        let at = |field: &str| provider[field].as_str().unwrap().to_owned();
        (at("last_heartbeat_at"), at("next_heartbeat_at"))
    };
    let (last, next) = wait(&failed);
    assert!(next > last, "{failed}");
    // Before its time it is left alone, however often one asks.
    for _ in 0..3 {
        loom.probe();
    }
    assert_eq!(wait(&provider(&loom, "refusing")), (last, next));
}

#[test]
fn a_key_is_not_accepted_where_it_would_be_kept() {
    let loom = Loom::shared();
    let newest = loom.newest();
    let with_key =
        json!({"name": "Keyed", "endpoint": "http://localhost", "api_key": "tokenhub_0123"});
    let reply = loom.admin.post("/api/v1/providers", &with_key);
    reply.refused(422, "invalid_fields");
    assert!(reply.json["fields"]["api_key"].is_string());
    assert!(!String::from_utf8_lossy(&reply.body).contains("tokenhub_0123"));
    let registered = loom
        .admin
        .get(&format!(
            "/api/v1/events?after={newest}&type=provider.registered"
        ))
        .ok();
    assert_eq!(registered["events"], json!([]));
}
