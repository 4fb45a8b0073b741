use loom_workspace::{FileChange, FileContent, Operation, Outcome, Workspace};

use crate::support::World;

fn list(branch: &str, trailers: &[&str]) -> Operation {
    Operation::ListFiles {
        branch: branch.into(),
        prefix: ".beads".into(),
        trailers: trailers.iter().map(|line| (*line).to_owned()).collect(),
    }
}

fn change(path: &str, content: Option<&str>) -> FileChange {
    FileChange {
        path: path.into(),
        content: content.map(str::to_owned),
    }
}

fn commit(branch: &str, head: Option<&str>, files: Vec<FileChange>, message: &str) -> Operation {
    Operation::CommitFiles {
        branch: branch.into(),
        expected_head: head.map(str::to_owned),
        files,
        message: message.into(),
    }
}

async fn head(world: &World, branch: &str) -> Option<String> {
    match world.perform("sync", list(branch, &[])).await {
        Outcome::Listed { head, .. } => head,
        other => panic!("{other:?}"),
    }
}

async fn paths(world: &World, branch: &str) -> Vec<String> {
    match world.perform("sync", list(branch, &[])).await {
        Outcome::Listed { files, .. } => files.into_iter().map(|file| file.path).collect(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn files_are_committed_to_a_branch_and_read_from_it() {
    let world = World::with(&[("src/a.rs", "a\n"), (".beads/old.yaml", "old\n")]).await;
    let before = head(&world, "main").await.unwrap();
    let odd = ".beads/beads/a \"b\" \\ ü.yaml";
    let files = vec![
        change(".beads/beads/x.yaml", Some("id: x\ntitle: ü\r\n")),
        change(odd, Some("")),
        change(".beads/old.yaml", None),
        change(".beads/never.yaml", None),
    ];
    let message = "Sync beads\n\nLoom-Sync: 0123\n";
    let done = world
        .perform("sync", commit("main", Some(&before), files, message))
        .await;
    let Outcome::FilesCommitted {
        commit: made,
        files,
    } = done
    else {
        panic!("{done:?}");
    };
    assert_eq!(files.len(), 2);
    assert_eq!(head(&world, "main").await, Some(made.clone()));
    assert_eq!(paths(&world, "main").await, [odd, ".beads/beads/x.yaml"]);
    assert_eq!(world.git(&["show", "main:src/a.rs"]), "a");
    assert_eq!(
        world.git(&["log", "-1", "--format=%B", "main"]).trim(),
        message.trim()
    );
    assert_eq!(world.git(&["rev-parse", "main^"]).trim(), before);
    world.git(&["fsck", "--strict"]);
    assert_eq!(world.git(&["for-each-ref", "refs/loom"]), "");

    let read = Operation::ReadFiles {
        commit: made,
        paths: vec![
            ".beads/beads/x.yaml".into(),
            ".beads/old.yaml".into(),
            odd.into(),
            "src".into(),
        ],
    };
    let Outcome::Contents { files } = world.perform("sync", read).await else {
        panic!();
    };
    let contents: Vec<Option<&str>> = files.iter().map(|f| f.content.as_deref()).collect();
    assert_eq!(
        contents,
        [Some("id: x\ntitle: ü\r\n"), None, Some(""), None]
    );

    let asked = list("main", &["Loom-Sync: 0123", "Loom-Sync: 9"]);
    let Outcome::Listed { landed, files, .. } = world.perform("sync", asked).await else {
        panic!();
    };
    assert_eq!(landed, ["Loom-Sync: 0123"]);
    assert_eq!((files[0].bytes, files[1].bytes), (0, 17));
}

#[tokio::test]
async fn a_branch_that_is_elsewhere_is_left_alone() {
    let world = World::with(&[("a", "a\n")]).await;
    let before = head(&world, "main").await.unwrap();
    let file = || vec![change(".beads/x", Some("x"))];
    world
        .perform("sync", commit("main", Some(&before), file(), "one"))
        .await;
    for expected in [Some(before.as_str()), None] {
        let refusal = world
            .refused("sync", commit("main", expected, file(), "two"))
            .await;
        assert_eq!(refusal.code, "head_moved");
        assert_eq!(refusal.details["head"], head(&world, "main").await.unwrap());
    }
    let missing = commit("beads", Some(&before), file(), "two");
    assert_eq!(world.refused("sync", missing).await.code, "head_moved");
    // The same content again is no commit.
    let now = head(&world, "main").await.unwrap();
    let again = world
        .perform("sync", commit("main", Some(&now), file(), "three"))
        .await;
    assert!(matches!(again, Outcome::FilesCommitted { commit, .. } if commit == now));
    for path in ["../x", ".git/config", "/etc/x"] {
        let bad = commit("main", Some(&now), vec![change(path, Some("x"))], "bad");
        assert_eq!(
            world.refused("sync", bad).await.code,
            "path_outside_workspace"
        );
    }
    let bad = commit("-x", None, file(), "bad");
    assert_eq!(world.refused("sync", bad).await.code, "invalid_branch");
}

#[tokio::test]
async fn a_branch_that_is_not_there_begins_with_the_commit() {
    let world = World::with(&[("a", "a\n")]).await;
    assert_eq!(head(&world, "beads").await, None);
    let file = vec![change(".beads/x", Some("x"))];
    world
        .perform("sync", commit("beads", None, file, "one"))
        .await;
    assert_eq!(
        world.git(&["ls-tree", "-r", "--name-only", "beads"]),
        ".beads/x"
    );
    assert_eq!(world.git(&["rev-list", "--count", "beads"]).trim(), "1");
}

#[tokio::test]
async fn a_branch_that_is_checked_out_moves_with_its_files() {
    let world = World::with(&[("a", "a\n")]).await;
    world.git(&["checkout", "--quiet", "main"]);
    let before = head(&world, "main").await.unwrap();
    let file = vec![change(".beads/x", Some("x"))];
    world
        .perform("sync", commit("main", Some(&before), file, "one"))
        .await;
    assert_eq!(
        std::fs::read_to_string(world.repository().join(".beads/x")).unwrap(),
        "x"
    );
    assert_eq!(world.git(&["status", "--short"]), "");
}

#[tokio::test]
async fn a_repeated_call_commits_once_and_a_stale_one_never() {
    let mut world = World::with(&[("a", "a\n")]).await;
    let before = head(&world, "main").await.unwrap();
    let operation = commit(
        "main",
        Some(&before),
        vec![change(".beads/x", Some("x"))],
        "one",
    );
    let call = world.call("sync", 2, "k1", operation.clone());
    let first = world.client().perform(call.clone()).await.unwrap();
    assert_eq!(world.client().perform(call.clone()).await.unwrap(), first);
    // Killed after the branch had moved, before the answer was noted.
    world
        .journal()
        .execute("UPDATE call SET answer = NULL", [])
        .unwrap();
    world.restart().await;
    assert_eq!(world.client().perform(call).await.unwrap(), first);
    assert_eq!(world.git(&["rev-list", "--count", "main"]).trim(), "2");
    let stale = world.call("sync", 1, "k2", operation);
    assert_eq!(
        world.client().perform(stale).await.unwrap_err().code,
        "stale_fence"
    );
}

#[tokio::test]
async fn many_files_are_one_commit() {
    let world = World::with(&[("a", "a\n")]).await;
    let before = head(&world, "main").await.unwrap();
    let content = "title: something\n".repeat(30);
    let name = |number: usize| format!(".beads/beads/bd-{number:04}.yaml");
    let files = (0..2000).map(|number| change(&name(number), Some(&content)));
    world
        .perform(
            "sync",
            commit("main", Some(&before), files.collect(), "many"),
        )
        .await;
    assert_eq!(paths(&world, "main").await.len(), 2000);
    let read = Operation::ReadFiles {
        commit: head(&world, "main").await.unwrap(),
        paths: (0..2000).map(name).collect(),
    };
    let Outcome::Contents { files } = world.perform("sync", read).await else {
        panic!();
    };
    assert!(
        files
            .iter()
            .all(|FileContent { content: read, .. }| read.as_ref() == Some(&content))
    );
}
