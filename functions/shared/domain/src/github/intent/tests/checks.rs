//! What the ends of checks ask for.

use super::*;

#[test]
fn checks_are_results_whoever_caused_them_and_one_event_tells_of_a_broken_branch() {
    for (event, over, builds) in [
        ("workflow_run", json!({}), 1),
        ("workflow_run", json!({"conclusion": "success"}), 1),
        ("workflow_run", json!({"conclusion": "cancelled"}), 0),
        (
            "workflow_run",
            json!({"head_branch": "agent/bd-12345/x"}),
            0,
        ),
        ("workflow_run", json!({"event": "pull_request"}), 0),
        (
            "workflow_run",
            json!({"head_repository": {"full_name": "mallory/widget"}}),
            0,
        ),
        ("check_run", json!({}), 1),
        ("check_run", json!({"app": {"slug": "github-actions"}}), 0),
        (
            "check_run",
            json!({"check_suite": {"head_branch": null}}),
            0,
        ),
        ("check_suite", json!({}), 0),
    ] {
        let intents = intents(event, &checks(event, over.clone()));
        let Intent::ChecksEnded(ended) = &intents[0] else {
            panic!("{intents:?}");
        };
        assert_eq!(ended.sha, SHA);
        assert_eq!(intents.len() - 1, builds, "{event} {over}");
    }
}

#[test]
fn a_status_is_a_result_once_it_is_one() {
    let status = |state: &str, branch: &str| {
        merged(
            from("ci[bot]", "Bot"),
            json!({"sha": SHA, "state": state, "context": "ci/x", "branches": [{"name": branch}],
                "updated_at": "2026-11-24T10:00:00Z"}),
        )
    };
    assert_eq!(intents("status", &status("pending", "main")), []);
    assert_eq!(intents("status", &status("error", "topic")).len(), 1);
    let all = intents("status", &status("error", "main"));
    let Intent::Build(build) = &all[1] else {
        panic!("{all:?}");
    };
    assert_eq!((build.name.as_str(), build.passed), ("ci/x", false));
}
