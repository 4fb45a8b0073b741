use loom_github_double::NewRepository;
use loom_workspace::{Operation, Outcome, Workspace};

use crate::support::{REPO, World, commit, delete, edit, rename, repository, write};

fn files() -> NewRepository {
    repository()
        .file("a.rs", "fn a() {}\n")
        .file("dos.txt", "one\r\ntwo\r\n")
        .file("gone", "x\n")
        .file_with_mode("run.sh", "100755", b"echo 1\n")
        .file_with_mode("link", "120000", b"a.rs")
        .file_with_mode("logo.png", "100644", b"\x89PNG\0\xff\r\n\x1a")
}

#[tokio::test]
async fn a_commit_has_author_trailers_and_exactly_the_changed_files() {
    let world = World::with(files()).await;
    let large = "0123456789abcde\n".repeat(64 * 1024);
    assert_eq!(large.len(), 1024 * 1024);
    for operation in [
        edit("a.rs", "{}", "{ 1 }"),
        edit("dos.txt", "two", "three"),
        edit("run.sh", "1", "2"),
        write("large.txt", &large),
        write("empty", ""),
        write("nul", "a\0b"),
        delete("gone"),
        rename("logo.png", "img/logo.png"),
        rename("link", "img/link"),
    ] {
        world.perform("r", operation).await;
    }
    let key = "r:7:0";
    let call = world.call("r", 1, key, commit("Sum it up\n\nBecause.\nBead: forged"));
    let outcome = world.workspace().perform(call).await.unwrap();
    let Outcome::Committed { commit, files } = outcome else {
        panic!("{outcome:?}")
    };
    let branch = world.branch("r").await;
    assert_eq!(branch, "agent/bd-1/fix-the-sum");
    assert_eq!(
        world.github.branch(REPO, &branch).as_deref(),
        Some(commit.as_str())
    );
    world.git(&["fsck", "--strict", "--no-dangling"]);
    let log = world.git(&["log", "-1", "--format=%an <%ae>%n%cn%n%B", &branch]);
    assert_eq!(
        log.trim_end(),
        "Ada <ada@agents.loom.invalid>\nAda\nSum it up\n\nBecause.\n\nBead: bd-1\nAgent: Ada\nRun: r\nStep: r:7:0"
    );
    let names = world.git(&[
        "show",
        "--no-renames",
        "--name-status",
        "--format=",
        &branch,
    ]);
    let expected = [
        "M\ta.rs",
        "M\tdos.txt",
        "A\tempty",
        "D\tgone",
        "A\timg/link",
        "A\timg/logo.png",
        "A\tlarge.txt",
        "D\tlink",
        "D\tlogo.png",
        "A\tnul",
        "M\trun.sh",
    ];
    assert_eq!(names.lines().collect::<Vec<_>>(), expected);
    let mut paths: Vec<&str> = expected.iter().map(|line| &line[2..]).collect();
    paths.sort_unstable();
    assert_eq!(files, paths);
    let modes = world.git(&["ls-tree", "-r", "--format=%(objectmode) %(path)", &branch]);
    for line in ["100755 run.sh", "120000 img/link", "100644 img/logo.png"] {
        assert!(modes.lines().any(|other| other == line), "{modes}");
    }
    let show = |path: &str| world.git(&["show", &format!("{branch}:{path}")]);
    assert_eq!(show("dos.txt"), "one\r\nthree\r\n");
    assert_eq!(show("large.txt"), large);
    assert_eq!(show("nul"), "a\0b");
    assert_eq!(show("img/link"), "a.rs");
    let blob = |place: &str| world.git(&["rev-parse", place]);
    assert_eq!(
        blob(&format!("{branch}:img/logo.png")),
        blob("main:logo.png")
    );
    assert_eq!(world.text("r", Operation::Status).await, "");
    let pushed = world.perform("r", Operation::Push).await;
    assert_eq!(pushed, Outcome::Pushed { branch, commit });
}

#[tokio::test]
async fn commits_follow_each_other_on_one_branch() {
    let world = World::with(files()).await;
    assert_eq!(
        world.refused("r", Operation::Push).await.code,
        "nothing_to_push"
    );
    let first = world.change("r", "a.rs", "1").await;
    let second = world.change("r", "a.rs", "2").await;
    let branch = world.branch("r").await;
    let ids = world.git(&["log", "--format=%H", &format!("main..{branch}")]);
    assert_eq!(ids.lines().collect::<Vec<_>>(), [second, first]);
    assert_eq!(world.content("r", "a.rs").await, "2");
    assert_eq!(
        world.github.branch(REPO, "main"),
        Some(world.git(&["rev-parse", "main"]).trim().to_owned())
    );
}

#[tokio::test]
async fn an_app_leaves_the_author_to_github_so_that_it_signs() {
    let world = World::as_app(files()).await;
    world.change("r", "a.rs", "1").await;
    let branch = world.branch("r").await;
    let log = world.git(&["log", "-1", "--format=%an%n%B", &branch]);
    let bot = format!("{}[bot]", world.github.app().slug);
    assert!(log.starts_with(&format!("{bot}\n")), "{log}");
    assert!(log.contains("\nAgent: Ada\n"), "{log}");
    assert!(
        log.contains("\nCo-authored-by: Ada <ada@agents.loom.invalid>"),
        "{log}"
    );
    let request = world.github.requests();
    let made = request
        .iter()
        .find(|seen| seen.path.ends_with("/git/commits"))
        .unwrap();
    assert!(!made.body.contains("\"author\""), "{}", made.body);
}

#[tokio::test]
async fn a_secret_is_not_committed() {
    let world = World::with(files()).await;
    let secret = format!("const token = \"{}\";\n", "a1B2".repeat(9));
    world
        .perform("r", write("src/a.js", &format!("let x;\n{secret}")))
        .await;
    // Text in the place of a binary file is looked through too.
    world.perform("r", delete("logo.png")).await;
    world.perform("r", write("logo.png", &secret)).await;
    let error = world.refused("r", commit("Add a token")).await;
    assert_eq!(error.code, "secret_found");
    let lines: Vec<(String, u64)> = error.details["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|found| {
            (
                found["path"].as_str().unwrap().to_owned(),
                found["line"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        lines,
        [("logo.png".to_owned(), 1), ("src/a.js".to_owned(), 2)]
    );
    assert!(!error.message.contains("a1B2a1B2"));
    assert_eq!(world.github.branches(REPO), ["main"]);
    assert_eq!(world.requests("POST", "/git/commits"), 0);
}

#[tokio::test]
async fn runs_of_a_bead_have_branches_of_their_own_or_go_on_with_one() {
    let world = World::with(files()).await;
    world.change("r1", "a.rs", "1").await;
    let branch = world.branch("r1").await;
    assert_eq!(world.branch("r2").await, format!("{branch}-2"));
    let go_on = |run: &str, key: &str, operation, from: &str| {
        let mut call = world.call(run, 1, key, operation);
        call.run.continues = Some(from.to_owned());
        call
    };
    let space = world.workspace();
    let opened = space
        .perform(go_on("r3", "k1", Operation::Open, &branch))
        .await
        .unwrap();
    let Outcome::Opened {
        branch: same,
        base_commit,
        ..
    } = opened
    else {
        panic!("{opened:?}")
    };
    assert_eq!(same, branch);
    assert_eq!(base_commit, world.github.branch(REPO, "main").unwrap());
    assert_eq!(world.content("r3", "a.rs").await, "1");
    world.change("r3", "a.rs", "2").await;
    assert_eq!(
        world
            .git(&["log", "--format=%s", &format!("main..{branch}")])
            .lines()
            .count(),
        2
    );
    // A branch of somebody else's is read, and left alone.
    world.push("feature", &[("b", "theirs")]);
    let opened = space
        .perform(go_on("r4", "k2", Operation::Open, "feature"))
        .await
        .unwrap();
    let Outcome::Opened { branch: own, .. } = opened else {
        panic!("{opened:?}")
    };
    assert_ne!(own, "feature");
    assert_eq!(world.content("r4", "b").await, "theirs");
    let before = world.github.branch(REPO, "feature");
    world.change("r4", "b", "ours").await;
    assert_eq!(world.github.branch(REPO, "feature"), before);
    // One that is gone is no reason not to begin.
    let opened = space
        .perform(go_on("r5", "k3", Operation::Open, "agent/bd-1/gone"))
        .await
        .unwrap();
    assert!(matches!(opened, Outcome::Opened { .. }));
}
