//! Two Looms on one real repository, through the workspace service.

use loom_domain::bead_file::read;
use loom_platform::native::NativeHttpClient;
use loom_test_support::git;
use loom_workspace::LocalWorkspace;
use loom_workspace_service::{Config, serve};

use crate::model::{Dice, check, edit};
use crate::support::Loom;

const TOKEN: &str = "workspace-test-token";

async fn on_branch(branch: &str, rounds: usize) {
    let directory = tempfile::tempdir().unwrap();
    let repository = directory.path().join("repository");
    std::fs::create_dir(&repository).unwrap();
    git(&repository, &["init", "--quiet", "--initial-branch=main"]);
    std::fs::write(repository.join("a.txt"), "a\n").unwrap();
    git(&repository, &["add", "--all"]);
    git(&repository, &["commit", "--quiet", "-m", "first"]);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let config = Config {
        root: directory.path().join("root"),
        token: TOKEN.into(),
        allowed_repositories: vec![directory.path().to_owned()],
        ..Config::default()
    };
    let service = tokio::spawn(serve(listener, config));
    let workspace = LocalWorkspace::new(NativeHttpClient::default(), &address, TOKEN);
    let path = repository.to_str().unwrap();
    let (one, two) = (
        Loom::at("aa", path, branch).await,
        Loom::at("bb", path, branch).await,
    );
    let mut dice = Dice(7);
    for round in 0..rounds {
        let base = one.beads().await;
        for loom in [&one, &two] {
            for _ in 0..3 {
                edit(loom, &mut dice, round).await;
            }
        }
        let (mine, theirs) = (one.beads().await, two.beads().await);
        for loom in [&one, &two, &one] {
            loom.sync(&workspace).await;
        }
        let end = one.beads().await;
        assert_eq!(end, two.beads().await, "round {round}");
        let conflicts = [one.conflicts().await, two.conflicts().await].concat();
        check(&base, &mine, &theirs, &end, &conflicts);
    }
    git(&repository, &["fsck", "--strict"]);
    // Only what belongs to beads was touched, and the files say what the Looms have.
    let names = git(&repository, &["log", "--format=", "--name-only", branch]);
    assert!(
        names
            .lines()
            .all(|name| name.is_empty() || name == "a.txt" || name.starts_with(".beads/"))
    );
    for (id, bead) in one.beads().await {
        let pattern = format!(".beads/beads/{id}-*");
        let spec = git(
            &repository,
            &[
                "-c",
                "core.quotePath=false",
                "ls-tree",
                "-r",
                "--name-only",
                branch,
            ],
        );
        let start = pattern.trim_end_matches('*');
        let path = spec.lines().find(|path| path.starts_with(start)).unwrap();
        let text = git(&repository, &["show", &format!("{branch}:{path}")]);
        assert_eq!(read(&text).unwrap(), bead);
    }
    let last = git(&repository, &["log", "-1", "--format=%B", branch]);
    assert!(last.starts_with("Sync beads\n\nLoom-Sync: "), "{last}");
    assert_eq!(git(&repository, &["status", "--short"]), "");
    service.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_looms_share_a_branch_of_its_own() {
    on_branch("beads", 8).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_looms_share_the_default_branch_which_is_checked_out() {
    on_branch("main", 4).await;
}
