//! What is looked at when the killing is over.

use std::collections::{BTreeMap, BTreeSet};

use loom_test_support::{Filed, Loom, Project, Repository};
use serde_json::{Value, json};

use crate::kills::COMMITS;

/// The beads that are not closed, with their runs.
pub(crate) fn unfinished(loom: &Loom, beads: &[Filed]) -> Value {
    beads
        .iter()
        .map(|bead| (loom.bead(bead), bead))
        .filter(|(now, _)| now["status"] != "closed")
        .map(|(now, bead)| json!({"bead": now, "runs": loom.runs(bead)}))
        .collect()
}

/// How much the kills hurt. Chance decides on it, so it is shown and not asserted.
pub(crate) fn print(loom: &Loom) {
    let requests = loom.model.hub().requests();
    let calls: Vec<_> = requests
        .iter()
        .filter(|seen| seen.path.starts_with("/v1/chat/completions"))
        .collect();
    let replayed = calls.iter().filter(|seen| seen.replayed).count();
    let paid = calls.iter().filter(|seen| seen.paid).count();
    let path = "/api/v1/events?after=0&limit=1000&type=run.requeued";
    let requeued = loom.admin.get(path).ok()["events"]
        .as_array()
        .map_or(0, Vec::len);
    let calls = calls.len();
    eprintln!(
        "{requeued} times a run was taken over; of {calls} model calls {paid} were paid, {replayed} replayed, \
         and the others broke off"
    );
}

/// Every bead was closed by one run, whose steps are numbered without a gap, each with one result an action.
pub(crate) fn of_work(loom: &Loom, beads: &[Filed]) {
    for bead in beads {
        let closed = loom.bead(bead);
        let how = (
            &closed["status"],
            &closed["close_reason"],
            &closed["dispatch_count"],
        );
        assert_eq!(
            how,
            (&json!("closed"), &json!("done"), &json!(1)),
            "{closed:#}"
        );
        let runs = loom.runs(bead);
        assert_eq!(runs.len(), 1, "{runs:#?}");
        assert_eq!(runs[0]["run"]["status"], "succeeded", "{runs:#?}");
        let mut commits = 0;
        for (index, step) in runs[0]["steps"].as_array().unwrap().iter().enumerate() {
            assert_eq!(
                (&step["number"], &step["status"]),
                (&json!(index + 1), &json!("ended"))
            );
            for (position, action) in step["actions"].as_array().unwrap().iter().enumerate() {
                let what = (&action["position"], &action["status"]);
                assert_eq!(what, (&json!(position), &json!("ok")), "{action:#}");
                commits += usize::from(action["name"] == "git_commit");
            }
        }
        assert_eq!(commits, COMMITS);
    }
}

/// Every journalled reply was paid once, and nothing else was; what was reserved for calls that died is free again.
pub(crate) fn of_money(loom: &Loom, project: &Project, beads: &[Filed]) {
    let mut journalled = BTreeSet::new();
    let mut cost = 0;
    for bead in beads {
        for run in loom.runs(bead) {
            let id = run["run"]["id"].as_str().unwrap();
            for step in run["steps"].as_array().unwrap() {
                journalled.insert(format!("{id}:{}:0", step["number"]));
                cost += step["cost_micro_usd"].as_i64().unwrap();
            }
        }
    }
    let mut paid: BTreeMap<String, u32> = BTreeMap::new();
    for entry in loom.model.hub().ledger() {
        *paid.entry(entry.idempotency_key).or_default() += 1;
    }
    let expected: BTreeMap<String, u32> = journalled.into_iter().map(|key| (key, 1)).collect();
    assert_eq!(paid, expected);
    let state = loom
        .admin
        .get(&format!("/api/v1/projects/{}/state", project.id))
        .ok();
    let budget = &state["budget"];
    let balance = (&budget["spent_micro_usd"], &budget["reserved_micro_usd"]);
    assert_eq!(balance, (&json!(cost), &json!(0)));
}

/// Every commit is on `main` once, every bead was merged once, and the repository is whole.
pub(crate) fn of_commits(repository: &Repository, beads: &[Filed]) {
    let steps = repository.trailers("Step");
    let distinct: BTreeSet<&String> = steps.iter().collect();
    assert_eq!(
        distinct.len(),
        steps.len(),
        "a key was used for two commits"
    );
    let mut of_beads: BTreeMap<String, usize> = BTreeMap::new();
    for bead in repository.trailers("Bead") {
        *of_beads.entry(bead).or_default() += 1;
    }
    let expected: BTreeMap<String, usize> = beads
        .iter()
        .map(|bead| (bead.id.clone(), COMMITS + 1))
        .collect();
    assert_eq!(of_beads, expected, "its commits and its merge");
    let merges = repository.git(&["rev-list", "--count", "--merges", "main"]);
    assert_eq!(merges, beads.len().to_string());
    let files = repository.git(&["ls-tree", "--name-only", "main:work"]);
    assert_eq!(files.lines().count(), beads.len() * COMMITS);
    assert_eq!(
        repository.git(&["status", "--porcelain"]),
        "",
        "the checkout follows"
    );
    repository.git(&["fsck", "--strict"]);
}

/// The log of events has no gap.
pub(crate) fn of_events(loom: &Loom) {
    let newest = loom.newest();
    let mut expected = 1;
    while expected <= newest {
        let path = format!("/api/v1/events?limit=1000&after={}", expected - 1);
        let page = loom.admin.get(&path).ok();
        for event in page["events"].as_array().unwrap() {
            assert_eq!(event["sequence"], expected);
            expected += 1;
        }
    }
}
