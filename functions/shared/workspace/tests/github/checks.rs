use loom_domain::github::Checks;
use loom_workspace::{Operation, Outcome, Workspace};

use crate::support::{PATIENCE, REPO, World, repository, write};

const ON_PUSH: &str = "name: CI\non: push\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps:\n      - run: sh test.sh\n";
const BY_HAND: &str = "name: CI\non: workflow_dispatch\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps:\n      - run: sh test.sh\n";

async fn world(workflow: &str) -> World {
    World::with(
        repository()
            .file(".github/workflows/ci.yml", workflow)
            .file("test.sh", "echo all is well\n"),
    )
    .await
}

fn test() -> Operation {
    Operation::Test { filter: None }
}

#[tokio::test]
async fn a_test_waits_for_the_checks_and_the_same_call_has_their_result() {
    let world = world(ON_PUSH).await;
    world.github.set_runner(false);
    let commit = world
        .change("r", "test.sh", "echo it is $((1 + 1)); exit 1\n")
        .await;
    let call = || world.call("r", 1, "r:9:0", test());
    let waiting = world.workspace().perform(call()).await.unwrap();
    let Outcome::Awaiting {
        commit: awaited,
        what,
    } = waiting
    else {
        panic!("{waiting:?}")
    };
    assert_eq!(awaited, commit);
    assert!(what.contains("test"), "{what}");
    world.github.set_runner(true);
    assert!(world.github.settle(PATIENCE));
    let over = world.workspace().perform(call()).await.unwrap();
    let Outcome::Command {
        exit_code, output, ..
    } = &over
    else {
        panic!("{over:?}")
    };
    assert_eq!(*exit_code, Some(1));
    assert!(output.contains("test: failure"), "{output}");
    assert!(output.contains("it is 2"), "{output}");
    let checks = Operation::Checks {
        commit: Some(commit),
    };
    assert_eq!(world.perform("r", checks).await, over.clone());
    world.change("r", "test.sh", "echo fine\n").await;
    assert!(world.github.settle(PATIENCE));
    let over = world.perform("r", Operation::Build).await;
    assert!(
        matches!(
            over,
            Outcome::Command {
                exit_code: Some(0),
                ..
            }
        ),
        "{over:?}"
    );
    // The first call keeps its answer.
    let again = world.workspace().perform(call()).await.unwrap();
    assert!(
        matches!(
            again,
            Outcome::Command {
                exit_code: Some(1),
                ..
            }
        ),
        "{again:?}"
    );
}

#[tokio::test]
async fn a_workflow_that_is_started_by_hand_is_started_once() {
    let mut world = world(BY_HAND).await;
    world.settings(|settings| {
        settings.checks = Checks::Dispatch {
            workflow: "ci.yml".into(),
        };
    });
    world.github.set_runner(false);
    let commit = world.change("r", "a", "1").await;
    for operation in [Operation::Build, test(), Operation::Lint, Operation::Merge] {
        let waiting = world.perform("r", operation).await;
        assert!(
            matches!(&waiting, Outcome::Awaiting { commit: c, .. } if *c == commit),
            "{waiting:?}"
        );
    }
    world.github.set_runner(true);
    assert!(world.github.settle(PATIENCE));
    assert_eq!(world.github.runs(REPO).len(), 1);
    let over = world.perform("r", test()).await;
    assert!(
        matches!(
            over,
            Outcome::Command {
                exit_code: Some(0),
                ..
            }
        ),
        "{over:?}"
    );
}

#[tokio::test]
async fn what_can_not_be_checked_is_refused_with_what_to_do() {
    let mut world = World::with(repository().file("a", "1")).await;
    world.perform("r", write("a", "2")).await;
    assert_eq!(world.refused("r", test()).await.code, "uncommitted_changes");
    world.commit("r").await;
    let error = world.refused("r", test()).await;
    assert_eq!(error.code, "no_checks");
    assert!(
        error.message.contains(".github/workflows"),
        "{}",
        error.message
    );
    world.settings(|settings| {
        settings.checks = Checks::Dispatch {
            workflow: "none.yml".into(),
        };
    });
    let error = world.refused("r", test()).await;
    assert_eq!(error.code, "no_checks");
    assert!(error.message.contains("none.yml"), "{}", error.message);
    let checks = Operation::Checks {
        commit: Some("../main".into()),
    };
    assert_eq!(world.refused("r", checks).await.code, "invalid_commit");
}

#[tokio::test]
async fn statuses_of_other_programs_count() {
    let world = World::with(repository().file("a", "1")).await;
    let commit = world.change("r", "a", "2").await;
    world
        .github
        .status(REPO, "jenkins", &commit, "ci/build", "pending");
    let waiting = world.perform("r", test()).await;
    assert!(
        matches!(&waiting, Outcome::Awaiting { what, .. } if what.contains("ci/build")),
        "{waiting:?}"
    );
    world
        .github
        .status(REPO, "jenkins", &commit, "ci/build", "failure");
    let over = world.perform("r", test()).await;
    assert!(
        matches!(
            &over,
            Outcome::Command {
                exit_code: Some(1),
                ..
            }
        ),
        "{over:?}"
    );
}
