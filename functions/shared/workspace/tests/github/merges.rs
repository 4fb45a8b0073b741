use loom_domain::github::MergeMethod;
use loom_github_double::{NewRepository, Permission};
use loom_workspace::{Operation, Outcome, Workspace};
use serde_json::Value;

use crate::support::{PATIENCE, REPO, World, open_pull, repository, write};

const CI: &str =
    "on: push\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps:\n      - run: sh test.sh\n";

fn files() -> NewRepository {
    repository().file("a", "1\n2\n3\n4\n5\n").file("b", "b\n")
}

#[tokio::test]
async fn a_branch_is_merged_by_the_method_of_the_project() {
    for method in [MergeMethod::Squash, MergeMethod::Merge, MergeMethod::Rebase] {
        let mut world = World::with(files()).await;
        world.settings(|settings| settings.merge_method = method);
        world.change("r", "a", "1\n").await;
        world.change("r", "b", "B\n").await;
        let before = world.github.branch(REPO, "main").unwrap();
        let call = || world.call("r", 1, "r:9:0", Operation::Merge);
        let first = world.workspace().perform(call()).await.unwrap();
        let Outcome::Merged { commit, branch } = &first else {
            panic!("{first:?}")
        };
        assert_eq!(branch, "main");
        assert_eq!(
            world.github.branch(REPO, "main").as_deref(),
            Some(commit.as_str())
        );
        assert_eq!(world.workspace().perform(call()).await.unwrap(), first);
        // Another call finds it done.
        assert_eq!(world.perform("r", Operation::Merge).await, first);
        let commits = world.git(&[
            "rev-list",
            "--count",
            "--first-parent",
            &format!("{before}..main"),
        ]);
        let expected = if method == MergeMethod::Rebase {
            "2"
        } else {
            "1"
        };
        assert_eq!(commits.trim(), expected, "{method:?}");
        assert_eq!(world.git(&["show", "main:b"]), "B\n");
        if method == MergeMethod::Squash {
            let log = world.git(&["log", "-1", "--format=%B", "main"]);
            assert!(log.starts_with("Fix the sum (#1)\n"), "{log}");
            assert!(
                log.contains("\nBead: bd-1\nAgent: Ada\nRun: r\nStep: r:9:0"),
                "{log}"
            );
        }
        assert_eq!(world.github.pulls(REPO).len(), 1);
        world.git(&["fsck", "--strict", "--no-dangling"]);
    }
}

#[tokio::test]
async fn checks_come_before_a_merge() {
    let world = World::with(
        files()
            .file(".github/workflows/ci.yml", CI)
            .file("test.sh", "exit 1\n"),
    )
    .await;
    world.github.set_runner(false);
    let commit = world.change("r", "a", "1\n").await;
    let waiting = world.perform("r", Operation::Merge).await;
    assert!(
        matches!(&waiting, Outcome::Awaiting { commit: c, .. } if *c == commit),
        "{waiting:?}"
    );
    world.github.set_runner(true);
    assert!(world.github.settle(PATIENCE));
    let error = world.refused("r", Operation::Merge).await;
    assert_eq!(error.code, "merge_tests_failed");
    assert!(error.message.contains("test: failure"), "{}", error.message);
    world.change("r", "test.sh", "exit 0\n").await;
    assert!(world.github.settle(PATIENCE));
    world.perform("r", Operation::Merge).await;
}

#[tokio::test]
async fn approvals_of_people_who_may_write_come_before_a_merge() {
    let mut world = World::with(files()).await;
    world.settings(|settings| settings.required_approvals = 1);
    for (login, permission) in [("grace", Permission::Write), ("eve", Permission::Read)] {
        world.github.allow(REPO, login, permission);
    }
    world.change("r", "a", "1\n").await;
    let Outcome::PullRequest { number, .. } = world.perform("r", open_pull("T", "B")).await else {
        panic!()
    };
    let says = |login: &str, event: &str| {
        world
            .github
            .review(REPO, login, number, event, "So.", &Value::Null);
    };
    says("eve", "APPROVE");
    let error = world.refused("r", Operation::Merge).await;
    assert_eq!(error.code, "not_mergeable");
    assert!(error.message.contains("0 of 1"), "{}", error.message);
    says("grace", "REQUEST_CHANGES");
    let error = world.refused("r", Operation::Merge).await;
    assert!(
        error.message.contains("grace has asked for changes"),
        "{}",
        error.message
    );
    says("grace", "APPROVE");
    world.perform("r", Operation::Merge).await;
}

#[tokio::test]
async fn a_conflict_with_the_base_branch_is_resolved_in_the_working_copy() {
    let world = World::with(files()).await;
    world.change("r", "a", "1\n2\ndrei\n4\n5\n").await;
    world.change("r", "mine", "m").await;
    let base = world.push(
        "main",
        &[("a", "1\n2\ntrois\n4\n5\n"), ("b", "B\n"), ("theirs", "t")],
    );
    let error = world.refused("r", Operation::Merge).await;
    assert_eq!(error.code, "merge_conflict");
    assert_eq!(error.details["files"], serde_json::json!(["a"]));
    assert!(
        world
            .content("r", "a")
            .await
            .contains("drei\n=======\ntrois\n")
    );
    assert_eq!(world.content("r", "b").await, "B\n");
    assert_eq!(
        world.refused("r", Operation::Merge).await.code,
        "merge_conflict"
    );
    world.perform("r", write("a", "1\n2\n3\n4\n5\n")).await;
    let resolved = world.commit("r").await;
    let parents = world.git(&["log", "-1", "--format=%P", &resolved]);
    assert_eq!(parents.split_whitespace().nth(1), Some(base.as_str()));
    let diff = world.text("r", Operation::Diff).await;
    assert!(
        diff.contains("a/a b/a") && diff.contains("b/mine") && !diff.contains("theirs"),
        "{diff}"
    );
    world.perform("r", Operation::Merge).await;
    for (path, content) in [
        ("a", "1\n2\n3\n4\n5\n"),
        ("b", "B\n"),
        ("mine", "m"),
        ("theirs", "t"),
    ] {
        assert_eq!(world.git(&["show", &format!("main:{path}")]), content);
    }
    world.git(&["fsck", "--strict", "--no-dangling"]);
}

#[tokio::test]
async fn what_can_not_be_merged_is_refused() {
    let world = World::with(files()).await;
    assert_eq!(
        world.refused("r", Operation::Merge).await.code,
        "nothing_to_merge"
    );
    world.perform("r", write("a", "x")).await;
    assert_eq!(
        world.refused("r", Operation::Merge).await.code,
        "uncommitted_changes"
    );
    world.commit("r").await;
    world.perform("r", open_pull("T", "B")).await;
    let branch = world.branch("r").await;
    let theirs = world.push(&branch, &[("b", "theirs")]);
    assert_eq!(
        world.refused("r", Operation::Merge).await.code,
        "branch_moved"
    );
    assert_eq!(world.content("r", "b").await, "theirs");
    world
        .github
        .edit_issue(REPO, "grace", 1, &serde_json::json!({"state": "closed"}));
    let error = world.refused("r", Operation::Merge).await;
    assert_eq!(error.code, "not_mergeable");
    assert!(error.message.contains("closed"), "{}", error.message);
    world
        .github
        .edit_issue(REPO, "grace", 1, &serde_json::json!({"state": "open"}));
    world.github.forbid_merges(REPO, &["squash"]);
    assert_eq!(
        world.refused("r", Operation::Merge).await.code,
        "not_mergeable"
    );
    world.github.forbid_merges(REPO, &[]);
    world.perform("r", Operation::Merge).await;
    assert_eq!(
        world.git(&["log", "--format=%H", &branch, "-1"]).trim(),
        theirs
    );
}

#[tokio::test]
async fn what_is_over_is_not_proposed_again() {
    let world = World::with(files()).await;
    world.change("r", "a", "1\n").await;
    let branch = world.branch("r").await;
    let merged = world.perform("r", Operation::Merge).await;
    let go_on = async |key: &str, operation| {
        let mut call = world.call("r2", 1, key, operation);
        call.run.continues = Some(branch.clone());
        world.workspace().perform(call).await
    };
    assert_eq!(go_on("k1", Operation::Merge).await.unwrap(), merged);
    let open = go_on("k2", open_pull("T", "B")).await.unwrap();
    assert!(
        matches!(
            open,
            Outcome::PullRequest {
                number: 1,
                created: false,
                ..
            }
        ),
        "{open:?}"
    );
    assert_eq!(world.github.pulls(REPO).len(), 1);
    // New work on the same branch is something new.
    go_on("k3", write("b", "new\n")).await.unwrap();
    let commit = Operation::Commit {
        message: "More".into(),
    };
    go_on("k4", commit).await.unwrap();
    let open = go_on("k5", open_pull("T2", "B")).await.unwrap();
    assert!(
        matches!(
            open,
            Outcome::PullRequest {
                number: 2,
                created: true,
                ..
            }
        ),
        "{open:?}"
    );
    let closed = serde_json::json!({"state": "closed"});
    world.github.edit_issue(REPO, "grace", 2, &closed);
    let error = go_on("k6", open_pull("T3", "B")).await.unwrap_err();
    assert_eq!(error.code, "pull_request_closed");
}
