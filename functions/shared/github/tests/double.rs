//! The client and the double of GitHub, over sockets and real Git repositories.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::process::Command;
use std::time::Duration;

use loom_github::{
    CheckStatus, Conclusion, GitHub, IssueChange, LineComment, LogSource, Merge, MergeMethod, Mode,
    NewCommit, NewEntry, NewIssue, NewPull, NewReview, Permission, PullRequest, RateScope,
    Repository, ReviewEvent, Side, State, StateReason, Upsert,
};
use loom_github_double::{
    Config, Fault, FaultKind, GitHub as Double, NewRepository, Permission as Allowed, Running,
};
use loom_platform::native::NativePlatform;

const REPO: &str = "acme/shop";

fn double() -> Running {
    let double = Double::start(Config::default()).unwrap();
    double.create_repository(
        &NewRepository::new("acme", "shop")
            .file("README.md", "# Shop\n")
            .file("src/old.txt", "old\n")
            .tested_by(&["sh", "-c", "echo looking; test -e src/new.sh"]),
    );
    double.allow(REPO, "ada", Allowed::Write);
    double
}

async fn client(double: &Running, variables: &[(&str, &str)]) -> Repository<NativePlatform> {
    let mut builder = NativePlatform::builder().variable("github_url", double.url());
    for (name, value) in variables {
        builder = builder.variable(*name, *value);
    }
    let github = GitHub::load(&builder.build().unwrap()).await.unwrap();
    github.repository("acme", "shop", None)
}

async fn app(double: &Running) -> Repository<NativePlatform> {
    let app = double.app();
    let id = app.id.to_string();
    let variables = [
        ("github_app_id", id.as_str()),
        ("github_app_private_key", app.private_key_pem.as_str()),
    ];
    client(double, &variables).await
}

/// What git itself prints about the repository on disk.
fn git(double: &Running, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .arg("-C")
        .arg(double.git_path(REPO).unwrap())
        .args(arguments)
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {arguments:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

/// A branch with one commit: an executable and binary bytes come, a file goes.
async fn branch(repository: &Repository<NativePlatform>) -> String {
    let main = repository.get_ref("heads/main").await.unwrap().unwrap().sha;
    let tree = repository.get_commit(&main).await.unwrap().tree;
    let blob = repository.create_blob(b"\x00\xff\r\n").await.unwrap();
    let entries = [
        NewEntry::PutText {
            path: String::from("src/new.sh"),
            mode: Mode::Executable,
            text: String::from("echo new\n"),
        },
        NewEntry::Put {
            path: String::from("logo.bin"),
            mode: Mode::File,
            sha: blob.clone(),
        },
        NewEntry::Remove {
            path: String::from("src/old.txt"),
        },
    ];
    let tree = repository.create_tree(Some(&tree), &entries).await.unwrap();
    let commit = NewCommit {
        message: "Add a script\n\nBead: b-1\n",
        tree: &tree,
        parents: std::slice::from_ref(&main),
        author: None,
    };
    let commit = repository.create_commit(&commit).await.unwrap().sha;
    repository
        .create_ref("heads/agent/b-1/script", &main)
        .await
        .unwrap();
    let moved = repository
        .update_ref("heads/agent/b-1/script", &commit)
        .await
        .unwrap();
    assert_eq!(moved.sha, commit);
    assert_eq!(
        repository.get_blob(&blob).await.unwrap().as_ref(),
        b"\x00\xff\r\n"
    );
    commit
}

async fn pull(repository: &Repository<NativePlatform>) -> PullRequest {
    let new = NewPull {
        title: "Add a script",
        body: "Because.",
        head: "agent/b-1/script",
        base: "main",
        draft: false,
    };
    repository.create_pull(&new).await.unwrap()
}

/// Everything that creates something loses its answer once.
fn lose_answers(double: &Running) {
    for (method, path) in [
        ("POST", "/repos/*/git/blobs"),
        ("POST", "/repos/*/git/trees"),
        ("POST", "/repos/*/git/commits"),
        ("POST", "/repos/*/git/refs"),
        ("PATCH", "/repos/*/git/refs/*"),
        ("POST", "/repos/*/pulls"),
        ("POST", "/repos/*/issues/*/comments"),
        ("POST", "/repos/*/pulls/*/reviews"),
        ("PUT", "/repos/*/pulls/*/merge"),
        ("POST", "/app/installations/*/access_tokens"),
    ] {
        double.fault(Fault::next(method, path, FaultKind::LoseReply));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_way_though_every_answer_is_lost_once() {
    let double = double();
    lose_answers(&double);
    let repository = app(&double).await;
    assert_eq!(repository.info().await.unwrap().default_branch, "main");
    let commit = branch(&repository).await;
    let opened = pull(&repository).await;
    assert_eq!(opened.head.sha, commit);
    assert!(opened.author.is("loom-test[bot]"));
    // Asked for again, it is the same.
    assert_eq!(pull(&repository).await.number, opened.number);

    let comparison = repository
        .compare("main", "agent/b-1/script")
        .await
        .unwrap();
    assert_eq!(comparison.commits.len(), 1);
    let mut paths: Vec<&str> = comparison
        .files
        .iter()
        .map(|file| file.path.as_str())
        .collect();
    paths.sort_unstable();
    assert_eq!(paths, ["logo.bin", "src/new.sh", "src/old.txt"]);
    let files = repository.list_pull_files(opened.number).await.unwrap();
    assert_eq!(files.items.len(), 3);

    for expected in [Upsert::Created, Upsert::Unchanged] {
        let (_, did) = repository
            .upsert_marked_comment(opened.number, "bead/b-1", "Working")
            .await
            .unwrap();
        assert_eq!(did, expected);
    }
    let (edited, did) = repository
        .upsert_marked_comment(opened.number, "bead/b-1", "Done")
        .await
        .unwrap();
    assert_eq!(did, Upsert::Updated);
    assert!(edited.body.starts_with("Done"));
    assert_eq!(
        repository
            .list_comments(opened.number)
            .await
            .unwrap()
            .items
            .len(),
        1
    );

    let remark = LineComment {
        path: String::from("src/new.sh"),
        line: 1,
        side: Side::Right,
        start_line: None,
        body: String::from("Say hello."),
    };
    let review = NewReview {
        commit_id: &commit,
        event: ReviewEvent::Comment,
        body: "Read it.",
        marker: "run/r-1",
        comments: std::slice::from_ref(&remark),
    };
    let given = repository
        .create_review(opened.number, &review)
        .await
        .unwrap();
    assert_eq!(
        repository
            .create_review(opened.number, &review)
            .await
            .unwrap()
            .id,
        given.id
    );
    assert_eq!(
        repository
            .list_reviews(opened.number)
            .await
            .unwrap()
            .items
            .len(),
        1
    );
    let remarks = repository
        .list_review_comments(opened.number)
        .await
        .unwrap();
    assert_eq!((remarks.items.len(), remarks.items[0].line), (1, Some(1)));

    let merge = Merge {
        sha: &commit,
        method: MergeMethod::Squash,
        title: "Add a script (#1)",
        message: "Bead: b-1",
    };
    let merged = repository.merge_pull(opened.number, &merge).await.unwrap();
    let main = repository.get_ref("heads/main").await.unwrap().unwrap();
    assert_eq!(merged.sha, main.sha);
    assert!(
        repository
            .merge_pull(opened.number, &merge)
            .await
            .unwrap()
            .before
    );
    assert!(
        repository
            .delete_ref("heads/agent/b-1/script")
            .await
            .unwrap()
    );
    assert!(
        !repository
            .delete_ref("heads/agent/b-1/script")
            .await
            .unwrap()
    );

    let lost = |seen: &&loom_github_double::RequestSeen| seen.reply_lost;
    assert_eq!(double.requests().iter().filter(lost).count(), 10);
    git(&double, &["fsck", "--strict"]);
    assert_eq!(git(&double, &["rev-list", "--count", "main"]).trim(), "2");
    let tree = git(&double, &["ls-tree", "-r", "main"]);
    assert!(
        tree.contains("100755 blob") && !tree.contains("old.txt"),
        "{tree}"
    );
    assert_eq!(
        git(&double, &["log", "-1", "--format=%s", "main"]).trim(),
        "Add a script (#1)"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_that_moved_is_a_conflict() {
    let double = double();
    let repository = app(&double).await;
    let ours = branch(&repository).await;
    double.commit(
        REPO,
        "main",
        "ada",
        "Meanwhile",
        &[loom_github_double::FileSpec::text("a", "a\n")],
    );
    let error = repository
        .update_ref("heads/main", &ours)
        .await
        .unwrap_err();
    assert_eq!(error.code(), "github_conflict", "{error}");
    // On the branch that it was made for it is in place, and being asked again changes nothing.
    let again = repository
        .update_ref("heads/agent/b-1/script", &ours)
        .await
        .unwrap();
    assert_eq!(again.sha, ours);
    let missing = repository
        .update_ref("heads/none", &ours)
        .await
        .unwrap_err();
    assert_eq!(missing.code(), "github_not_found", "{missing}");
    let elsewhere = repository
        .create_ref("heads/main", &ours)
        .await
        .unwrap_err();
    assert_eq!(elsewhere.code(), "github_conflict", "{elsewhere}");
    let refs = repository.matching_refs("heads/agent/").await.unwrap();
    assert_eq!(refs.items.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn issues_people_and_a_plain_token() {
    let double = double();
    double.allow(REPO, "loom", Allowed::Write);
    let token = double.token("loom");
    let repository = client(&double, &[("github_token", token.as_str())]).await;
    assert_eq!(repository.github().viewer().await.unwrap().login, "loom");
    let new = NewIssue {
        title: "It breaks",
        body: "When I push the button.",
        labels: &["bug"],
        marker: "bead/b-2",
    };
    double.fault(Fault::next("POST", "/repos/*/issues", FaultKind::LoseReply));
    let issue = repository.create_issue(&new).await.unwrap();
    assert_eq!(
        repository.create_issue(&new).await.unwrap().number,
        issue.number
    );
    let labels = repository.add_labels(issue.number, &["P1"]).await.unwrap();
    assert_eq!(labels.len(), 2);
    assert!(repository.remove_label(issue.number, "bug").await.unwrap());
    assert!(!repository.remove_label(issue.number, "bug").await.unwrap());
    let change = IssueChange {
        state: Some(State::Closed),
        state_reason: Some(StateReason::Completed),
        ..IssueChange::default()
    };
    let closed = repository
        .update_issue(issue.number, &change)
        .await
        .unwrap();
    assert_eq!(
        (closed.state, closed.labels),
        (State::Closed, vec![String::from("P1")])
    );
    assert_eq!(
        repository.permission("ada").await.unwrap(),
        Permission::Write
    );
    assert!(!repository.permission("stranger").await.unwrap().can_write());
    assert_eq!(repository.get_issue(99).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn checks_run_and_their_logs_are_read() {
    let double = double();
    let repository = app(&double).await;
    let commit = branch(&repository).await;
    pull(&repository).await;
    assert!(double.settle(Duration::from_secs(60)));
    let runs = repository.workflow_runs(&commit).await.unwrap();
    let run = runs.items.first().unwrap();
    assert_eq!(
        (run.status, run.conclusion),
        (CheckStatus::Completed, Some(Conclusion::Success))
    );
    let jobs = repository.jobs(run.id).await.unwrap();
    let log = repository
        .job_log_tail(jobs.items[0].id, 10_000)
        .await
        .unwrap();
    assert_eq!(log.source, LogSource::Log);
    assert!(log.text.contains("looking"), "{}", log.text);
    let checks = repository.check_runs(&commit).await.unwrap();
    assert!(
        checks
            .items
            .iter()
            .all(|check| check.conclusion.unwrap().is_passing())
    );
    assert!(checks.complete && !checks.items.is_empty());
    repository.combined_status(&commit).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_revoked_tokens_and_failures() {
    let double = double();
    let repository = app(&double).await;
    repository.info().await.unwrap();
    double.expire_app_tokens();
    // The token that is remembered no longer works; another is got.
    repository.get_ref("heads/main").await.unwrap().unwrap();
    double.fault(Fault::next(
        "GET",
        "/repos/*/git/ref/*",
        FaultKind::ServerError,
    ));
    repository.get_ref("heads/main").await.unwrap().unwrap();
    double.fault(Fault::next("GET", "/repos/*/git/ref/*", FaultKind::Drop));
    repository.get_ref("heads/main").await.unwrap().unwrap();
    for (kind, expected) in [
        (
            FaultKind::SecondaryLimit {
                status: 403,
                retry_after: None,
            },
            RateScope::Secondary,
        ),
        (
            FaultKind::SecondaryLimit {
                status: 429,
                retry_after: Some(7),
            },
            RateScope::Secondary,
        ),
        (
            FaultKind::PrimaryLimit { reset_seconds: 90 },
            RateScope::Primary,
        ),
    ] {
        double.fault(Fault::next("GET", "/repos/*/git/ref/*", kind));
        let error = repository.get_ref("heads/main").await.unwrap_err();
        let loom_github::GithubError::RateLimited { scope, .. } = error else {
            panic!("{error:?}");
        };
        assert_eq!(scope, expected);
    }
}
