//! Branches and references.

use loom_github_double::Protection;
use serde_json::json;

use crate::api::{Api, SHOP, branch, commit, shop, sound};

#[test]
fn a_reference_is_made_once() {
    let (github, api) = shop();
    let sha = github.branch("acme/shop", "main").unwrap();
    let url = format!("{SHOP}/git/refs");
    let make = |name: &str, sha: &str| api.post(&url, json!({"ref": name, "sha": sha}));
    make("refs/heads/agent/one", &sha).with(201);
    assert_eq!(
        make("refs/heads/agent/one", &sha).error(422),
        "Reference already exists"
    );
    assert_eq!(
        make("refs/heads/new", &"1".repeat(40)).error(422),
        "Object does not exist"
    );
    assert_eq!(make("new", &sha).error(422), "new is not a valid ref name.");
    make("refs/heads/agent", &sha).with(422);
    let found = api
        .get(&format!("{SHOP}/git/matching-refs/heads/agent/"))
        .with(200);
    assert_eq!(found.as_array().unwrap().len(), 1);
    assert_eq!(found[0]["object"]["sha"], json!(sha));
    api.get(&format!("{SHOP}/git/ref/heads/agent/one"))
        .with(200);
    api.get(&format!("{SHOP}/git/ref/heads/nothing")).with(404);
    api.get(&format!("{SHOP}/branches/agent/one")).with(200);
    assert_eq!(
        api.get(&format!("{SHOP}/branches/nothing")).error(404),
        "Branch not found"
    );
    let all = api.get(&format!("{SHOP}/branches")).with(200);
    assert_eq!(all.as_array().unwrap().len(), 2);
}

#[test]
fn a_reference_moves_forward_only() {
    let (github, api) = shop();
    let first = github.branch("acme/shop", "main").unwrap();
    let second = commit(&api, "main", "Second", &[("a", "100644", b"a")]);
    let url = format!("{SHOP}/git/refs/heads/main");
    assert_eq!(
        api.patch(&url, json!({"sha": first})).error(422),
        "Update is not a fast forward"
    );
    assert_eq!(github.branch("acme/shop", "main").unwrap(), second);
    assert_eq!(
        api.patch(&url, json!({"sha": "1".repeat(40)})).error(422),
        "Object does not exist"
    );
    api.patch(&url, json!({"sha": first, "force": true}))
        .with(200);
    assert_eq!(github.branch("acme/shop", "main").unwrap(), first);
    let nothing = format!("{SHOP}/git/refs/heads/nothing");
    assert_eq!(
        api.patch(&nothing, json!({"sha": first})).error(422),
        "Reference does not exist"
    );
    sound(&github);
}

#[test]
fn a_reference_is_deleted() {
    let (github, api) = shop();
    branch(&github, &api, "agent/one");
    let url = format!("{SHOP}/git/refs/heads/agent/one");
    assert_eq!(api.delete(&url).status, 204);
    assert_eq!(api.delete(&url).error(422), "Reference does not exist");
    assert!(github.branch("acme/shop", "agent/one").is_none());
}

#[test]
fn a_protected_branch_takes_no_pushes() {
    let (github, api) = shop();
    let tree = api.get(&format!(
        "{SHOP}/git/commits/{}",
        github.branch("acme/shop", "main").unwrap()
    ));
    let tree = tree.with(200)["tree"]["sha"].clone();
    let parent = github.branch("acme/shop", "main").unwrap();
    let body = json!({"message": "x", "tree": tree, "parents": [parent]});
    let sha = api.post(&format!("{SHOP}/git/commits"), body).with(201)["sha"].clone();
    let protection = Protection {
        required_approvals: 1,
        ..Protection::default()
    };
    github.protect("acme/shop", "main", protection);
    let url = format!("{SHOP}/git/refs/heads/main");
    let refused = api.patch(&url, json!({"sha": sha})).error(422);
    assert_eq!(refused, "Changes must be made through a pull request.");
    let shown = api.get(&format!("{SHOP}/branches/main")).with(200);
    assert_eq!(shown["protected"], true);
}

#[test]
fn readers_write_nothing() {
    let (github, _api) = shop();
    let bob = Api::new(&github, Some(&github.token("bob")));
    bob.get(&format!("{SHOP}/git/ref/heads/main")).with(200);
    bob.post(&format!("{SHOP}/git/blobs"), json!({"content": "x"}))
        .with(403);
    let sha = github.branch("acme/shop", "main").unwrap();
    let body = json!({"ref": "refs/heads/x", "sha": sha});
    bob.post(&format!("{SHOP}/git/refs"), body).with(403);
    assert_eq!(github.branches("acme/shop"), ["main"]);
}

#[test]
fn of_many_at_once_one_wins() {
    let (github, api) = shop();
    let first = github.branch("acme/shop", "main").unwrap();
    let tree = api.get(&format!("{SHOP}/git/commits/{first}")).with(200);
    let tree = tree["tree"]["sha"].clone();
    let statuses = |send: &(dyn Fn(usize) -> u16 + Sync)| -> Vec<u16> {
        let mut statuses: Vec<u16> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..6).map(|n| scope.spawn(move || send(n))).collect();
            let joined = threads.into_iter().map(|thread| thread.join());
            joined.map(Result::unwrap).collect()
        });
        statuses.sort_unstable();
        statuses
    };
    let made = statuses(&|_| {
        let body = json!({"ref": "refs/heads/agent/one", "sha": first});
        api.post(&format!("{SHOP}/git/refs"), body).status
    });
    assert_eq!(made, [201, 422, 422, 422, 422, 422]);
    let moved = statuses(&|n| {
        let commit = json!({"message": format!("Number {n}"), "tree": tree, "parents": [first]});
        let commit = api.post(&format!("{SHOP}/git/commits"), commit).with(201);
        let body = json!({"sha": commit["sha"]});
        api.patch(&format!("{SHOP}/git/refs/heads/agent/one"), body)
            .status
    });
    assert_eq!(moved, [200, 422, 422, 422, 422, 422]);
    sound(&github);
}
