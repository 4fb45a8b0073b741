use std::collections::BTreeSet;

use loom_test_support::{Loom, Repository};
use serde_json::json;

use super::drive::{Journey, project};

/// What the bootstrap from a requirements document takes, whose plan these journeys don't make.
const TAKEN_ELSEWHERE: [&str; 4] = [
    "breakdown.success",
    "build.success",
    "demo.rejected",
    "demo.approved",
];
const WAYS: [&[&str]; 2] = [
    &[
        "expand_prd.failure",
        "expand_prd.timeout",
        "expand_prd.success",
        "ceo_review.approved!",
        "publish_prd.timeout",
        "publish_prd.success",
        "breakdown.timeout",
        "breakdown.failure",
    ],
    &[
        "expand_prd.success",
        "ceo_review.rejected!",
        "expand_prd.success",
        "ceo_review.approved!",
        "publish_prd.failure",
        "expand_prd.success",
        "ceo_review.approved!",
        "publish_prd.success",
    ],
];

#[test]
fn a_bootstrap_takes_every_edge_on_which_something_goes_wrong() {
    let loom = Loom::shared();
    if loom.state().is_none() {
        eprintln!(
            "nothing tested: time limits need a host of one's own, and LOOM_URL names another"
        );
        return;
    }
    let mut taken: BTreeSet<String> = TAKEN_ELSEWHERE.map(str::to_owned).into();
    for (number, way) in WAYS.iter().enumerate() {
        let repository = Repository::new(&[("README.md", "Bootstrap\n")]);
        let project = project(&loom, &repository);
        let title = format!("Begin number {number} in workflows");
        let journey = Journey::begin(&loom, &project, &title, json!({"type": "bootstrap"}), way);
        journey.travel(way);
        let expected: Vec<&str> = way.iter().map(|stop| stop.trim_end_matches('!')).collect();
        assert_eq!(journey.stops(), expected);
        assert_eq!(journey.execution()["node"], "breakdown");
        taken.extend(
            journey
                .history()
                .iter()
                .filter_map(|record| record["edge"].as_str().map(str::to_owned)),
        );
        let reason = json!({"reason": "The rest is looked at elsewhere."});
        loom.admin.post(&journey.path("cancel"), &reason).ok();
        assert_eq!(loom.bead(&journey.bead)["status"], "blocked");
    }
    let workflow = loom
        .admin
        .get("/api/v1/workflows/wf-project-bootstrap")
        .ok();
    for edge in workflow["edges"].as_array().unwrap() {
        let edge = edge["id"].as_str().unwrap();
        assert!(
            edge.starts_with("start.") || taken.contains(edge),
            "{edge} was not taken"
        );
    }
}
