//! Actions runs that execute something.

use loom_github_double::{FileSpec, NewRepository};
use serde_json::json;

use crate::PATIENCE;
use crate::api::{SHOP, shop_of, sound};

const TEST: &str = "import unittest\nimport till\n\nclass TestTill(unittest.TestCase):\n    def test_total(self):\n        self.assertEqual(till.total([1, 2]), 3)\n";
const RIGHT: &str = "def total(prices):\n    return sum(prices)\n";
const WRONG: &str = "def total(prices):\n    return 0\n";

fn tested() -> NewRepository {
    NewRepository::new("acme", "shop")
        .file("till.py", RIGHT)
        .file("test_till.py", TEST)
        .tested_by(&["python3", "-m", "unittest", "-v"])
}

#[test]
fn a_push_is_tested_for_real() {
    let (github, api) = shop_of(&tested());
    for (branch, code, conclusion, line) in [
        ("agent/bad", WRONG, "failure", "AssertionError: 0 != 3"),
        ("agent/good", &format!("{RIGHT}# better\n"), "success", "OK"),
    ] {
        let file = FileSpec::text("till.py", code);
        let sha = github.commit("acme/shop", branch, "ada", "Change", &[file]);
        assert!(github.settle(PATIENCE));
        let runs = api
            .get(&format!("{SHOP}/actions/runs?head_sha={sha}&event=push"))
            .with(200);
        assert_eq!(runs["total_count"], 1);
        let run = &runs["workflow_runs"][0];
        assert_eq!(
            (&run["status"], &run["conclusion"]),
            (&json!("completed"), &json!(conclusion))
        );
        assert_eq!(run["head_branch"], branch);
        let jobs = api
            .get(&format!("{SHOP}/actions/runs/{}/jobs", run["id"]))
            .with(200);
        let logs = api.get(&format!(
            "{SHOP}/actions/jobs/{}/logs",
            jobs["jobs"][0]["id"]
        ));
        assert_eq!(logs.status, 302);
        let job = &jobs["jobs"][0]["id"];
        let job = api.get(&format!("{SHOP}/actions/jobs/{job}")).with(200);
        assert_eq!(job["conclusion"], conclusion);
        let text = api.get(logs.header("location").strip_prefix(&github.url()).unwrap());
        let text = String::from_utf8(text.body).unwrap();
        assert!(text.contains(line), "{text}");
        let checks = api
            .get(&format!("{SHOP}/commits/{sha}/check-runs"))
            .with(200);
        assert_eq!(checks["check_runs"][0]["conclusion"], conclusion);
        assert_eq!(checks["check_runs"][0]["app"]["slug"], "github-actions");
        let id = &checks["check_runs"][0]["id"];
        api.get(&format!("{SHOP}/check-runs/{id}")).with(200);
        let suites = api
            .get(&format!("{SHOP}/commits/{branch}/check-suites"))
            .with(200);
        assert_eq!(suites["check_suites"][0]["conclusion"], conclusion);
    }
    sound(&github);
}

#[test]
fn runs_are_dispatched_and_repeated() {
    let (github, api) = shop_of(&tested());
    let url = format!("{SHOP}/actions/workflows/test.yml/dispatches");
    assert_eq!(api.post(&url, json!({"ref": "main"})).status, 204);
    assert!(github.settle(PATIENCE));
    let runs = api
        .get(&format!(
            "{SHOP}/actions/runs?event=workflow_dispatch&branch=main"
        ))
        .with(200);
    let id = runs["workflow_runs"][0]["id"].clone();
    github.set_test_command("acme/shop", &["false"]);
    assert_eq!(
        api.post(&format!("{SHOP}/actions/runs/{id}/rerun"), json!({}))
            .status,
        201
    );
    assert!(github.settle(PATIENCE));
    let run = api.get(&format!("{SHOP}/actions/runs/{id}")).with(200);
    assert_eq!(
        (&run["run_attempt"], &run["conclusion"]),
        (&json!(2), &json!("success")),
        "it repeats what it did"
    );
    let jobs = api
        .get(&format!("{SHOP}/actions/runs/{id}/jobs?filter=all"))
        .with(200);
    assert_eq!(jobs["total_count"], 2);
    api.post(
        &format!("{SHOP}/actions/workflows/nothing.yml/dispatches"),
        json!({"ref": "main"}),
    )
    .with(404);
    assert_eq!(
        api.post(&url, json!({"ref": "nothing"})).error(422),
        "No ref found for: nothing"
    );
}

#[test]
fn a_run_waits_for_its_runner_and_has_a_limit() {
    let mut repository = tested();
    repository.test_command = Some(vec![String::from("sleep"), String::from("600")]);
    repository.test_limit_seconds = 1;
    let (github, api) = shop_of(&repository);
    github.set_runner(false);
    let sha = github.commit("acme/shop", "agent/slow", "ada", "Slow", &[]);
    assert!(github.settle(PATIENCE));
    let status = || {
        let runs = api
            .get(&format!("{SHOP}/actions/runs?head_sha={sha}"))
            .with(200);
        runs["workflow_runs"][0].clone()
    };
    assert_eq!(status()["status"], "queued");
    let pending = api
        .get(&format!("{SHOP}/commits/{sha}/check-runs"))
        .with(200);
    assert_eq!(pending["check_runs"][0]["conclusion"], json!(null));
    github.set_runner(true);
    assert!(github.settle(PATIENCE));
    assert_eq!(status()["conclusion"], "timed_out");
}

#[test]
fn without_a_command_the_files_own_lines_run() {
    let workflow = "on: [push]\njobs:\n  one:\n    steps:\n      - run: |\n          echo \"on $GITHUB_REF_NAME\"\n          test -f till.py\n";
    let repository = NewRepository::new("acme", "shop")
        .file("till.py", RIGHT)
        .file(".github/workflows/ci.yml", workflow);
    let (github, api) = shop_of(&repository);
    let sha = github.commit("acme/shop", "agent/one", "ada", "One", &[]);
    assert!(github.settle(PATIENCE));
    let run = github.runs("acme/shop").pop().unwrap();
    assert_eq!(
        (run.sha.as_str(), run.conclusion.as_deref()),
        (sha.as_str(), Some("success"))
    );
    assert!(run.log.contains("on agent/one"), "{}", run.log);
    let url = format!("{SHOP}/actions/workflows/ci.yml/dispatches");
    assert_eq!(
        api.post(&url, json!({"ref": "main"})).error(422),
        "Workflow does not have 'workflow_dispatch' trigger"
    );
}

#[test]
fn statuses_are_combined() {
    let (github, api) = shop_of(&tested());
    let sha = github.branch("acme/shop", "main").unwrap();
    let url = format!("{SHOP}/statuses/{sha}");
    let combined = || api.get(&format!("{SHOP}/commits/main/status")).with(200)["state"].clone();
    assert_eq!(combined(), "pending");
    api.post(&url, json!({"state": "failure", "context": "lint"}))
        .with(201);
    api.post(
        &url,
        json!({"state": "success", "context": "build", "target_url": "https://example.com/1"}),
    )
    .with(201);
    assert_eq!(combined(), "failure");
    api.post(
        &url,
        json!({"state": "success", "context": "lint", "description": "fixed"}),
    )
    .with(201);
    assert_eq!(combined(), "success");
    api.post(&url, json!({"state": "great"})).with(422);
    let all = api.get(&format!("{SHOP}/commits/main/statuses")).with(200);
    assert_eq!(all.as_array().unwrap().len(), 3);
}
