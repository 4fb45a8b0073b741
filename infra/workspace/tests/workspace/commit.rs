use loom_workspace::{Operation, Outcome};

use crate::support::{World, commit, delete, text, write};

#[tokio::test]
async fn a_commit_has_trailers_and_only_the_runs_files() {
    let world = World::with(&[
        ("a.txt", "1\n"),
        ("gone.txt", "1\n"),
        (".gitignore", "*.log\n"),
    ])
    .await;
    world.perform("r", write("a.txt", "2\n")).await;
    world.perform("r", write("dir/new file.txt", "2\n")).await;
    world.perform("r", write("x.log", "2\n")).await;
    world.perform("r", delete("gone.txt")).await;
    // Somebody else's changes in the repository's own working copy.
    std::fs::write(world.repository().join("theirs.txt"), "theirs").unwrap();
    let call = world.call(
        "r",
        1,
        "r:7:0",
        commit(&format!("Fix {}\n\nBody.", "the sum ".repeat(20))),
    );
    let done = loom_workspace::Workspace::perform(&world.client(), call)
        .await
        .unwrap();
    let Outcome::Committed { commit, files } = done else {
        panic!("{done:?}")
    };
    assert_eq!(files, ["a.txt", "dir/new file.txt", "gone.txt"]);
    let message = world.git(&["show", "-s", "--format=%an|%cn|%B", &commit]);
    assert!(
        message.starts_with("ada|Loom|Fix the sum the sum"),
        "{message}"
    );
    assert!(message.lines().next().unwrap().len() <= 72 + "ada|Loom|".len());
    assert!(
        message.ends_with("Body.\n\nBead: bd-r\nAgent: ada\nRun: r\nStep: r:7:0"),
        "{message}"
    );
    let trailers = world.git(&[
        "show",
        "-s",
        "--format=%(trailers:key=Bead,valueonly)",
        &commit,
    ]);
    assert_eq!(trailers.trim(), "bd-r");
    assert_eq!(world.git(&["rev-parse", "agent/bd-r/fix-the-sum"]), commit);
    let status = text(world.perform("r", Operation::Status).await);
    assert_eq!(status, "");
}

#[tokio::test]
async fn nothing_to_commit_is_refused() {
    let world = World::with(&[("a.txt", "1\n")]).await;
    assert_eq!(
        world.refused("r", commit("x")).await.code,
        "nothing_to_commit"
    );
    world.change("r", "a.txt", "2\n").await;
    assert_eq!(
        world.refused("r", commit("x")).await.code,
        "nothing_to_commit"
    );
}

#[tokio::test]
async fn a_secret_is_not_committed_and_not_repeated() {
    let world = World::with(&[("a.txt", "1\n")]).await;
    let secret: String = "s3cr3tV4lu3".chars().cycle().take(30).collect();
    world
        .perform(
            "r",
            write(
                "conf/x.toml",
                &format!("# settings\napi_key = \"{secret}\"\n"),
            ),
        )
        .await;
    world
        .perform("r", write(".gitattributes", "*.toml binary -diff\n"))
        .await;
    let error = world.refused("r", commit("x")).await;
    assert_eq!(error.code, "secret_found");
    assert!(error.message.contains("conf/x.toml:2"), "{}", error.message);
    assert!(!format!("{error:?}").contains(&secret[..8]));
    // Nothing is half done: taken out of the file, the rest is committed.
    world
        .perform("r", write("conf/x.toml", "# settings\n"))
        .await;
    let Outcome::Committed { files, .. } = world.perform("r", commit("x")).await else {
        panic!()
    };
    assert_eq!(files, [".gitattributes", "conf/x.toml"]);
}

#[tokio::test]
async fn a_repository_in_the_worktree_is_not_committed() {
    let world = World::with(&[]).await;
    world.perform("r", Operation::Open).await;
    let nested = world.tree("r").join("nested");
    std::fs::create_dir(&nested).unwrap();
    crate::support::git(&nested, &["init", "--quiet"]);
    crate::support::git(&nested, &["commit", "--quiet", "--allow-empty", "-m", "x"]);
    assert_eq!(
        world.refused("r", commit("x")).await.code,
        "nested_repository"
    );
}

#[tokio::test]
async fn a_forged_git_file_redirects_nothing() {
    let world = World::with(&[("a.txt", "1\n")]).await;
    world.perform("r", write("a.txt", "2\n")).await;
    // Configuration that would start a program, in a repository that the worktree claims to belong to.
    let script = "git() { :; }; mkdir -p evil/objects evil/refs && echo 'ref: refs/heads/x' > evil/HEAD && \
        printf '[core]\\n\\tfsmonitor = touch pwned\\n\\tworktree = .\\n' > evil/config && echo 'gitdir: evil' > .git";
    assert_eq!(world.script("r", script).await.0, Some(0));
    world.perform("r", Operation::Status).await;
    world.perform("r", Operation::Diff).await;
    world.perform("r", commit("x")).await;
    assert!(!world.tree("r").join("pwned").exists());
    assert_eq!(world.git(&["show", "agent/bd-r/fix-the-sum:a.txt"]), "2");
    world.perform("r", Operation::Close).await;
    assert!(!world.tree("r").exists());
}

#[tokio::test]
async fn hooks_and_filters_of_the_worktree_do_not_run() {
    let world = World::with(&[("a.txt", "1\n")]).await;
    let hook = world.repository().join(".git/hooks/pre-commit");
    crate::support::put(&hook, "#!/bin/sh\nexit 1\n");
    std::os::unix::fs::PermissionsExt::set_mode(&mut hook.metadata().unwrap().permissions(), 0o755);
    world.change("r", "a.txt", "2\n").await;
}

#[tokio::test]
async fn status_diff_and_log_show_the_work() {
    let world = World::with(&[("a.txt", "1\n")]).await;
    world.change("r", "a.txt", "2\n").await;
    world.perform("r", write("a.txt", "3\n")).await;
    world.perform("r", write("new.txt", "new\n")).await;
    let status = text(world.perform("r", Operation::Status).await);
    assert_eq!(status, " M a.txt\n?? new.txt\n");
    // Since the base branch, committed or not, with new files, and without the base branch's own changes.
    world.change("other", "other.txt", "x\n").await;
    world.perform("other", Operation::Merge).await;
    let diff = text(world.perform("r", Operation::Diff).await);
    assert!(
        diff.contains("-1\n+3\n") && diff.contains("+++ b/new.txt\n@@ -0,0 +1 @@\n+new\n"),
        "{diff}"
    );
    assert!(!diff.contains("other.txt"), "{diff}");
    let log = text(world.perform("r", Operation::Log { limit: 1 }).await);
    assert!(
        log.contains("ada: Change it") && log.lines().count() == 1,
        "{log}"
    );
    // A diff leaves the index as it was.
    assert_eq!(text(world.perform("r", Operation::Status).await), status);
}

#[tokio::test]
async fn a_run_goes_on_where_an_earlier_one_ended() {
    let world = World::with(&[("a.txt", "1\n")]).await;
    let first = world.change("r", "a.txt", "2\n").await;
    let mut open = world.call("s", 1, "s:open", Operation::Open);
    open.run.continues = Some("agent/bd-r/fix-the-sum".into());
    let opened = loom_workspace::Workspace::perform(&world.client(), open)
        .await
        .unwrap();
    let Outcome::Opened { branch, .. } = opened else {
        panic!("{opened:?}")
    };
    assert_eq!(world.git(&["rev-parse", &branch]), first);
    let diff = text(world.perform("s", Operation::Diff).await);
    assert!(
        diff.contains("+2"),
        "what it goes on with is part of what it brings: {diff}"
    );
    let Outcome::Merged { commit, .. } = world.perform("s", Operation::Merge).await else {
        panic!("it was not merged")
    };
    assert_eq!(world.git(&["show", &format!("{commit}:a.txt")]), "2");
    // A branch that is not there, or is no agent's, is no beginning.
    for (run, other) in [("t", "agent/bd-x/gone"), ("u", "main")] {
        let mut open = world.call(run, 1, &format!("{run}:open"), Operation::Open);
        open.run.continues = Some(other.into());
        let opened = loom_workspace::Workspace::perform(&world.client(), open).await;
        assert!(matches!(opened, Ok(Outcome::Opened { .. })), "{opened:?}");
        let head = text(world.perform(run, Operation::Log { limit: 1 }).await);
        assert!(head.contains("Merge bd-s"), "{head}");
    }
}
