use loom_workspace::{MatchedBy, Operation, Outcome};

use crate::support::{World, commit, delete, edit, read, rename, repository, write};

async fn world() -> World {
    World::with(
        repository()
            .file("a.rs", "fn a() {\n    1\n}\n")
            .file("dos.txt", "one\r\ntwo\r\n")
            .file("dir/b", "b\n")
            .file_with_mode("run.sh", "100755", b"echo 1\n")
            .file_with_mode("link", "120000", b"a.rs")
            .file_with_mode("dirlink", "120000", b"dir")
            .file_with_mode("logo.png", "100644", b"\x89PNG\0\xff"),
    )
    .await
}

#[tokio::test]
async fn edits_and_writes_are_seen_by_reads() {
    let world = world().await;
    let edited = world.perform("r", edit("a.rs", "    1", "    2")).await;
    assert_eq!(
        edited,
        Outcome::Edited {
            path: "a.rs".into(),
            matched_by: MatchedBy::Exact,
            first_line: 2,
            last_line: 2
        }
    );
    assert_eq!(world.content("r", "a.rs").await, "fn a() {\n    2\n}\n");
    assert_eq!(world.content("other", "a.rs").await, "fn a() {\n    1\n}\n");
    world
        .perform("r", edit("dos.txt", "one\ntwo\n", "one\nthree\n"))
        .await;
    assert_eq!(world.content("r", "dos.txt").await, "one\r\nthree\r\n");
    let written = world.perform("r", write("new/x", "x")).await;
    let expected = Outcome::Written {
        path: "new/x".into(),
        created: true,
        bytes: 1,
    };
    assert_eq!(written, expected);
    world.perform("r", rename("new/x", "new/y")).await;
    world.perform("r", delete("dir/b")).await;
    assert_eq!(
        world.refused("r", read("new/x")).await.code,
        "file_not_found"
    );
    assert_eq!(
        world.text("r", Operation::Status).await,
        " M a.rs\n D dir/b\n M dos.txt\n?? new/y\n"
    );
    let diff = world.text("r", Operation::Diff).await;
    assert!(
        diff.contains("diff --git a/a.rs b/a.rs\n--- a/a.rs\n+++ b/a.rs\n@@ -1,3 +1,3 @@\n"),
        "{diff}"
    );
    assert!(diff.contains(
        "diff --git a/dir/b b/dir/b\ndeleted file mode 100644\n--- a/dir/b\n+++ /dev/null\n"
    ));
    assert!(diff.contains("diff --git a/new/y b/new/y\nnew file mode 100644\n--- /dev/null\n"));
}

#[tokio::test]
async fn what_is_put_back_is_no_change() {
    let world = world().await;
    world.perform("r", edit("a.rs", "1", "2")).await;
    world.perform("r", edit("a.rs", "2", "1")).await;
    world.perform("r", delete("run.sh")).await;
    world.perform("r", write("tmp", "1")).await;
    world.perform("r", delete("tmp")).await;
    world.perform("r", rename("dir/b", "dir/c")).await;
    world.perform("r", rename("dir/c", "dir/b")).await;
    assert_eq!(world.text("r", Operation::Status).await, " D run.sh\n");
}

#[tokio::test]
async fn what_must_not_be_edited_is_refused_and_nothing_is_changed() {
    let world = world().await;
    let large = "x".repeat(1024 * 1024 + 1);
    for (operation, code) in [
        (write("../../x", ""), "path_outside_workspace"),
        (write(".git/config", "[core]"), "path_outside_workspace"),
        (write("sub/.GIT/hooks/x", ""), "path_outside_workspace"),
        (write("/etc/x", ""), "path_outside_workspace"),
        (write("link", ""), "path_outside_workspace"),
        (write("dirlink/x", ""), "path_outside_workspace"),
        (edit("link", "fn a", "fn b"), "path_outside_workspace"),
        (edit("logo.png", "PNG", "JPG"), "file_not_text"),
        (edit("none", "a", "b"), "file_not_found"),
        (edit("a.rs", "nowhere", "b"), "edit_not_found"),
        (write("dir", ""), "not_a_file"),
        (write("a.rs/x", ""), "file_not_found"),
        (write("large", &large), "file_too_large"),
        (delete("dir"), "not_a_file"),
        (delete("none"), "file_not_found"),
        (rename("a.rs", "dir/b"), "file_exists"),
        (rename("a.rs", "../x"), "path_outside_workspace"),
        (
            Operation::RunCommand {
                argv: vec!["ls".into()],
                timeout_seconds: None,
                directory: None,
            },
            "no_commands",
        ),
    ] {
        let shown: String = format!("{operation:?}").chars().take(80).collect();
        assert_eq!(world.refused("r", operation).await.code, code, "{shown}");
    }
    assert_eq!(world.text("r", Operation::Status).await, "");
    assert_eq!(
        world.refused("r", commit("x")).await.code,
        "nothing_to_commit"
    );
}

#[tokio::test]
async fn closing_forgets_changes_and_keeps_the_branch() {
    let world = world().await;
    let branch = world.branch("r").await;
    world.change("r", "a.rs", "1").await;
    world.perform("r", write("left", "over")).await;
    world.perform("r", Operation::Close).await;
    world.perform("r", Operation::Close).await;
    assert!(world.github.branch("acme/widget", &branch).is_some());
    assert_eq!(world.text("r", Operation::Status).await, "");
    assert_eq!(world.branch("r").await, branch);
}
