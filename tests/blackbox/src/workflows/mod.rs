//! Beads that travel through workflows: every edge of the shipped ones, and what people can do on the way.

mod bootstrap;
mod drive;
mod ways;

use std::collections::BTreeSet;
use std::sync::Mutex;

use loom_test_support::tokenhub::Answer;
use loom_test_support::{Loom, Repository};
use serde_json::{Value, json};

use drive::{Journey, project};
use ways::{WAYS, Way};

/// How many ways are taken at the same time.
const AT_ONCE: usize = 6;

#[test]
fn every_edge_of_the_shipped_workflows_leads_where_it_should() {
    let loom = Loom::shared();
    if loom.state().is_none() {
        eprintln!(
            "nothing tested: time limits need a host of one's own, and LOOM_URL names another"
        );
        return;
    }
    let taken: Mutex<BTreeSet<(String, String)>> = Mutex::default();
    let left: Mutex<Vec<&Way>> = Mutex::new(WAYS.iter().rev().collect());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let next = left.lock().unwrap().pop();
                    let Some(way) = next else { return };
                    let edges = take(&loom, way);
                    taken.lock().unwrap().extend(edges);
                }
            });
        }
    });
    let taken = taken.into_inner().unwrap();
    let shipped = loom.admin.all("/api/v1/workflows?limit=100");
    let mut seen = 0;
    for workflow in &shipped {
        let id = workflow["id"].as_str().unwrap();
        // An epic is on the way of a bootstrap, and projects define their own.
        let elsewhere = id == "wf-epic";
        if workflow["is_shipped"] != true || elsewhere {
            continue;
        }
        for edge in workflow["edges"].as_array().unwrap() {
            let edge = edge["id"].as_str().unwrap().to_owned();
            // The start is taken by every way; an escalation that leads to the end asks a person instead.
            if edge.starts_with("start.") || edge.ends_with("investigate.escalated") {
                continue;
            }
            seen += 1;
            assert!(
                taken.contains(&(id.to_owned(), edge.clone())),
                "{id}: {edge} was not taken"
            );
        }
    }
    assert!(seen > 50, "only {seen} edges were looked at");
}

/// Takes one way, checks how it ends, and returns the edges that it took.
fn take(loom: &Loom, way: &Way) -> BTreeSet<(String, String)> {
    let repository = Repository::new(&[("README.md", "Workflows\n")]);
    let project = project(loom, &repository);
    let (kind, tag) = way.bead;
    let title = format!("Take the way {} in workflows", way.name);
    let fields = json!({"type": kind, "tags": tag.into_iter().collect::<Vec<_>>()});
    let journey = Journey::begin(loom, &project, &title, fields, way.stops);
    journey.travel(way.stops);
    let ended = journey.until("the execution ends", || {
        Some(journey.execution()).filter(|execution| execution["ended_at"].is_string())
    });
    let expected: Vec<String> = way
        .stops
        .iter()
        .filter(|stop| !stop.starts_with('?'))
        .map(|stop| stop.trim_end_matches('!').to_owned())
        .collect();
    assert_eq!(journey.stops(), expected, "{}", way.name);
    let bead = loom.bead(&journey.bead);
    let (status, reason) = way.ends;
    assert_eq!(bead["status"], status, "{}", way.name);
    let said = bead["close_reason"].as_str().unwrap();
    assert!(said.starts_with(reason), "{}: {said}", way.name);
    assert_eq!(bead["execution_id"], Value::Null, "{}", way.name);
    assert_eq!(bead["open_decisions"], 0, "{}", way.name);
    judged_by_others(loom, &journey, way.name);
    // What was committed at one stage is handed over by a later one, and nothing else is.
    let committed = way.stops.iter().any(|stop| {
        stop.ends_with("success") && (stop.starts_with("commit") && way.ends.1 == "done")
    });
    let merges = repository.git(&["log", "--merges", "--format=%s", "main"]);
    assert_eq!(!merges.is_empty(), committed, "{}: {merges}", way.name);
    let workflow = ended["workflow_id"].as_str().unwrap().to_owned();
    journey
        .history()
        .iter()
        .filter_map(|record| record["edge"].as_str())
        .map(|edge| (workflow.clone(), edge.to_owned()))
        .collect()
}

/// Nobody said yes or no to what they had done themselves.
fn judged_by_others(loom: &Loom, journey: &Journey<'_>, name: &str) {
    let mut author = None;
    for record in journey.history() {
        let agent = record["agent_id"].as_str().map(str::to_owned);
        let outcome = record["outcome"].as_str().unwrap_or_default();
        match outcome {
            "approved" | "rejected" if agent.is_some() => {
                assert_ne!(agent, author, "{name}: {record}");
            }
            "success" | "failure" if agent.is_some() => author = agent,
            _ => {}
        }
    }
    // Every run of the bead has ended.
    for run in loom.runs(&journey.bead) {
        assert!(run["run"]["ended_at"].is_string(), "{name}: {run}");
    }
}

#[test]
fn a_node_says_to_its_agent_what_is_to_be_done_and_what_came_before() {
    let loom = Loom::shared();
    let repository = Repository::new(&[("README.md", "Workflows\n")]);
    let project = project(&loom, &repository);
    let title = "Tell each stage what it is about in workflows";
    let way = [
        "investigate.success",
        "pm_review.rejected",
        "investigate.success",
        "pm_review.approved",
        "apply_fix.success",
        "commit_and_push.success",
    ];
    let journey = Journey::begin(&loom, &project, title, json!({"type": "bug"}), &way);
    journey.travel(&way);
    loom.until_status(&journey.bead, "closed");
    let told: Vec<String> = loom
        .model
        .calls_about(title)
        .iter()
        .map(|call| String::from_utf8_lossy(&call.body).into_owned())
        .collect();
    assert_eq!(told.len(), way.len(), "one call a stage");
    assert!(told[0].contains("Find out why this fault happens"));
    assert!(
        told[0].contains("A cause without evidence is a guess"),
        "the hint"
    );
    assert!(told[1].contains("investigate came to success"));
    assert!(
        told[2].contains("pm_review is not right."),
        "what is to be mended"
    );
    assert!(told[4].contains("pm_review looks right."));
    // Only who judges is given the words for it.
    let tools = |told: &str, name: &str| told.contains(&format!("\"name\":\"{name}\""));
    assert!(tools(&told[1], "approve") && tools(&told[1], "reject"));
    let commit = repository.git(&["log", "--format=%s", "main"]);
    assert!(commit.contains("Work at apply_fix"), "{commit}");
}

#[test]
fn an_outcome_that_is_none_of_the_nodes_is_refused_and_the_run_goes_on() {
    let loom = Loom::shared();
    let repository = Repository::new(&[("README.md", "Workflows\n")]);
    let project = project(&loom, &repository);
    let title = "Approve where nothing is to be approved in workflows";
    let answers = [
        ("close_bead", json!({"reason": "I am sure."})),
        ("approve", json!({})),
    ];
    loom.model
        .script(title, move |seen| match answers.get(seen.turn) {
            Some((name, arguments)) => Answer::call(*name, arguments.clone()),
            None => Answer::call(
                "done",
                json!({"summary": "It cannot be done.", "outcome": "failure"}),
            ),
        });
    let fields = json!({"type": "self-improvement"});
    let bead = loom.file(&project, title, fields);
    let closed = loom.until_status(&bead, "closed");
    assert!(
        closed["close_reason"]
            .as_str()
            .unwrap()
            .starts_with("workflow_failed")
    );
    let runs = loom.runs(&bead);
    assert_eq!(runs.len(), 1);
    let codes: Vec<&str> = runs[0]["steps"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|step| step["actions"][0]["code"].as_str())
        .collect();
    assert_eq!(codes, ["outcome_not_of_node", "outcome_not_of_node"]);
}

#[test]
fn people_steer_an_execution_and_an_ended_one_refuses() {
    let loom = Loom::shared();
    let repository = Repository::new(&[("README.md", "Workflows\n")]);
    let project = project(&loom, &repository);
    let title = "Be steered in workflows";
    let way = [
        "pm_plan.escalated",
        "implement.success",
        "commit_and_push.success",
        "qa_verify.approved",
    ];
    let journey = Journey::begin(&loom, &project, title, json!({"type": "feature"}), &way);
    let asked = journey.decision();
    assert_eq!(asked["kind"], "workflow_approval");
    let post = |action: &str, body: Value| loom.admin.post(&journey.path(action), &body);
    let version = journey.execution()["version"].clone();
    post("signal", json!({"name": "nobody-waits"})).refused(409, "signal_not_awaited");
    post("resume", json!({})).refused(409, "execution_not_paused");
    post("restart", json!({"node": "nowhere"})).refused(422, "invalid_fields");
    post("restart", json!({})).refused(422, "invalid_fields");
    let stale = loom
        .admin
        .request("POST", &journey.path("pause"))
        .header("if-match", "\"v99\"")
        .json(&json!({}))
        .send();
    stale.refused(412, "version_conflict");
    assert_eq!(
        journey.execution()["version"],
        version,
        "nothing was changed"
    );
    post("pause", json!({})).ok();
    post("pause", json!({})).refused(409, "execution_paused");
    let path = format!("/api/v1/decisions/{}/decide", asked["id"].as_str().unwrap());
    let late = json!({"decision": "approve", "rationale": "Too late."});
    loom.admin
        .post(&path, &late)
        .refused(409, "already_decided");
    post("restart", json!({"node": "implement"})).ok();
    let closed = loom.until_status(&journey.bead, "closed");
    assert_eq!(closed["close_reason"], "done");
    for (action, body) in [
        ("signal", json!({"name": "x"})),
        ("pause", json!({})),
        ("resume", json!({})),
        ("cancel", json!({})),
    ] {
        post(action, body).refused(409, "execution_ended");
    }
    post("restart", json!({"node": "implement"})).refused(409, "bead_closed");
    let unknown = "/api/v1/workflows/executions/none";
    loom.admin.get(unknown).refused(404, "execution_not_found");
    let start = json!({"bead_id": journey.bead.id, "workflow_id": "wf-bug-default"});
    loom.admin
        .post("/api/v1/workflows/start", &start)
        .refused(409, "bead_closed");
}

#[test]
fn a_cancelled_execution_leaves_its_bead_to_a_person() {
    let loom = Loom::shared();
    let repository = Repository::new(&[("README.md", "Workflows\n")]);
    let project = project(&loom, &repository);
    let title = "Be cancelled in workflows";
    let way = ["pm_plan.escalated"];
    let journey = Journey::begin(&loom, &project, title, json!({"type": "feature"}), &way);
    journey.decision();
    let reason = json!({"reason": "We do something else."});
    let cancelled = loom.admin.post(&journey.path("cancel"), &reason).ok();
    assert_eq!(cancelled["status"], "cancelled");
    let bead = loom.bead(&journey.bead);
    assert_eq!(
        (&bead["status"], &bead["execution_id"]),
        (&json!("blocked"), &Value::Null)
    );
    assert_eq!(bead["open_decisions"], 0, "its question is withdrawn");
    let again = json!({"bead_id": journey.bead.id, "workflow_id": "wf-self-improvement"});
    let started = loom.admin.post("/api/v1/workflows/start", &again).ok();
    assert_eq!(started["node"], "investigate");
    loom.admin.post("/api/v1/workflows/start", &again).code();
}

#[test]
fn a_projects_own_workflow_waits_for_time_and_for_signals() {
    let loom = Loom::shared();
    if loom.state().is_none() {
        eprintln!(
            "nothing tested: time limits need a host of one's own, and LOOM_URL names another"
        );
        return;
    }
    let repository = Repository::new(&[("README.md", "Workflows\n")]);
    let project = project(&loom, &repository);
    let id = format!("wf-release-{}", project.prefix);
    let definition = format!(
        "id: {id}\nname: Release\nworkflow_type: release\nmatch: {{types: [release]}}\nnodes:\n  \
         - {{node_key: soak, node_type: wait, wait: {{timer_minutes: 60}}}}\n  \
         - {{node_key: deployed, node_type: wait, wait: {{signal: deployed}}, timeout_minutes: 600}}\n  \
         - {{node_key: announce, node_type: task, role_required: pm, max_attempts: 1, instructions: Announce it.}}\n\
         edges:\n  - {{to_node_key: soak, condition: success}}\n  \
         - {{from_node_key: soak, to_node_key: deployed, condition: success}}\n  \
         - {{from_node_key: deployed, to_node_key: announce, condition: success}}\n  \
         - {{from_node_key: deployed, condition: timeout}}\n  \
         - {{from_node_key: announce, condition: success}}\n  \
         - {{from_node_key: announce, condition: failure}}\n"
    );
    let body = json!({"project_id": project.id, "definition": definition});
    loom.admin.post("/api/v1/workflows", &body).ok();
    for early in [false, true] {
        let title = format!("Release it, {early}, in workflows");
        let way = ["announce.success"];
        let journey = Journey::begin(&loom, &project, &title, json!({"type": "release"}), &way);
        assert_eq!(loom.bead(&journey.bead)["status"], "blocked");
        let signal = json!({"name": "deployed", "data": {"version": 7}});
        if early {
            loom.admin.post(&journey.path("signal"), &signal).ok();
            assert_eq!(journey.execution()["node"], "soak", "it is kept for later");
        }
        let subject = journey.execution()["id"].as_str().unwrap().to_owned();
        assert_eq!(loom.pass_time(&format!("{subject}:")), Some(1));
        if !early {
            assert_eq!(journey.execution()["node"], "deployed");
            loom.admin.post(&journey.path("signal"), &signal).ok();
        }
        loom.until_status(&journey.bead, "closed");
        assert_eq!(
            journey.stops(),
            ["soak.success", "deployed.success", "announce.success"]
        );
    }
    let graph = loom.admin.get(&format!("/api/v1/workflows/{id}/mermaid"));
    assert_eq!(graph.status, 200);
    let analytics = loom.admin.get("/api/v1/workflows/analytics").ok();
    assert!(analytics["type_counts"]["release"].as_i64().unwrap() >= 2);
    let mut broken = body;
    broken["definition"] =
        json!(definition.replace("role_required: pm", "role_required: astronaut"));
    let refused = loom.admin.post("/api/v1/workflows", &broken);
    let told = refused.json.to_string();
    refused.refused(422, "invalid_workflow");
    assert!(
        told.contains("astronaut") && told.contains("\"line\":8"),
        "{told}"
    );
}

#[test]
fn loom_works_on_itself_in_a_project_that_never_closes() {
    let loom = Loom::shared();
    let repository = Repository::new(&[("README.md", "Loom\n"), ("Cargo.toml", "[workspace]\n")]);
    let team = ["engineering-manager", "qa-engineer", "code-reviewer"];
    let project = loom.project(&repository, &team, json!({"is_perpetual": true}));
    let title = "Find something to improve in workflows";
    let way = [
        "investigate.success",
        "implement.success",
        "verify.approved",
        "review.approved",
        "commit.success",
    ];
    let fields = json!({"tags": ["self-improvement"]});
    let journey = Journey::begin(&loom, &project, title, fields, &way);
    loom.until_status(&journey.bead, "closed");
    assert_eq!(journey.execution()["workflow_id"], "wf-self-improvement");
    assert_eq!(journey.stops(), way);
    let path = format!("/api/v1/projects/{}/close", project.id);
    loom.admin
        .post(&path, &json!({"force": true}))
        .refused(409, "project_is_perpetual");
}
