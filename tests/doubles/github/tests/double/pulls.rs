//! Pull requests.

use loom_github_double::{NewRepository, Running};
use serde_json::{Value, json};

use crate::api::{Api, SHOP, branch, commit, shop, shop_of};

/// A branch with one commit, and its pull request.
pub(crate) fn pull(github: &Running, api: &Api, name: &str) -> u64 {
    branch(github, api, name);
    commit(
        api,
        name,
        &format!("Work on {name}"),
        &[(name, "100644", b"work\n")],
    );
    let body =
        json!({"title": format!("Pull {name}"), "head": name, "base": "main", "body": "Why."});
    let made = api.post(&format!("{SHOP}/pulls"), body).with(201);
    made["number"].as_u64().unwrap()
}

#[test]
fn there_is_one_pull_request_for_a_branch() {
    let (github, api) = shop();
    let number = pull(&github, &api, "one");
    let again = json!({"title": "Again", "head": "acme:one", "base": "main"});
    let refused = api.post(&format!("{SHOP}/pulls"), again.clone());
    let refused = refused.with(422);
    assert_eq!(refused["message"], "Validation Failed");
    assert_eq!(
        refused["errors"][0]["message"],
        "A pull request already exists for acme:one."
    );
    let found = api
        .get(&format!("{SHOP}/pulls?head=acme:one&state=open&base=main"))
        .with(200);
    assert_eq!(found[0]["number"], json!(number));
    assert_eq!(
        api.get(&format!("{SHOP}/pulls?head=acme:two")).with(200),
        json!([])
    );
    api.patch(
        &format!("{SHOP}/pulls/{number}"),
        json!({"state": "closed"}),
    )
    .with(200);
    api.post(&format!("{SHOP}/pulls"), again).with(201);
}

#[test]
fn a_pull_request_needs_two_branches_that_differ() {
    let (github, api) = shop();
    branch(&github, &api, "same");
    let make = |head: &str, base: &str| {
        api.post(
            &format!("{SHOP}/pulls"),
            json!({"title": "T", "head": head, "base": base}),
        )
    };
    let none = make("same", "main").with(422);
    assert_eq!(
        none["errors"][0]["message"],
        "No commits between main and same"
    );
    assert_eq!(
        make("nothing", "main").with(422)["errors"][0]["field"],
        "head"
    );
    assert_eq!(
        make("same", "nothing").with(422)["errors"][0]["field"],
        "base"
    );
    api.post(
        &format!("{SHOP}/pulls"),
        json!({"head": "same", "base": "main"}),
    )
    .with(422);
}

#[test]
fn it_follows_its_branch() {
    let (github, api) = shop();
    let number = pull(&github, &api, "one");
    let url = format!("{SHOP}/pulls/{number}");
    let shown = api.get(&url).with(200);
    assert_eq!(
        (&shown["mergeable"], &shown["mergeable_state"]),
        (&json!(true), &json!("clean"))
    );
    assert_eq!(
        (&shown["changed_files"], &shown["commits"]),
        (&json!(1), &json!(1))
    );
    let sha = commit(&api, "one", "More", &[("more", "100644", b"more\n")]);
    assert_eq!(api.get(&url).with(200)["head"]["sha"], json!(sha));
    let files = api.get(&format!("{url}/files")).with(200);
    let names: Vec<&Value> = files
        .as_array()
        .unwrap()
        .iter()
        .map(|file| &file["filename"])
        .collect();
    assert_eq!(names, [&json!("more"), &json!("one")]);
    assert_eq!(
        api.get(&format!("{url}/commits"))
            .with(200)
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(
        api.get(&format!("{SHOP}/commits/{sha}/pulls")).with(200)[0]["number"],
        json!(number)
    );
    api.patch(&url, json!({"title": "Another", "body": "Because."}))
        .with(200);
    github.delete_branch("acme/shop", "ada", "one");
    assert_eq!(api.get(&url).with(200)["state"], "closed");
    api.patch(&url, json!({"state": "open"})).with(422);
}

#[test]
fn a_conflict_is_told() {
    let (github, api) = shop();
    branch(&github, &api, "one");
    commit(&api, "one", "Mine", &[("README.md", "100644", b"# Mine\n")]);
    commit(
        &api,
        "main",
        "Yours",
        &[("README.md", "100644", b"# Yours\n")],
    );
    let body = json!({"title": "T", "head": "one", "base": "main", "draft": true});
    let number = api.post(&format!("{SHOP}/pulls"), body).with(201)["number"].clone();
    let shown = api.get(&format!("{SHOP}/pulls/{number}")).with(200);
    assert_eq!(
        (&shown["mergeable"], &shown["mergeable_state"]),
        (&json!(false), &json!("dirty"))
    );
    assert_eq!(shown["draft"], true);
    let issue = api.get(&format!("{SHOP}/issues/{number}")).with(200);
    assert!(issue["pull_request"].is_object());
}

#[test]
fn whether_it_can_be_merged_is_known_later() {
    let mut repository = NewRepository::new("acme", "shop").file("README.md", "# Shop\n");
    repository.mergeable_later = true;
    let (github, api) = shop_of(&repository);
    let number = pull(&github, &api, "one");
    let look = || {
        let shown = api.get(&format!("{SHOP}/pulls/{number}")).with(200);
        shown["mergeable"].clone()
    };
    assert_eq!([look(), look()], [json!(null), json!(true)]);
    commit(&api, "main", "Yours", &[("one", "100644", b"other\n")]);
    assert_eq!([look(), look()], [json!(null), json!(false)]);
}
