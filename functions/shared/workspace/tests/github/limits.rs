use loom_github_double::{Fault, FaultKind};
use loom_platform::{Clock, Platform};
use loom_workspace::{ErrorKind, Operation, Workspace};

use crate::support::{World, commit, read, repository, write};

#[tokio::test]
async fn a_limit_says_when_the_same_call_may_be_made_again() {
    for (kind, seconds) in [
        (
            FaultKind::SecondaryLimit {
                status: 403,
                retry_after: Some(120),
            },
            120,
        ),
        (
            FaultKind::SecondaryLimit {
                status: 429,
                retry_after: Some(90),
            },
            90,
        ),
        (FaultKind::PrimaryLimit { reset_seconds: 600 }, 600),
    ] {
        let world = World::with(repository().file("a", "1")).await;
        world.perform("r", write("a", "2")).await;
        let before = world.platform.clock().now();
        world.github.fault(Fault::next("POST", "", kind.clone()));
        let call = || world.call("r", 1, "r:3", commit("x"));
        let error = world.workspace().perform(call()).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unavailable);
        assert_eq!(error.code, "github_rate_limited");
        let wait = error.retry_at.unwrap() - before;
        // GitHub's times are whole seconds, and the double's clock may be a little ahead.
        assert!(wait >= (seconds - 2) * 1000, "{kind:?}: {wait}");
    }
}

#[tokio::test]
async fn access_that_is_missing_is_said_and_not_waited_for() {
    let world = World::with(repository().file("a", "1")).await;
    world
        .github
        .fault(Fault::next("GET", "", FaultKind::Status(401)).times(9));
    let error = world.refused("r", Operation::Open).await;
    assert_eq!(error.code, "github_unauthorized");
    world.github.clear_faults();
    world.platform.variables().set("github_token", "");
    let error = world.refused("r2", read("a")).await;
    assert_eq!(error.code, "github_not_configured");
}
