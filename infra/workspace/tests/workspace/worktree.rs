use loom_workspace::{Operation, Outcome};

use crate::support::{World, put, write};

async fn branch_of(world: &World, run: &str) -> String {
    match world.perform(run, Operation::Open).await {
        Outcome::Opened {
            branch,
            base,
            base_commit,
        } => {
            assert_eq!(
                (base.as_str(), base_commit),
                ("main", world.git(&["rev-parse", "main"]))
            );
            branch
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_run_gets_a_branch_and_a_worktree_of_its_own() {
    let world = World::with(&[("a.txt", "one\n")]).await;
    assert_eq!(branch_of(&world, "r1").await, "agent/bd-r1/fix-the-sum");
    assert_eq!(branch_of(&world, "r2").await, "agent/bd-r2/fix-the-sum");
    world.perform("r1", write("a.txt", "two\n")).await;
    assert_eq!(world.read("r1", "a.txt").await, "two\n");
    assert_eq!(world.read("r2", "a.txt").await, "one\n");
    assert_eq!(
        std::fs::read_to_string(world.repository().join("a.txt")).unwrap(),
        "one\n"
    );
    assert!(
        world
            .git(&["worktree", "list"])
            .contains("[agent/bd-r1/fix-the-sum] locked")
    );
}

#[tokio::test]
async fn a_branch_of_an_earlier_run_is_left_alone() {
    let world = World::with(&[]).await;
    world.git(&["branch", "agent/bd-r1/fix-the-sum", "main"]);
    assert_eq!(branch_of(&world, "r1").await, "agent/bd-r1/fix-the-sum-2");
}

#[tokio::test]
async fn closing_removes_the_worktree_and_keeps_the_branch() {
    let world = World::with(&[]).await;
    let commit = world.change("r1", "new.txt", "new\n").await;
    assert_eq!(world.perform("r1", Operation::Close).await, Outcome::Done);
    assert!(!world.tree("r1").exists());
    assert!(!world.git(&["worktree", "list"]).contains("agent/"));
    assert_eq!(world.git(&["rev-parse", "agent/bd-r1/fix-the-sum"]), commit);
    // Closing again does nothing, and whatever comes later finds the work as it was.
    assert_eq!(world.perform("r1", Operation::Close).await, Outcome::Done);
    assert_eq!(world.read("r1", "new.txt").await, "new\n");
}

#[tokio::test]
async fn work_goes_on_after_a_restart() {
    let mut world = World::with(&[("a.txt", "one\n")]).await;
    world.perform("r1", write("a.txt", "two\n")).await;
    world.restart().await;
    assert_eq!(world.read("r1", "a.txt").await, "two\n");
}

#[tokio::test]
async fn a_worktree_that_was_half_made_is_made_anew() {
    let mut world = World::with(&[("a.txt", "one\n")]).await;
    branch_of(&world, "r1").await;
    // As after a crash between git's work and ours: the branch is there, and files that nobody finished.
    world
        .journal()
        .execute("UPDATE run SET git_dir = NULL", [])
        .unwrap();
    std::fs::remove_file(world.tree("r1").join("a.txt")).unwrap();
    put(&world.tree("r1").join(".git"), "gitdir: /nowhere\n");
    world.restart().await;
    assert_eq!(branch_of(&world, "r1").await, "agent/bd-r1/fix-the-sum");
    assert_eq!(world.read("r1", "a.txt").await, "one\n");
}

#[tokio::test]
async fn runs_may_begin_at_the_same_time() {
    let world = World::with(&[("a.txt", "one\n")]).await;
    let runs: Vec<String> = (0..6).map(|n| format!("r{n}")).collect();
    let opened =
        futures_util::future::join_all(runs.iter().map(|run| branch_of(&world, run))).await;
    let wanted: Vec<String> = runs
        .iter()
        .map(|run| format!("agent/bd-{run}/fix-the-sum"))
        .collect();
    assert_eq!(opened, wanted);
}

#[tokio::test]
async fn a_repository_must_be_there_and_allowed() {
    let mut world = World::with(&[]).await;
    let outside = tempfile::tempdir().unwrap();
    crate::support::git(outside.path(), &["init", "--quiet"]);
    world.project.repository = outside.path().to_str().unwrap().into();
    assert_eq!(
        world.refused("r1", Operation::Open).await.code,
        "repository_not_allowed"
    );
    // Not a repository itself, although it lies in one.
    let inside = world.repository().join("inside");
    std::fs::create_dir(&inside).unwrap();
    world.project.repository = inside.to_str().unwrap().into();
    assert_eq!(
        world.refused("r1", Operation::Open).await.code,
        "repository_not_found"
    );
    world.project.repository = "repository".into();
    assert_eq!(
        world.refused("r1", Operation::Open).await.code,
        "repository_not_found"
    );
    world.project.repository = format!("file://{}", world.repository().display());
    for branch in ["nope", "--help", "main..main", ""] {
        world.project.branch = branch.into();
        assert_eq!(
            world.refused("r1", Operation::Open).await.code,
            "base_branch_not_found",
            "{branch}"
        );
    }
    world.project.branch = "main".into();
    world.perform("r1", Operation::Open).await;
}

#[tokio::test]
async fn a_repository_may_be_bare() {
    let mut world = World::with(&[("a.txt", "one\n")]).await;
    world.git(&["clone", "--quiet", "--bare", ".", "../bare.git"]);
    world.project.repository = world.path().join("bare.git").to_str().unwrap().into();
    world.change("r1", "a.txt", "two\n").await;
    world.perform("r1", Operation::Merge).await;
    let content = crate::support::git(&world.path().join("bare.git"), &["show", "main:a.txt"]);
    assert_eq!(content, "two");
}
