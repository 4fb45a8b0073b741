//! Merging.

use loom_github_double::Protection;
use serde_json::json;

use crate::api::{SHOP, commit, git, shop, sound};
use crate::pulls::pull;

#[test]
fn each_method_leaves_its_history() {
    let (github, api) = shop();
    let first = github.branch("acme/shop", "main").unwrap();
    for (method, name) in [("merge", "one"), ("squash", "two"), ("rebase", "three")] {
        let number = pull(&github, &api, name);
        commit(
            &api,
            name,
            "More",
            &[(&format!("{name}-more"), "100755", b"more\n")],
        );
        let url = format!("{SHOP}/pulls/{number}/merge");
        assert_eq!(api.get(&url).status, 404);
        let done = api.put(&url, json!({"merge_method": method})).with(200);
        assert_eq!(done["merged"], true);
        assert_eq!(
            done["sha"].as_str(),
            github.branch("acme/shop", "main").as_deref()
        );
        assert_eq!(api.get(&url).status, 204);
        let shown = api.get(&format!("{SHOP}/pulls/{number}")).with(200);
        assert_eq!(
            (&shown["merged"], &shown["merge_commit_sha"]),
            (&json!(true), &done["sha"])
        );
        assert_eq!(shown["merged_by"]["login"], "loom-test[bot]");
        assert_eq!(
            api.put(&url, json!({})).error(405),
            "Pull Request is not mergeable"
        );
    }
    let path = sound(&github);
    let log = git(
        &path,
        &[
            "log",
            "--first-parent",
            "--format=%s",
            &format!("{first}..main"),
        ],
    );
    assert_eq!(
        log.lines().collect::<Vec<_>>(),
        [
            "More",
            "Work on three",
            "Pull two (#2)",
            "Merge pull request #1 from acme/one"
        ]
    );
    let body = git(
        &path,
        &["log", "-1", "--format=%b", "--grep=Pull two", "main"],
    );
    assert_eq!(body.trim(), "* Work on two\n\n* More");
    assert!(git(&path, &["ls-tree", "main", "three-more"]).starts_with("100755"));
}

#[test]
fn a_head_that_moved_is_not_merged() {
    let (github, api) = shop();
    let number = pull(&github, &api, "one");
    let seen = github.branch("acme/shop", "one").unwrap();
    commit(&api, "one", "More", &[("more", "100644", b"more\n")]);
    let url = format!("{SHOP}/pulls/{number}/merge");
    assert_eq!(
        api.put(&url, json!({"sha": seen})).error(409),
        "Head branch was modified. Review and try the merge again."
    );
    let now = github.branch("acme/shop", "one").unwrap();
    let title = json!({"sha": now, "merge_method": "squash", "commit_title": "A title", "commit_message": "Words"});
    api.put(&url, title).with(200);
    let path = sound(&github);
    assert_eq!(
        git(&path, &["log", "-1", "--format=%B", "main"]).trim_end(),
        "A title\n\nWords"
    );
}

#[test]
fn protection_stands_in_the_way_until_it_is_met() {
    let (github, api) = shop();
    let number = pull(&github, &api, "one");
    let protection = Protection {
        required_checks: vec![String::from("test")],
        required_approvals: 1,
        dismiss_stale_reviews: true,
        ..Protection::default()
    };
    github.protect("acme/shop", "main", protection);
    let url = format!("{SHOP}/pulls/{number}/merge");
    let refusal = || api.put(&url, json!({})).error(405);
    assert_eq!(refusal(), "Required status check \"test\" is expected.");
    let shown = api.get(&format!("{SHOP}/pulls/{number}")).with(200);
    assert_eq!(shown["mergeable_state"], "blocked");
    let head = github.branch("acme/shop", "one").unwrap();
    github.status("acme/shop", "ada", &head, "test", "pending");
    assert_eq!(refusal(), "Required status check \"test\" is pending.");
    github.status("acme/shop", "ada", &head, "test", "failure");
    assert_eq!(refusal(), "Required status check \"test\" is failing.");
    github.status("acme/shop", "ada", &head, "test", "success");
    let review = "At least 1 approving review is required by reviewers with write access.";
    assert_eq!(refusal(), review);
    github.review("acme/shop", "bob", number, "APPROVE", "", &json!(null));
    assert_eq!(refusal(), review, "a reader's approval does not count");
    github.review(
        "acme/shop",
        "ada",
        number,
        "REQUEST_CHANGES",
        "No",
        &json!(null),
    );
    assert_eq!(refusal(), "Changes have been requested.");
    github.review("acme/shop", "ada", number, "APPROVE", "", &json!(null));
    // A push ends the approval, and needs new checks.
    let head = commit(&api, "one", "More", &[("more", "100644", b"more\n")]);
    github.status("acme/shop", "ada", &head, "test", "success");
    assert_eq!(refusal(), review);
    github.review("acme/shop", "ada", number, "APPROVE", "", &json!(null));
    api.put(&url, json!({"sha": head})).with(200);
}

#[test]
fn other_hindrances_are_told() {
    let (github, api) = shop();
    let number = pull(&github, &api, "one");
    let url = format!("{SHOP}/pulls/{number}/merge");
    github.forbid_merges("acme/shop", &["merge"]);
    assert_eq!(
        api.put(&url, json!({})).error(405),
        "Merge commits are not allowed on this repository."
    );
    commit(&api, "main", "Yours", &[("one", "100644", b"other\n")]);
    assert_eq!(
        api.put(&url, json!({"merge_method": "squash"})).error(405),
        "Pull Request is not mergeable"
    );
}

#[test]
fn a_merge_closes_what_its_text_names() {
    let (github, api) = shop();
    let issue = github.open_issue("acme/shop", "bob", "It breaks", "", &[]);
    github.commit("acme/shop", "fix", "ada", "Fix", &[]);
    let number = github.open_pull(
        "acme/shop",
        "ada",
        "Fix",
        "fix",
        "main",
        &format!("Fixes #{issue}"),
    );
    assert_eq!(github.issue("acme/shop", issue).unwrap()["state"], "open");
    api.put(&format!("{SHOP}/pulls/{number}/merge"), json!({}))
        .with(200);
    assert_eq!(github.issue("acme/shop", issue).unwrap()["state"], "closed");
    sound(&github);
}
