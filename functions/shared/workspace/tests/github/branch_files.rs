use loom_github_double::{Fault, FaultKind};
use loom_workspace::{FileChange, Operation, Outcome, Workspace};

use crate::support::{REPO, World, repository};

fn change(path: &str, content: Option<&str>) -> FileChange {
    FileChange {
        path: path.into(),
        content: content.map(str::to_owned),
    }
}

fn commit(head: Option<&str>, files: Vec<FileChange>) -> Operation {
    Operation::CommitFiles {
        branch: "beads".into(),
        expected_head: head.map(str::to_owned),
        files,
        message: "Beads\n\nLoom-Sync: 1f\n".into(),
    }
}

async fn list(world: &World) -> (Option<String>, Vec<String>, Vec<String>) {
    let operation = Operation::ListFiles {
        branch: "beads".into(),
        prefix: ".beads".into(),
        trailers: vec!["Loom-Sync: 1f".into(), "Loom-Sync: 2f".into()],
    };
    match world.perform("sync", operation).await {
        Outcome::Listed {
            head,
            files,
            landed,
        } => (
            head,
            files.into_iter().map(|file| file.path).collect(),
            landed,
        ),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn files_of_a_branch_are_committed_listed_and_read() {
    let world = World::with(repository().file("a", "1")).await;
    assert_eq!(list(&world).await, (None, Vec::new(), Vec::new()));
    let first = vec![
        change(".beads/x", Some("x\n")),
        change(".beads/y", Some("")),
        change("z", Some("z")),
    ];
    let Outcome::FilesCommitted {
        commit: head,
        files,
    } = world.perform("sync", commit(None, first)).await
    else {
        panic!()
    };
    assert_eq!(files.len(), 3);
    assert_eq!(
        world.github.branch(REPO, "beads").as_deref(),
        Some(head.as_str())
    );
    assert_eq!(
        list(&world).await,
        (
            Some(head.clone()),
            vec![".beads/x".into(), ".beads/y".into()],
            vec!["Loom-Sync: 1f".into()]
        )
    );
    let error = world
        .refused("sync", commit(None, vec![change("q", Some("q"))]))
        .await;
    assert_eq!(error.code, "head_moved");
    let same = world
        .perform(
            "sync",
            commit(
                Some(&head),
                vec![change("z", Some("z")), change("none", None)],
            ),
        )
        .await;
    assert!(
        matches!(&same, Outcome::FilesCommitted { commit, .. } if *commit == head),
        "{same:?}"
    );
    let second = vec![change(".beads/x", None), change(".beads/y", Some("y"))];
    let Outcome::FilesCommitted {
        commit: next,
        files,
    } = world.perform("sync", commit(Some(&head), second)).await
    else {
        panic!()
    };
    assert_eq!(files.len(), 1);
    let read = |commit: &str| Operation::ReadFiles {
        commit: commit.into(),
        paths: vec![".beads/x".into(), ".beads/y".into()],
    };
    let contents = |outcome: Outcome| match outcome {
        Outcome::Contents { files } => files
            .into_iter()
            .map(|file| file.content)
            .collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        contents(world.perform("sync", read(&head)).await),
        [Some("x\n".into()), Some(String::new())]
    );
    assert_eq!(
        contents(world.perform("sync", read(&next)).await),
        [None, Some("y".into())]
    );
    world.git(&["fsck", "--strict", "--no-dangling"]);
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_made_once() {
    for method in ["POST", "PATCH"] {
        for after in 0..4 {
            let world = World::with(repository().file("a", "1")).await;
            let head = world.push("beads", &[("z", "z")]);
            world.github.fault(
                Fault::next(method, "", FaultKind::LoseReply)
                    .after(after)
                    .times(2),
            );
            let call = || {
                world.call(
                    "sync",
                    1,
                    "s:1",
                    commit(Some(&head), vec![change("x", Some("x"))]),
                )
            };
            let mut outcome = world.workspace().perform(call()).await;
            for _ in 0..4 {
                if outcome.is_err() {
                    outcome = world.workspace().perform(call()).await;
                }
            }
            outcome.unwrap();
            let count = world.git(&["rev-list", "--count", &format!("{head}..beads")]);
            assert_eq!(count.trim(), "1", "{method} {after}");
        }
    }
}
