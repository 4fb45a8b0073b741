use loom_workspace::{EntryKind, Operation, Outcome, SearchMatch};

use crate::support::{World, put, text};

async fn world() -> World {
    World::with(&[
        (".gitignore", "/target\n*.log\n"),
        ("AGENTS.md", "Be careful.\n"),
        ("src/lib.rs", "pub fn sum(a: u32) {}\npub fn Sum2() {}\n"),
        ("src/deep/er/mod.rs", "// sum it up\n"),
        ("src/deep/.gitignore", "hidden.rs\n"),
        ("src/deep/hidden.rs", "sum\n"),
        ("target/out.rs", "sum\n"),
        (".github/ci.yml", "sum\n"),
        ("a.log", "sum\n"),
    ])
    .await
}

fn tree(path: &str, depth: u32, limit: u32) -> Operation {
    Operation::ReadTree {
        path: path.into(),
        depth,
        limit,
    }
}

fn search(pattern: &str, path: &str, limit: u32, regex: bool) -> Operation {
    Operation::Search {
        pattern: pattern.into(),
        path: Some(path.into()),
        limit,
        regex,
    }
}

async fn paths(world: &World, operation: Operation) -> (Vec<String>, bool) {
    match world.perform("r", operation).await {
        Outcome::Tree { entries, truncated } => {
            (entries.into_iter().map(|e| e.path).collect(), truncated)
        }
        Outcome::Matches {
            matches, truncated, ..
        } => (
            matches
                .into_iter()
                .map(|m| format!("{}:{}", m.path, m.line))
                .collect(),
            truncated,
        ),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_tree_leaves_out_what_git_ignores() {
    let world = world().await;
    let all = [
        ".github",
        ".github/ci.yml",
        ".gitignore",
        "AGENTS.md",
        "src",
        "src/deep",
        "src/deep/.gitignore",
        "src/deep/er",
        "src/deep/er/mod.rs",
        "src/lib.rs",
    ];
    assert_eq!(
        paths(&world, tree("", 0, 0)).await,
        (all.map(String::from).to_vec(), false)
    );
    assert_eq!(
        paths(&world, tree("", 1, 0)).await.0,
        [".github", ".gitignore", "AGENTS.md", "src"]
    );
    assert_eq!(
        paths(&world, tree("src/deep", 1, 0)).await.0,
        ["src/deep/.gitignore", "src/deep/er"]
    );
    assert_eq!(
        paths(&world, tree("", 0, 3)).await,
        (all[..3].iter().map(|p| (*p).to_owned()).collect(), true)
    );
    assert_eq!(
        world.refused("r", tree("nope", 0, 0)).await.code,
        "file_not_found"
    );
}

#[tokio::test]
async fn a_tree_says_what_things_are() {
    let world = world().await;
    world.script("r", "ln -s /etc etc").await;
    let Outcome::Tree { entries, .. } = world.perform("r", tree("", 1, 0)).await else {
        panic!()
    };
    let found: Vec<(&str, EntryKind, u64)> = entries
        .iter()
        .map(|e| (e.path.as_str(), e.kind, e.bytes))
        .collect();
    assert!(found.contains(&("etc", EntryKind::Symlink, 0)));
    assert!(found.contains(&("src", EntryKind::Directory, 0)));
    assert!(found.contains(&("AGENTS.md", EntryKind::File, 12)));
}

#[tokio::test]
async fn ignore_files_above_the_worktree_do_not_count() {
    let world = world().await;
    put(&world.path().join(".gitignore"), "*\n");
    put(&world.path().join("root/.gitignore"), "*\n");
    assert_eq!(paths(&world, tree("", 1, 0)).await.0.len(), 4);
}

#[tokio::test]
async fn text_is_found_by_line() {
    let world = world().await;
    assert_eq!(
        paths(&world, search("sum", "", 0, false)).await.0,
        [".github/ci.yml:1", "src/deep/er/mod.rs:1", "src/lib.rs:1"]
    );
    assert_eq!(
        paths(&world, search("sum", "src/deep", 0, false)).await.0,
        ["src/deep/er/mod.rs:1"]
    );
    assert_eq!(
        paths(&world, search("sum", "src/lib.rs", 0, false)).await.0,
        ["src/lib.rs:1"]
    );
    assert_eq!(
        paths(&world, search("(a: u32)", "", 0, false)).await.0,
        ["src/lib.rs:1"]
    );
    assert_eq!(
        paths(&world, search(r"fn \w+2", "", 0, true)).await.0,
        ["src/lib.rs:2"]
    );
    assert_eq!(
        paths(&world, search("sum", "", 1, false)).await,
        (vec![".github/ci.yml:1".into()], true)
    );
    let Outcome::Matches { matches, .. } = world.perform("r", search("Sum2", "", 0, false)).await
    else {
        panic!()
    };
    assert_eq!(
        matches,
        [SearchMatch {
            path: "src/lib.rs".into(),
            line: 2,
            text: "pub fn Sum2() {}".into()
        }]
    );
}

#[tokio::test]
async fn a_bad_pattern_is_refused() {
    let world = world().await;
    for (pattern, regex) in [("(", true), ("", false), (&*"x".repeat(2000), false)] {
        assert_eq!(
            world.refused("r", search(pattern, "", 0, regex)).await.code,
            "invalid_pattern"
        );
    }
    assert_eq!(
        world.refused("r", search("a", "nope", 0, false)).await.code,
        "file_not_found"
    );
}

#[tokio::test]
async fn links_are_not_searched() {
    let world = world().await;
    put(&world.path().join("outside/x.txt"), "needle\n");
    world
        .script(
            "r",
            &format!(
                "ln -s {}/outside out; ln -s {}/outside/x.txt x",
                world.path().display(),
                world.path().display()
            ),
        )
        .await;
    assert_eq!(
        paths(&world, search("needle", "", 0, false)).await.0,
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn the_projects_instructions_are_read() {
    let world = world().await;
    assert_eq!(
        text(world.perform("r", Operation::Instructions).await),
        "Be careful.\n"
    );
    let without = World::with(&[]).await;
    assert_eq!(
        text(without.perform("r", Operation::Instructions).await),
        ""
    );
}
