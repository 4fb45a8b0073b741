//! Every request that writes takes effect and its answer is lost, one after the other: the caller gives up each time
//! and makes the same call again.

use loom_github_double::{Fault, FaultKind};
use loom_workspace::{ErrorKind, Operation, Outcome, Verdict, Workspace};

use crate::support::{REPO, World, commit, open_pull, repository, write};

/// The calls of one run, by key.
pub(crate) fn work() -> Vec<(&'static str, Operation)> {
    let large = "x\n".repeat(40 * 1024);
    let review = Operation::Review {
        number: None,
        verdict: Verdict::Comment,
        body: "Read.".into(),
        comments: Vec::new(),
    };
    vec![
        ("r:1", write("a", "1\n")),
        ("r:2", write("large", &large)),
        ("r:3", commit("First")),
        ("r:4", write("a", "2\n")),
        ("r:5", commit("Second")),
        ("r:6", open_pull("T", "B")),
        ("r:7", review),
        ("r:8", Operation::Merge),
    ]
}

/// Makes a call until it is answered, as a run does.
async fn insist(world: &World, key: &str, operation: &Operation) -> Outcome {
    for _ in 0..10 {
        let call = world.call("r", 1, key, operation.clone());
        match world.workspace().perform(call).await {
            Ok(outcome) => return outcome,
            Err(error) => assert_eq!(error.kind, ErrorKind::Unavailable, "{key}: {error:?}"),
        }
    }
    panic!("{key} was never answered");
}

async fn do_all(world: &World) {
    for (key, operation) in work() {
        insist(world, key, &operation).await;
    }
}

pub(crate) fn check(world: &World, shown: &str) {
    let branches = world.github.branches(REPO);
    assert_eq!(branches, ["agent/bd-1/fix-the-sum", "main"], "{shown}");
    let log = world.git(&["log", "--format=%s", "agent/bd-1/fix-the-sum"]);
    assert_eq!(log, "Second\nFirst\nFirst commit\n", "{shown}");
    let main = world.git(&["log", "--format=%s", "main"]);
    assert_eq!(main, "T (#1)\nFirst commit\n", "{shown}");
    assert_eq!(world.github.pulls(REPO).len(), 1, "{shown}");
    let reviews: Vec<_> = world
        .github
        .requests()
        .into_iter()
        .filter(|seen| seen.method == "POST" && seen.path.ends_with("/reviews"))
        .filter(|seen| seen.status == 200 || seen.reply_lost)
        .collect();
    assert_eq!(reviews.len(), 1, "{shown}");
    world.git(&["fsck", "--strict", "--no-dangling"]);
}

#[tokio::test]
async fn whichever_answer_is_lost_there_is_one_commit_one_pull_request_one_review_and_one_merge() {
    let world = World::with(repository().file("a", "0\n")).await;
    do_all(&world).await;
    check(&world, "without faults");
    let writes: Vec<String> = world
        .github
        .requests()
        .into_iter()
        .filter(|seen| seen.method != "GET")
        .map(|seen| format!("{} {}", seen.method, seen.path))
        .collect();
    assert!(writes.len() >= 10, "{writes:?}");
    for (number, request) in writes.iter().enumerate() {
        let method = request.split(' ').next().unwrap();
        let earlier = writes[..number]
            .iter()
            .filter(|other| other.starts_with(method))
            .count();
        for times in [1, 2] {
            let world = World::with(repository().file("a", "0\n")).await;
            let after = u32::try_from(earlier).unwrap();
            let fault = Fault::next(method, "", FaultKind::LoseReply)
                .after(after)
                .times(times);
            world.github.fault(fault);
            do_all(&world).await;
            check(&world, &format!("{times} × {request} (number {number})"));
        }
    }
}

#[tokio::test]
async fn a_request_that_was_dropped_is_made_again() {
    for kind in [FaultKind::Drop, FaultKind::ServerError] {
        let world = World::with(repository().file("a", "0\n")).await;
        for method in ["POST", "PATCH", "PUT"] {
            for after in [0, 2, 4] {
                world
                    .github
                    .fault(Fault::next(method, "", kind.clone()).after(after).times(2));
            }
        }
        do_all(&world).await;
        check(&world, &format!("{kind:?}"));
    }
}
