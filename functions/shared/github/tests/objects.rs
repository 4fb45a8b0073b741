//! Git's objects over the API: bytes, modes, dates, and what is kept of them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use common::{Stub, lost, message, told};
use loom_domain::time::Timestamp;
use loom_github::{
    ComparisonStatus, FileStatus, LARGEST_BLOB, Mode, NewCommit, NewEntry, Person, Protection,
};
use serde_json::{Value, json};

const SHA: &str = "0123456789abcdef0123456789abcdef01234567";

#[tokio::test]
async fn any_bytes_come_back_and_are_fetched_once() {
    let bytes: Vec<u8> = (0..=255).cycle().take(1_000).collect();
    let encoded = {
        use base64::{Engine, engine::general_purpose::STANDARD};
        let text = STANDARD.encode(&bytes);
        // GitHub breaks lines after 60 characters.
        let lines: Vec<&str> = (0..text.len())
            .step_by(60)
            .map(|at| &text[at..text.len().min(at + 60)])
            .collect();
        lines.join("\n") + "\n"
    };
    let stub = Stub::new(move |asked, _| {
        assert!(asked.line.ends_with(&format!("/git/blobs/{SHA}")));
        told(
            200,
            &json!({"content": encoded, "encoding": "base64", "sha": SHA, "size": 1000}),
        )
    });
    let github = stub.github().await;
    for _ in 0..2 {
        let read = github
            .repository("acme", "widget", None)
            .get_blob(SHA)
            .await
            .unwrap();
        assert_eq!(read, bytes);
    }
    // What one may read here, another may not.
    github
        .repository("acme", "other", None)
        .get_blob(SHA)
        .await
        .unwrap();
    assert_eq!(stub.asked().len(), 2);
}

#[tokio::test]
async fn large_blobs_are_read_but_not_kept_and_there_is_a_limit() {
    let stub = Stub::new(|asked, _| {
        use base64::{Engine, engine::general_purpose::STANDARD};
        let size = if asked.line.contains("other") {
            LARGEST_BLOB + 1
        } else {
            2 * 1024 * 1024
        };
        told(
            200,
            &json!({"content": STANDARD.encode(vec![7; size]), "encoding": "base64"}),
        )
    });
    let github = stub.github().await;
    let repository = github.repository("acme", "widget", None);
    for _ in 0..2 {
        assert_eq!(
            repository.get_blob(SHA).await.unwrap().len(),
            2 * 1024 * 1024
        );
    }
    assert_eq!(stub.asked().len(), 2);
    let other = github.repository("acme", "other", None);
    assert_eq!(common::code(other.get_blob(SHA).await), "github_too_large");
    assert_eq!(
        common::code(repository.create_blob(&vec![0; LARGEST_BLOB + 1]).await),
        "github_too_large"
    );
}

#[tokio::test]
async fn broken_base64_is_an_error() {
    let stub = Stub::new(|_, _| told(200, &json!({"content": "a*b", "encoding": "base64"})));
    assert_eq!(
        common::code(stub.repository().await.get_blob(SHA).await),
        "github_unreadable"
    );
}

#[tokio::test]
async fn what_is_content_addressed_is_sent_again_when_its_answer_is_lost() {
    let stub = Stub::new(|_, before| match before {
        0 => lost(),
        _ => told(
            201,
            &json!({"sha": SHA, "message": "m", "tree": {"sha": "t"}, "parents": []}),
        ),
    });
    let repository = stub.repository().await;
    assert_eq!(repository.create_blob(b"\x00\xff").await.unwrap(), SHA);
    assert_eq!(repository.create_tree(None, &[]).await.unwrap(), SHA);
    let author = Person {
        name: String::from("Loom agent"),
        email: String::from("agent@loom.local"),
        date: Timestamp(1_795_507_200_987),
    };
    let commit = NewCommit {
        message: "m",
        tree: "t",
        parents: &[String::from("p")],
        author: Some(&author),
    };
    assert_eq!(repository.create_commit(&commit).await.unwrap().sha, SHA);
    let asked = stub.asked();
    assert_eq!(asked.len(), 6);
    assert_eq!(
        asked[0].body,
        json!({"content": "AP8=", "encoding": "base64"})
    );
    // The same twice, so the same id: nothing of it is left to GitHub's clock.
    assert_eq!(asked[4].body, asked[5].body);
    let person =
        json!({"name": "Loom agent", "email": "agent@loom.local", "date": "2026-11-24T08:00:00Z"});
    assert_eq!(
        asked[5].body,
        json!({"message": "m", "tree": "t", "parents": ["p"], "author": person, "committer": person})
    );
}

#[tokio::test]
async fn a_commit_without_author_is_left_for_github_to_sign() {
    let stub = Stub::new(|_, _| {
        told(
            201,
            &json!({"sha": SHA, "message": "m", "tree": {"sha": "t"}, "parents": [{"sha": "p"}],
            "author": {"name": "loom[bot]", "email": "x", "date": "2026-11-24T08:00:00Z"},
            "committer": {"name": "GitHub", "email": "y", "date": "2026-11-24T08:00:00Z"},
            "verification": {"verified": true, "reason": "valid"}, "html_url": "u"}),
        )
    });
    let commit = NewCommit {
        message: "m",
        tree: "t",
        parents: &[],
        author: None,
    };
    let made = stub
        .repository()
        .await
        .create_commit(&commit)
        .await
        .unwrap();
    assert!(made.verified);
    assert_eq!(made.committer.name, "GitHub");
    assert_eq!(
        stub.asked()[0].body,
        json!({"message": "m", "tree": "t", "parents": []})
    );
}

#[tokio::test]
async fn trees_keep_modes_and_are_fetched_once_by_id() {
    let modes = ["100644", "100755", "120000", "040000", "160000", "100664"];
    let stub = Stub::new(move |asked, _| {
        let entries: Vec<Value> = modes
            .iter()
            .map(|mode| json!({"path": format!("p{mode}"), "mode": mode, "type": "x", "sha": SHA, "size": 3}))
            .collect();
        let truncated = asked.line.contains("recursive=1");
        told(
            200,
            &json!({"sha": SHA, "tree": entries, "truncated": truncated}),
        )
    });
    let repository = stub.repository().await;
    for _ in 0..2 {
        let tree = repository.get_tree(SHA, true).await.unwrap();
        assert!(tree.truncated);
        let read: Vec<Mode> = tree.entries.iter().map(|entry| entry.mode).collect();
        assert_eq!(
            read,
            [
                Mode::File,
                Mode::Executable,
                Mode::Link,
                Mode::Directory,
                Mode::Submodule,
                Mode::File
            ]
        );
        assert!(!repository.get_tree(SHA, false).await.unwrap().truncated);
        // A branch moves.
        repository.get_tree("main", false).await.unwrap();
    }
    assert_eq!(
        stub.count(&format!("GET /repos/acme/widget/git/trees/{SHA}")),
        2
    );
    assert_eq!(stub.count("GET /repos/acme/widget/git/trees/main"), 2);
}

#[tokio::test]
async fn changes_to_a_tree() {
    let stub = Stub::new(|_, _| told(201, &json!({"sha": SHA, "tree": []})));
    let path = |path: &str| String::from(path);
    let entries = [
        NewEntry::Put {
            path: path("bin/run"),
            mode: Mode::Executable,
            sha: path(SHA),
        },
        NewEntry::Put {
            path: path("vendor/x"),
            mode: Mode::Submodule,
            sha: path(SHA),
        },
        NewEntry::PutText {
            path: path("link"),
            mode: Mode::Link,
            text: path("bin/run"),
        },
        NewEntry::Remove { path: path("old") },
    ];
    stub.repository()
        .await
        .create_tree(Some("base"), &entries)
        .await
        .unwrap();
    assert_eq!(
        stub.asked()[0].body,
        json!({"base_tree": "base", "tree": [
            {"path": "bin/run", "mode": "100755", "type": "blob", "sha": SHA},
            {"path": "vendor/x", "mode": "160000", "type": "commit", "sha": SHA},
            {"path": "link", "mode": "120000", "type": "blob", "content": "bin/run"},
            {"path": "old", "mode": "100644", "type": "blob", "sha": null},
        ]})
    );
}

#[tokio::test]
async fn comparisons_say_what_is_missing() {
    let stub = Stub::new(|asked, _| {
        let total = if asked.line.contains("many") { 9 } else { 1 };
        told(
            200,
            &json!({
                "status": "diverged", "ahead_by": 1, "behind_by": 2, "total_commits": total,
                "merge_base_commit": {"sha": "base"},
                "commits": [{"sha": "c", "parents": [], "commit": {"message": "m", "tree": {"sha": "t"},
                    "author": null, "committer": null}}],
                "files": [
                    {"filename": "new.rs", "previous_filename": "old.rs", "status": "renamed", "sha": "f",
                     "additions": 1, "deletions": 0, "patch": "@@ -0,0 +1 @@\n+x"},
                    {"filename": "x.bin", "status": "sideways"},
                ],
            }),
        )
    });
    let repository = stub.repository().await;
    let comparison = repository.compare("main", "agent/x").await.unwrap();
    assert_eq!(
        stub.lines(),
        ["GET /repos/acme/widget/compare/main...agent%2Fx"]
    );
    assert_eq!(comparison.status, ComparisonStatus::Diverged);
    assert_eq!(
        (comparison.merge_base.as_str(), comparison.behind_by),
        ("base", 2)
    );
    assert!(!comparison.truncated);
    assert_eq!(comparison.files[0].previous_path.as_deref(), Some("old.rs"));
    assert_eq!(comparison.files[1].status, FileStatus::Other);
    assert!(repository.compare("main", "many").await.unwrap().truncated);
}

#[tokio::test]
async fn refs_by_prefix_and_of_an_empty_repository() {
    let stub = Stub::new(|asked, _| match asked.line.as_str() {
        "GET /repos/acme/widget/git/matching-refs/heads/agent/b%231?per_page=100" => told(
            200,
            &json!([{"ref": "refs/heads/agent/b#1", "object": {"sha": "aa"}}]),
        ),
        _ => message(409, "Git Repository is empty."),
    });
    let repository = stub.repository().await;
    let listed = repository.matching_refs("heads/agent/b#1").await.unwrap();
    assert_eq!(listed.items[0].name, "heads/agent/b#1");
    assert!(
        repository
            .matching_refs("heads/")
            .await
            .unwrap()
            .items
            .is_empty()
    );
    assert_eq!(repository.get_ref("heads/main").await.unwrap(), None);
}

#[tokio::test]
async fn protection_is_read_as_far_as_allowed() {
    let stub = Stub::new(|asked, _| match asked.line.as_str() {
        "GET /repos/acme/widget/branches/main" | "GET /repos/acme/widget/branches/release" => told(
            200,
            &json!({
            "name": "main", "protected": true,
            "protection": {"enabled": true, "required_status_checks": {"contexts": ["test"]}}}),
        ),
        "GET /repos/acme/widget/branches/main/protection" => told(
            200,
            &json!({
            "required_status_checks": {"contexts": ["test", "lint"]},
            "required_pull_request_reviews": {"required_approving_review_count": 2}}),
        ),
        "GET /repos/acme/widget/branches/agent%2Fx" => {
            told(200, &json!({"name": "agent/x", "protected": false}))
        }
        "GET /repos/acme/widget/branches/release/protection" => {
            message(403, "Resource not accessible")
        }
        "GET /repos/acme/widget/branches/none" => message(404, "Branch not found"),
        other => panic!("{other}"),
    });
    let repository = stub.repository().await;
    let main = repository.branch_protection("main").await.unwrap().unwrap();
    assert_eq!(
        (main.required_approvals, main.details_known),
        (Some(2), true)
    );
    assert_eq!(main.required_checks, ["test", "lint"]);
    let release = repository
        .branch_protection("release")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (release.required_approvals, release.details_known),
        (None, false)
    );
    assert_eq!(release.required_checks, ["test"]);
    let agent = repository
        .branch_protection("agent/x")
        .await
        .unwrap()
        .unwrap();
    let free = Protection {
        details_known: true,
        ..Protection::default()
    };
    assert_eq!(agent, free);
    assert_eq!(repository.branch_protection("none").await.unwrap(), None);
}
