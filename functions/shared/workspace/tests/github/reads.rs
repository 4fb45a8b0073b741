use loom_github_double::NewRepository;
use loom_workspace::{EntryKind, Operation, Outcome};

use crate::support::{World, delete, read, rename, repository, write};

fn files() -> NewRepository {
    repository()
        .file("AGENTS.md", "Be careful.\n")
        .file("src/lib.rs", "pub fn sum(a: u32) {}\r\npub fn Sum2() {}\n")
        .file("src/deep/er/mod.rs", "// sum it up\n")
        .file("src-gen/x.rs", "// generated\n")
        .file_with_mode("run.sh", "100755", b"#!/bin/sh\n")
        .file_with_mode("docs/link.md", "120000", b"../AGENTS.md")
        .file_with_mode("docs/out", "120000", b"../../etc/passwd")
        .file_with_mode("docs/dangling", "120000", b"nothing")
        .file_with_mode("logo.png", "100644", b"\x89PNG\0sum\xff")
}

fn tree(path: &str, depth: u32, limit: u32) -> Operation {
    Operation::ReadTree {
        path: path.into(),
        depth,
        limit,
    }
}

fn search(pattern: &str, path: &str, regex: bool) -> Operation {
    Operation::Search {
        pattern: pattern.into(),
        path: Some(path.into()),
        limit: 0,
        regex,
    }
}

async fn paths(world: &World, operation: Operation) -> (Vec<String>, bool) {
    match world.perform("r", operation).await {
        Outcome::Tree { entries, truncated } => {
            (entries.into_iter().map(|e| e.path).collect(), truncated)
        }
        Outcome::Matches {
            matches,
            truncated,
            unsearched,
        } => {
            assert_eq!(unsearched, 0);
            let found = matches
                .into_iter()
                .map(|m| format!("{}:{}", m.path, m.line));
            (found.collect(), truncated)
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn files_are_read_as_they_are() {
    let world = World::with(files()).await;
    assert_eq!(
        world.perform("r", read("./src//lib.rs")).await,
        Outcome::File {
            path: "src/lib.rs".into(),
            content: "pub fn sum(a: u32) {}\r\npub fn Sum2() {}\n".into(),
            first_line: 1,
            last_line: 2,
            total_lines: 2,
            truncated: false,
        }
    );
    assert_eq!(world.content("r", "docs/link.md").await, "Be careful.\n");
    assert_eq!(
        world.text("r", Operation::Instructions).await,
        "Be careful.\n"
    );
    for (path, code) in [
        ("src", "not_a_file"),
        ("src/none.rs", "file_not_found"),
        ("run.sh/x", "file_not_found"),
        ("docs/dangling", "file_not_found"),
        ("docs/link.md/x", "path_outside_workspace"),
        ("docs/out", "path_outside_workspace"),
        ("../../x", "path_outside_workspace"),
        (".git/config", "path_outside_workspace"),
        ("logo.png", "file_not_text"),
    ] {
        assert_eq!(world.refused("r", read(path)).await.code, code, "{path}");
    }
}

#[tokio::test]
async fn a_large_file_is_refused_and_one_of_a_mebibyte_is_not() {
    let whole = "x".repeat(1024 * 1024);
    let world = World::with(
        repository()
            .file("whole.txt", &whole)
            .file("more.txt", &format!("{whole}x")),
    )
    .await;
    assert_eq!(world.content("r", "whole.txt").await, whole);
    assert_eq!(
        world.refused("r", read("more.txt")).await.code,
        "file_too_large"
    );
}

#[tokio::test]
async fn a_listing_shows_changes_too() {
    let world = World::with(files()).await;
    world.perform("r", write("new/a.rs", "")).await;
    world.perform("r", delete("src/deep/er/mod.rs")).await;
    world.perform("r", rename("run.sh", "bin/run.sh")).await;
    let all = [
        "AGENTS.md",
        "bin",
        "bin/run.sh",
        "docs",
        "docs/dangling",
        "docs/link.md",
        "docs/out",
        "logo.png",
        "new",
        "new/a.rs",
        "src",
        "src/lib.rs",
        "src-gen",
        "src-gen/x.rs",
    ];
    assert_eq!(
        paths(&world, tree("", 0, 0)).await,
        (all.map(str::to_owned).to_vec(), false)
    );
    let (top, _) = paths(&world, tree(".", 1, 0)).await;
    assert_eq!(
        top,
        [
            "AGENTS.md",
            "bin",
            "docs",
            "logo.png",
            "new",
            "src",
            "src-gen"
        ]
    );
    assert_eq!(paths(&world, tree("src", 1, 0)).await.0, ["src/lib.rs"]);
    let (some, truncated) = paths(&world, tree("", 0, 3)).await;
    assert_eq!((some.len(), truncated), (3, true));
    assert_eq!(
        world.refused("r", tree("src/deep", 0, 0)).await.code,
        "file_not_found"
    );
    let Outcome::Tree { entries, .. } = world.perform("r", tree("docs", 0, 0)).await else {
        panic!()
    };
    assert!(
        entries.iter().all(|entry| entry.kind == EntryKind::Symlink),
        "{entries:?}"
    );
}

#[tokio::test]
async fn lines_are_found_in_files_and_in_changes() {
    let world = World::with(files()).await;
    let found = paths(&world, search("sum", "", false)).await;
    assert_eq!(
        found,
        (
            vec!["src/deep/er/mod.rs:1".into(), "src/lib.rs:1".into()],
            false
        )
    );
    world
        .perform("r", write("new.rs", "\n\nlet sum = 1;\n"))
        .await;
    world.perform("r", delete("src/deep/er/mod.rs")).await;
    let found = paths(&world, search(r"(?i)^.*sum\d?\(", "src", true))
        .await
        .0;
    assert_eq!(found, ["src/lib.rs:1", "src/lib.rs:2"]);
    assert_eq!(
        paths(&world, search("sum", "new.rs", false)).await.0,
        ["new.rs:3"]
    );
    assert_eq!(
        world.refused("r", search("(", "", true)).await.code,
        "invalid_pattern"
    );
    assert_eq!(
        world.refused("r", search("x", "none", false)).await.code,
        "file_not_found"
    );
}

#[tokio::test]
async fn what_was_read_once_is_not_fetched_again() {
    let world = World::with(files()).await;
    world.content("r", "src/lib.rs").await;
    paths(&world, search("sum", "", false)).await;
    world.github.forget_requests();
    world.content("r2", "src/lib.rs").await;
    paths(&world, search("Sum2", "", false)).await;
    let blobs = world.github.requests();
    let fetched = blobs
        .iter()
        .filter(|seen| seen.path.contains("/git/blobs/"));
    assert_eq!(fetched.count(), 0);
}

#[tokio::test]
async fn a_tree_that_github_cuts_is_read_by_directories() {
    let mut new = files();
    new.tree_limit = 3;
    let cut = World::with(new).await;
    let whole = World::with(files()).await;
    for operation in [
        tree("", 0, 0),
        tree("src", 0, 0),
        tree("docs", 1, 0),
        search("sum", "", false),
    ] {
        let (here, there) = (
            paths(&cut, operation.clone()).await,
            paths(&whole, operation).await,
        );
        assert_eq!(here, there);
    }
    assert_eq!(
        cut.content("r", "src/deep/er/mod.rs").await,
        "// sum it up\n"
    );
    assert_eq!(
        cut.refused("r", read("src/deep/none")).await.code,
        "file_not_found"
    );
}

#[tokio::test]
async fn a_search_fetches_so_many_files_and_says_how_many_it_left() {
    let mut new = repository();
    for number in 0..510 {
        new = new.file(&format!("f{number:03}"), "needle\n");
    }
    let world = World::with(new).await;
    let Outcome::Matches { unsearched, .. } =
        world.perform("r", search("nowhere", "", false)).await
    else {
        panic!()
    };
    assert_eq!(unsearched, 10);
}

#[tokio::test]
async fn a_run_sees_the_log_of_its_branch() {
    let world = World::with(files()).await;
    world.change("r", "a", "1").await;
    let log = world.text("r", Operation::Log { limit: 1 }).await;
    assert!(log.ends_with(" Ada: Change it\n"), "{log}");
    assert_eq!(
        world
            .text("r", Operation::Log { limit: 0 })
            .await
            .lines()
            .count(),
        2
    );
}

#[tokio::test]
async fn what_is_not_there_is_said() {
    let mut world = World::with(files()).await;
    world.project.branch = "trunk".into();
    assert_eq!(
        world.refused("r", Operation::Open).await.code,
        "base_branch_not_found"
    );
    world.project.repository = format!("{}/acme/none", world.github.url());
    assert_eq!(
        world.refused("r2", Operation::Open).await.code,
        "base_branch_not_found"
    );
    world.project.repository = "/srv/widget".into();
    assert_eq!(
        world.refused("r3", Operation::Open).await.code,
        "not_on_github"
    );
}
