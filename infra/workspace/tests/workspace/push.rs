use loom_workspace::{Operation, Outcome};

use crate::support::{World, git};

#[tokio::test]
async fn without_a_remote_the_branch_is_published_where_it_is() {
    let world = World::with(&[]).await;
    let commit = world.change("r", "a.txt", "1\n").await;
    let wanted = Outcome::Pushed {
        branch: "agent/bd-r/fix-the-sum".into(),
        commit,
    };
    assert_eq!(world.perform("r", Operation::Push).await, wanted);
}

#[tokio::test]
async fn only_the_runs_branch_is_pushed_and_never_by_force() {
    let world = World::with(&[]).await;
    let remote = world.path().join("remote.git");
    world.git(&["init", "--quiet", "--bare", remote.to_str().unwrap()]);
    world.git(&["remote", "add", "origin", remote.to_str().unwrap()]);
    let commit = world.change("r", "a.txt", "1\n").await;
    world.git(&["branch", "other", "main"]);
    world.git(&["tag", "-a", "-m", "x", "v1", &commit]);
    world.perform("r", Operation::Push).await;
    let refs = git(
        &remote,
        &["for-each-ref", "--format=%(refname) %(objectname)"],
    );
    assert_eq!(refs, format!("refs/heads/agent/bd-r/fix-the-sum {commit}"));

    // Somebody pushed something else to the branch.
    git(
        &remote,
        &["update-ref", "refs/heads/agent/bd-r/fix-the-sum", &{
            let tree = git(&remote, &["rev-parse", &format!("{commit}^{{tree}}")]);
            git(&remote, &["commit-tree", &tree, "-m", "theirs"])
        }],
    );
    world.change("r", "a.txt", "2\n").await;
    let error = world.refused("r", Operation::Push).await;
    assert_eq!(error.code, "push_rejected", "{}", error.message);
}

#[tokio::test]
async fn a_base_branch_that_is_an_agents_branch_is_protected_too() {
    let mut world = World::with(&[]).await;
    world.change("r", "a.txt", "1\n").await;
    world.project.branch = "agent/bd-r/fix-the-sum".into();
    assert_eq!(
        world.refused("r", Operation::Push).await.code,
        "protected_branch"
    );
}

#[tokio::test]
async fn a_remote_that_can_not_be_reached_may_be_reached_later() {
    let world = World::with(&[]).await;
    world.git(&["remote", "add", "origin", "/nonexistent/remote.git"]);
    world.change("r", "a.txt", "1\n").await;
    let error = world.try_do("r", Operation::Push).await.unwrap_err();
    assert_eq!(
        (error.code.as_str(), error.kind),
        ("git_failed", loom_workspace::ErrorKind::Unavailable)
    );
}

#[tokio::test]
async fn a_local_repository_has_no_pull_requests_and_no_checks_of_its_own() {
    let world = World::with(&[("a", "1")]).await;
    let open = Operation::OpenPullRequest {
        title: "T".into(),
        body: String::new(),
        labels: Vec::new(),
        reviewers: Vec::new(),
        draft: false,
    };
    let review = Operation::Review {
        number: None,
        verdict: loom_workspace::Verdict::Approve,
        body: String::new(),
        comments: Vec::new(),
    };
    for operation in [open, review] {
        assert_eq!(world.refused("r", operation).await.code, "no_pull_requests");
    }
    let checks = Operation::Checks { commit: None };
    assert_eq!(world.refused("r", checks).await.code, "no_checks");
}
