use std::os::unix::fs::{PermissionsExt, symlink};

use loom_workspace::{MatchedBy, Operation, Outcome};

use crate::support::{World, delete, edit, put, read, rename, write};

#[tokio::test]
async fn files_are_read_by_lines() {
    let world = World::with(&[("a.txt", "1\n2\n3\n4\n5"), ("empty.txt", "")]).await;
    let lines = |first, last| Operation::ReadFile {
        path: "a.txt".into(),
        first_line: first,
        last_line: last,
    };
    let file = |content: &str, first_line, last_line, truncated| Outcome::File {
        path: "a.txt".into(),
        content: content.into(),
        first_line,
        last_line,
        total_lines: 5,
        truncated,
    };
    assert_eq!(
        world.perform("r", lines(None, None)).await,
        file("1\n2\n3\n4\n5", 1, 5, false)
    );
    assert_eq!(
        world.perform("r", lines(Some(2), Some(3))).await,
        file("2\n3\n", 2, 3, true)
    );
    assert_eq!(
        world.perform("r", lines(Some(5), Some(99))).await,
        file("5", 5, 5, false)
    );
    assert_eq!(
        world.refused("r", lines(Some(6), None)).await.code,
        "no_such_lines"
    );
    assert_eq!(world.read("r", "empty.txt").await, "");
}

#[tokio::test]
async fn files_are_edited_in_place() {
    let world = World::with(&[("src/a.rs", "fn f() {\n    g();\n}\n")]).await;
    let outcome = world
        .perform("r", edit("./src/a.rs", "g();", "h();\n    i();"))
        .await;
    let wanted = Outcome::Edited {
        path: "src/a.rs".into(),
        matched_by: MatchedBy::Exact,
        first_line: 2,
        last_line: 3,
    };
    assert_eq!(outcome, wanted);
    assert_eq!(
        world.read("r", "src/a.rs").await,
        "fn f() {\n    h();\n    i();\n}\n"
    );
    let error = world.refused("r", edit("src/a.rs", "();", "x")).await;
    assert_eq!(error.code, "edit_ambiguous");
    assert_eq!(error.details["lines"], serde_json::json!([2, 3]));
    assert_eq!(
        world
            .refused("r", edit("src/a.rs", "nothing like it", "x"))
            .await
            .code,
        "edit_not_found"
    );
    assert_eq!(
        world.refused("r", edit("src/b.rs", "a", "b")).await.code,
        "file_not_found"
    );
}

#[tokio::test]
async fn files_are_written_moved_and_deleted() {
    let world = World::with(&[("run.sh", "#!/bin/sh\n")]).await;
    let written = |created| Outcome::Written {
        path: "a/b/c.txt".into(),
        created,
        bytes: 2,
    };
    assert_eq!(
        world.perform("r", write("a/b/c.txt", "1\n")).await,
        written(true)
    );
    assert_eq!(
        world.perform("r", write("a/b/c.txt", "2\n")).await,
        written(false)
    );
    world.perform("r", rename("a/b/c.txt", "d/e.txt")).await;
    assert_eq!(world.read("r", "d/e.txt").await, "2\n");
    assert_eq!(
        world.refused("r", rename("d/e.txt", "run.sh")).await.code,
        "file_exists"
    );
    world.perform("r", delete("d/e.txt")).await;
    for operation in [
        read("d/e.txt"),
        delete("d/e.txt"),
        rename("d/e.txt", "x"),
        read("run.sh/x"),
    ] {
        assert_eq!(world.refused("r", operation).await.code, "file_not_found");
    }
    for operation in [read("d"), delete("d"), rename("d", "x"), write("d", "")] {
        assert_eq!(world.refused("r", operation).await.code, "not_a_file");
    }
}

#[tokio::test]
async fn permissions_stay() {
    let world = World::with(&[("run.sh", "a\n")]).await;
    world.perform("r", Operation::Open).await;
    let path = world.tree("r").join("run.sh");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    world.perform("r", write("run.sh", "b\n")).await;
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o755);
}

#[tokio::test]
async fn what_is_no_small_text_is_refused() {
    let world = World::with(&[("big.txt", &"x".repeat(1024 * 1024 + 1))]).await;
    world.perform("r", Operation::Open).await;
    std::fs::write(world.tree("r").join("binary"), [0xff, 0xfe]).unwrap();
    assert_eq!(
        world.refused("r", read("big.txt")).await.code,
        "file_too_large"
    );
    assert_eq!(
        world.refused("r", read("binary")).await.code,
        "file_not_text"
    );
    let big = "x".repeat(1024 * 1024 + 1);
    assert_eq!(
        world.refused("r", write("new.txt", &big)).await.code,
        "file_too_large"
    );
    assert!(!world.tree("r").join("new.txt").exists());
    world.perform("r", write("new.txt", &big[1..])).await;
}

#[tokio::test]
async fn no_path_leads_out() {
    let world = World::with(&[("a.txt", "in\n")]).await;
    world.perform("r", Operation::Open).await;
    put(&world.path().join("root/trees/outside.txt"), "out\n");
    for path in [
        "../outside.txt",
        "/etc/hostname",
        "a/../../outside.txt",
        ".git",
        ".git/config",
        ".GIT/HEAD",
    ] {
        for operation in [
            read(path),
            write(path, "x"),
            edit(path, "out", "x"),
            delete(path),
            rename(path, "x"),
            rename("a.txt", path),
            Operation::ReadTree {
                path: path.into(),
                depth: 0,
                limit: 0,
            },
            Operation::Search {
                pattern: "o".into(),
                path: Some(path.into()),
                limit: 0,
                regex: false,
            },
            Operation::RunCommand {
                argv: vec!["ls".into()],
                timeout_seconds: None,
                directory: Some(path.into()),
            },
        ] {
            let shown = format!("{operation:?}");
            assert_eq!(
                world.refused("r", operation).await.code,
                "path_outside_workspace",
                "{shown}"
            );
        }
    }
    assert_eq!(
        std::fs::read_to_string(world.path().join("root/trees/outside.txt")).unwrap(),
        "out\n"
    );
}

#[tokio::test]
async fn no_link_leads_out_even_if_a_command_made_it() {
    let world = World::with(&[("a.txt", "in\n"), ("d/b.txt", "in\n")]).await;
    let outside = world.path().join("outside");
    put(&outside.join("secret.txt"), "secret\n");
    let links = format!(
        "ln -s {0} dir && ln -s {0}/secret.txt file && ln -s {0}/new.txt dangling && ln -s .git git && ln -s d inner",
        outside.display()
    );
    let (code, output) = world.script("r", &links).await;
    assert_eq!(code, Some(0), "{output}");
    for operation in [
        read("dir/secret.txt"),
        read("file"),
        read("git"),
        write("dir/new.txt", "x"),
        write("file", "x"),
        write("dangling", "x"),
        write("inner/new.txt", "x"),
        write("git", "x"),
        edit("file", "secret", "x"),
        delete("dir/secret.txt"),
        rename("dir/secret.txt", "mine.txt"),
        rename("a.txt", "dir/a.txt"),
        Operation::RunCommand {
            argv: vec!["ls".into()],
            timeout_seconds: None,
            directory: Some("dir".into()),
        },
    ] {
        let shown = format!("{operation:?}");
        let error = world.refused("r", operation).await;
        assert_eq!(
            error.code, "path_outside_workspace",
            "{shown}: {}",
            error.message
        );
    }
    let names: Vec<_> = std::fs::read_dir(&outside)
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(names, ["secret.txt"]);
    assert_eq!(
        std::fs::read_to_string(outside.join("secret.txt")).unwrap(),
        "secret\n"
    );
    // A link that stays inside can be read through, and any link can be removed.
    assert_eq!(world.read("r", "inner/b.txt").await, "in\n");
    world.perform("r", delete("file")).await;
    assert!(outside.join("secret.txt").exists());
}

#[tokio::test]
async fn a_tree_that_was_replaced_by_a_link_is_not_followed_when_it_is_removed() {
    let world = World::with(&[]).await;
    world.perform("r", Operation::Open).await;
    let outside = world.path().join("outside");
    put(&outside.join("keep.txt"), "keep\n");
    symlink(&outside, world.tree("r").join("dir")).unwrap();
    world.perform("r", Operation::Close).await;
    assert!(outside.join("keep.txt").exists());
}
