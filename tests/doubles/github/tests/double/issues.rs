//! Issues, their comments and labels.

use serde_json::json;

use crate::api::{Api, SHOP, shop};

#[test]
fn an_issue_lives() {
    let (github, api) = shop();
    let body = json!({"title": "It breaks", "body": "Often.", "labels": ["bug", "P1"]});
    let issue = api.post(&format!("{SHOP}/issues"), body).with(201);
    assert_eq!(
        (&issue["number"], &issue["state"]),
        (&json!(1), &json!("open"))
    );
    assert_eq!(issue["user"]["login"], "loom-test[bot]");
    let url = format!("{SHOP}/issues/1");
    let closed = json!({"state": "closed", "state_reason": "not_planned"});
    let closed = api.patch(&url, closed).with(200);
    assert_eq!(
        (&closed["state"], &closed["state_reason"]),
        (&json!("closed"), &json!("not_planned"))
    );
    assert_eq!(closed["closed_by"]["login"], "loom-test[bot]");
    api.patch(&url, json!({"state": "open", "title": "It breaks again"}))
        .with(200);
    assert_eq!(api.get(&url).with(200)["title"], "It breaks again");
    assert_eq!(
        api.get(&format!("{SHOP}/issues?state=closed")).with(200),
        json!([])
    );
    let listed = api
        .get(&format!("{SHOP}/issues?labels=bug,P1&state=all"))
        .with(200);
    assert_eq!(listed.as_array().unwrap().len(), 1);
    api.post(&format!("{SHOP}/issues"), json!({"title": " "}))
        .with(422);
    api.get(&format!("{SHOP}/issues/99")).with(404);
    let bob = Api::new(&github, Some(&github.token("bob")));
    bob.patch(&url, json!({"state": "closed"})).with(403);
}

#[test]
fn comments_are_written_changed_and_deleted() {
    let (github, api) = shop();
    let number = github.open_issue("acme/shop", "bob", "It breaks", "", &[]);
    let url = format!("{SHOP}/issues/{number}/comments");
    let comment = api.post(&url, json!({"body": "Working on it"})).with(201);
    let one = format!("{SHOP}/issues/comments/{}", comment["id"]);
    api.patch(&one, json!({"body": "Done"})).with(200);
    assert_eq!(api.get(&one).with(200)["body"], "Done");
    for n in 0..3 {
        github.comment("acme/shop", "bob", number, &format!("Thanks {n}"));
    }
    let page = api.get(&format!("{url}?per_page=2&page=2"));
    assert!(page.header("link").contains("rel=\"prev\""));
    assert_eq!(page.with(200)[1]["body"], "Thanks 2");
    let bob = Api::new(&github, Some(&github.token("bob")));
    bob.patch(&one, json!({"body": "Mine"})).with(403);
    assert_eq!(api.delete(&one).status, 204);
    api.get(&one).with(404);
    api.post(&url, json!({"body": ""})).with(422);
    assert_eq!(github.comments("acme/shop", number).len(), 3);
}

#[test]
fn labels_come_and_go() {
    let (github, api) = shop();
    let number = github.open_issue("acme/shop", "ada", "It breaks", "", &["bug"]);
    let url = format!("{SHOP}/issues/{number}/labels");
    let names = |value: &serde_json::Value| -> Vec<String> {
        let labels = value.as_array().unwrap().iter();
        labels
            .map(|label| label["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        names(&api.post(&url, json!({"labels": ["P1", "BUG"]})).with(200)),
        ["bug", "P1"]
    );
    assert_eq!(
        names(&api.put(&url, json!({"labels": ["needs work"]})).with(200)),
        ["needs work"]
    );
    assert_eq!(
        names(&api.delete(&format!("{url}/needs%20work")).with(200)),
        [""; 0]
    );
    assert_eq!(
        api.delete(&format!("{url}/nothing")).error(404),
        "Label does not exist"
    );
    assert_eq!(names(&api.get(&url).with(200)), [""; 0]);
}

#[test]
fn permissions_are_told() {
    let (github, api) = shop();
    for (login, permission, role) in [
        ("ada", "write", "write"),
        ("bob", "read", "read"),
        ("acme", "admin", "admin"),
    ] {
        let url = format!("{SHOP}/collaborators/{login}/permission");
        let told = api.get(&url).with(200);
        assert_eq!(
            (&told["permission"], &told["role_name"]),
            (&json!(permission), &json!(role))
        );
    }
    github.token("stranger");
    let told = api
        .get(&format!("{SHOP}/collaborators/stranger/permission"))
        .with(200);
    assert_eq!(told["permission"], "none");
    api.get(&format!("{SHOP}/collaborators/nobody/permission"))
        .with(404);
}

#[test]
fn a_repository_has_labels() {
    let (_github, api) = shop();
    let url = format!("{SHOP}/labels");
    let label = json!({"name": "bug", "color": "d73a4a", "description": "It breaks"});
    assert_eq!(api.post(&url, label.clone()).with(201)["color"], "d73a4a");
    let again = api.post(&url, label).with(422);
    assert_eq!(again["errors"][0]["code"], "already_exists");
    assert_eq!(api.get(&url).with(200)[0]["description"], "It breaks");
    api.post(
        &format!("{SHOP}/issues"),
        json!({"title": "T", "labels": ["bug"]}),
    )
    .with(201);
    assert_eq!(
        api.delete(&format!("{SHOP}/issues/1/labels")).status,
        204,
        "all of them"
    );
}
