use std::sync::Arc;

use loom_workspace::{ErrorKind, Operation, Outcome};

use crate::support::{World, commit, git, put, write};

fn commit_of(outcome: Outcome) -> String {
    match outcome {
        Outcome::Merged { commit, branch } => {
            assert_eq!(branch, "main");
            commit
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_merge_moves_the_base_branch() {
    let world = World::with(&[("a.txt", "1\n")]).await;
    let head = world.change("r", "a.txt", "2\n").await;
    let base = world.git(&["rev-parse", "main"]);
    let merged = commit_of(world.perform("r", Operation::Merge).await);
    assert_eq!(world.git(&["rev-parse", "main"]), merged);
    assert_eq!(
        world.git(&["show", "-s", "--format=%P", &merged]),
        format!("{base} {head}")
    );
    let message = world.git(&["show", "-s", "--format=%B", &merged]);
    assert!(
        message.starts_with("Merge bd-r: Fix the sum\n\nBead: bd-r\n"),
        "{message}"
    );
    // Once more, by another call: it is there already.
    assert_eq!(
        commit_of(world.perform("r", Operation::Merge).await),
        merged
    );
}

#[tokio::test]
async fn nothing_to_merge_and_uncommitted_changes_are_refused() {
    let world = World::with(&[("a.txt", "1\n")]).await;
    assert_eq!(
        world.refused("r", Operation::Merge).await.code,
        "nothing_to_merge"
    );
    world.change("r", "a.txt", "2\n").await;
    world.perform("r", write("a.txt", "3\n")).await;
    let error = world.refused("r", Operation::Merge).await;
    assert_eq!(error.code, "uncommitted_changes");
    assert_eq!(error.details["files"], serde_json::json!(["a.txt"]));
}

#[tokio::test]
async fn failing_tests_prevent_a_merge_and_see_the_merged_result() {
    let mut world = World::with(&[("check.sh", "test ! -e a.txt || test ! -e b.txt\n")]).await;
    world.project.test_command = Some("sh check.sh".into());
    world.change("r1", "a.txt", "1\n").await;
    world.change("r2", "b.txt", "1\n").await;
    let first = commit_of(world.perform("r1", Operation::Merge).await);
    // Fine by itself, and wrong together with what the other one did.
    let error = world.refused("r2", Operation::Merge).await;
    assert_eq!(error.code, "merge_tests_failed");
    assert_eq!(error.details["exit_code"], 1);
    assert_eq!(world.git(&["rev-parse", "main"]), first);
}

#[tokio::test]
async fn a_conflict_is_handed_over_and_can_be_resolved() {
    let world = World::with(&[("a.txt", "1\n"), ("b.txt", "1\n")]).await;
    world.change("r1", "a.txt", "one\n").await;
    world.change("r2", "a.txt", "uno\n").await;
    world.perform("r1", Operation::Merge).await;
    let error = world.refused("r2", Operation::Merge).await;
    assert_eq!(error.code, "merge_conflict");
    assert_eq!(error.details["files"], serde_json::json!(["a.txt"]));
    assert!(
        error.message.contains("uno") && error.message.contains("one"),
        "{}",
        error.message
    );
    let marked = world.read("r2", "a.txt").await;
    assert!(
        marked.contains("<<<<<<< ") && marked.contains(">>>>>>> "),
        "{marked}"
    );
    // As it is, it can be neither merged nor committed.
    assert_eq!(
        world.refused("r2", Operation::Merge).await.code,
        "merge_conflict"
    );
    assert_eq!(
        world.refused("r2", commit("x")).await.code,
        "conflict_markers"
    );
    world.change("r2", "a.txt", "one, uno\n").await;
    let merged = commit_of(world.perform("r2", Operation::Merge).await);
    assert_eq!(world.git(&["show", &format!("{merged}:a.txt")]), "one, uno");
    let status = crate::support::text(world.perform("r2", Operation::Status).await);
    assert_eq!(status, "");
}

#[tokio::test]
async fn merges_at_the_same_time_are_all_there() {
    let world = Arc::new(World::with(&[("a.txt", "1\n")]).await);
    let runs: Vec<String> = (0..4).map(|n| format!("r{n}")).collect();
    for run in &runs {
        world.change(run, &format!("{run}.txt"), "x\n").await;
    }
    let merges = runs.iter().map(|run| world.perform(run, Operation::Merge));
    let commits: Vec<String> = futures_util::future::join_all(merges)
        .await
        .into_iter()
        .map(commit_of)
        .collect();
    let history = world.git(&["log", "--first-parent", "--format=%H", "main"]);
    assert!(
        commits.iter().all(|commit| history.contains(commit)),
        "{history}\n{commits:?}"
    );
    assert_eq!(history.lines().count(), 5);
    let files = world.git(&["ls-tree", "--name-only", "main"]);
    assert!(
        runs.iter().all(|run| files.contains(&format!("{run}.txt"))),
        "{files}"
    );
}

#[tokio::test]
async fn a_base_branch_that_moves_during_the_tests_is_merged_again() {
    let mut world = World::with(&[("a.txt", "1\n")]).await;
    // The tests say that they run, and wait for an answer.
    let door = world.path().join("root/runs/r/private/door");
    world.project.test_command = Some(format!(
        "sh -c 'test -e {0}.open && exit 0; mkfifo {0} && echo > {0}.ready; cat {0}'",
        door.display()
    ));
    world.project.test_command = Some("sh wait.sh".into());
    let script = format!(
        "test -e {0}.open && exit 0\nmkfifo {0}.in {0}.out\necho > {0}.in\ncat {0}.out\n",
        door.display()
    );
    world.change("r", "wait.sh", &script).await;
    let world = Arc::new(world);
    let merging = tokio::spawn({
        let world = world.clone();
        async move { commit_of(world.perform("r", Operation::Merge).await) }
    });
    let opened = door.clone();
    let directory = world.repository();
    let theirs = tokio::task::spawn_blocking(move || {
        let name = |end: &str| opened.with_extension(end);
        while !name("in").exists() || !name("out").exists() {
            std::thread::yield_now();
        }
        std::fs::read(name("in")).unwrap();
        // While the tests run, somebody pushes to the base branch.
        let tree = git(&directory, &["rev-parse", "main^{tree}"]);
        let theirs = git(
            &directory,
            &["commit-tree", &tree, "-p", "main", "-m", "theirs"],
        );
        git(&directory, &["update-ref", "refs/heads/main", &theirs]);
        std::fs::write(name("open"), "").unwrap();
        std::fs::write(name("out"), "").unwrap();
        theirs
    })
    .await
    .unwrap();
    let merged = merging.await.unwrap();
    assert_eq!(world.git(&["rev-parse", "main"]), merged);
    assert_eq!(world.git(&["rev-parse", &format!("{merged}^1")]), theirs);
}

#[tokio::test]
async fn a_checked_out_base_branch_is_updated_with_its_files() {
    let world = World::with(&[("a.txt", "1\n"), ("b.txt", "1\n")]).await;
    world.git(&["checkout", "--quiet", "main"]);
    world.change("r", "a.txt", "2\n").await;
    // Work in progress of a person, elsewhere.
    put(&world.repository().join("b.txt"), "mine\n");
    put(&world.repository().join("untracked.txt"), "mine\n");
    let merged = commit_of(world.perform("r", Operation::Merge).await);
    assert_eq!(world.git(&["rev-parse", "HEAD"]), merged);
    assert_eq!(
        std::fs::read_to_string(world.repository().join("a.txt")).unwrap(),
        "2\n"
    );
    assert_eq!(
        world.git(&["status", "--porcelain"]),
        " M b.txt\n?? untracked.txt"
    );
    assert_eq!(
        std::fs::read_to_string(world.repository().join("b.txt")).unwrap(),
        "mine\n"
    );
}

#[tokio::test]
async fn a_persons_changes_in_the_way_stop_a_merge_and_stay() {
    let world = World::with(&[("a.txt", "1\n")]).await;
    world.git(&["checkout", "--quiet", "main"]);
    let base = world.git(&["rev-parse", "main"]);
    world.change("r", "a.txt", "2\n").await;
    put(&world.repository().join("a.txt"), "mine\n");
    let error = world.try_do("r", Operation::Merge).await.unwrap_err();
    assert_eq!(
        (error.code.as_str(), error.kind),
        ("base_checkout_in_the_way", ErrorKind::Unavailable)
    );
    assert_eq!(
        std::fs::read_to_string(world.repository().join("a.txt")).unwrap(),
        "mine\n"
    );
    assert_eq!(world.git(&["rev-parse", "main"]), base);
    // Once they are put aside, the same merge works.
    world.git(&["checkout", "--quiet", "--", "a.txt"]);
    world.perform("r", Operation::Merge).await;
}
