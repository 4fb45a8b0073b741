use super::*;
use crate::{ErrorKind, Project, Run};

fn call(run: &str, fence: i64, key: &str, operation: Operation) -> Call {
    Call {
        project: Project {
            id: "p".into(),
            repository: "/r".into(),
            branch: "main".into(),
            ..Project::default()
        },
        run: Run {
            id: run.into(),
            bead_id: "bd-1".into(),
            bead_title: "Title".into(),
            agent: "ada".into(),
            fence,
            continues: None,
        },
        key: key.into(),
        operation,
    }
}

fn write(path: &str, content: &str) -> Operation {
    Operation::WriteFile {
        path: path.into(),
        content: content.into(),
    }
}

fn commit() -> Operation {
    Operation::Commit {
        message: "m".into(),
    }
}

#[tokio::test]
async fn i7_a_repeated_key_commits_once() {
    let space = MemoryWorkspace::new();
    space
        .perform(call("r", 1, "k1", write("a", "1")))
        .await
        .unwrap();
    let first = space.perform(call("r", 1, "k2", commit())).await.unwrap();
    space
        .perform(call("r", 1, "k3", write("a", "2")))
        .await
        .unwrap();
    assert_eq!(
        space.perform(call("r", 2, "k2", commit())).await.unwrap(),
        first
    );
    assert_eq!(space.commits().len(), 1);
    let error = space
        .perform(call("r", 2, "k2", Operation::Push))
        .await
        .unwrap_err();
    assert_eq!(error.code, "key_reused");
}

#[tokio::test]
async fn i2_a_stale_fence_is_refused() {
    let space = MemoryWorkspace::new();
    space
        .perform(call("r", 5, "k1", write("a", "1")))
        .await
        .unwrap();
    let error = space
        .perform(call("r", 4, "k2", write("a", "2")))
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::StaleFence);
    assert_eq!(space.performed().len(), 1);
}

#[tokio::test]
async fn a_merge_brings_both_sides_together_or_is_refused() {
    let space = MemoryWorkspace::new()
        .with_file("/r", "a", "0")
        .with_file("/r", "b", "0");
    for (run, path) in [("r1", "a"), ("r2", "b"), ("r3", "a")] {
        space
            .perform(call(run, 1, "k1", write(path, run)))
            .await
            .unwrap();
        space.perform(call(run, 1, "k2", commit())).await.unwrap();
    }
    space
        .perform(call("r1", 1, "k3", Operation::Merge))
        .await
        .unwrap();
    space
        .perform(call("r2", 1, "k3", Operation::Merge))
        .await
        .unwrap();
    let error = space
        .perform(call("r3", 1, "k3", Operation::Merge))
        .await
        .unwrap_err();
    assert_eq!(error.code, "merge_conflict");
    let files: Vec<(String, String)> = space.base_files("/r").into_iter().collect();
    assert_eq!(
        files,
        [("a".into(), "r1".into()), ("b".into(), "r2".into())]
    );
    assert_eq!(space.merges().len(), 2);
}

#[tokio::test]
async fn failing_tests_prevent_a_merge() {
    let space = MemoryWorkspace::new().with_commands(|argv, files| {
        if argv == ["test"] && files.contains_key("bad") {
            (1, "no".into())
        } else {
            (0, String::new())
        }
    });
    space
        .perform(call("r", 1, "k1", write("bad", "")))
        .await
        .unwrap();
    space.perform(call("r", 1, "k2", commit())).await.unwrap();
    let error = space
        .perform(call("r", 1, "k3", Operation::Merge))
        .await
        .unwrap_err();
    assert_eq!(error.code, "merge_tests_failed");
    assert!(space.base_files("/r").is_empty());
}

#[tokio::test]
async fn a_run_goes_on_with_the_work_of_an_earlier_one() {
    let space = MemoryWorkspace::new().with_file("/r", "a", "0");
    space
        .perform(call("r1", 1, "k1", write("a", "1")))
        .await
        .unwrap();
    space.perform(call("r1", 1, "k2", commit())).await.unwrap();
    let opened = space.perform(call("r1", 1, "k3", Operation::Open)).await;
    let Ok(Outcome::Opened { branch, .. }) = opened else {
        panic!("{opened:?}")
    };
    let mut merge = call("r2", 1, "k1", Operation::Merge);
    merge.run.continues = Some(branch);
    space.perform(merge).await.unwrap();
    assert_eq!(space.base_files("/r")["a"], "1");
}

#[tokio::test]
async fn a_repository_in_memory_has_no_pull_requests_and_no_checks() {
    let space = MemoryWorkspace::new();
    let open = Operation::OpenPullRequest {
        title: "T".into(),
        body: String::new(),
        labels: Vec::new(),
        reviewers: Vec::new(),
        draft: false,
    };
    let error = space.perform(call("r", 1, "k1", open)).await.unwrap_err();
    assert_eq!(error.code, "no_pull_requests");
    let checks = Operation::Checks { commit: None };
    let error = space.perform(call("r", 1, "k2", checks)).await.unwrap_err();
    assert_eq!(error.code, "no_checks");
}
