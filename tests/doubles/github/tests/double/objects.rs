//! Blobs, trees, commits and comparisons.

use loom_github_double::NewRepository;
use serde_json::{Value, json};

use crate::api::{SHOP, branch, commit, shop, shop_of, sound};

fn paths(tree: &Value) -> Vec<String> {
    let entries = tree["tree"].as_array().unwrap().iter();
    entries
        .map(|entry| entry["path"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn blobs_are_written_in_both_encodings() {
    let (_github, api) = shop();
    let url = format!("{SHOP}/git/blobs");
    let plain = api.post(&url, json!({"content": "h\u{fc}\n"})).with(201);
    let encoded = api
        .post(&url, json!({"content": "aMO8Cg==", "encoding": "base64"}))
        .with(201);
    assert_eq!(plain["sha"], encoded["sha"]);
    let read = api
        .get(&format!("{url}/{}", plain["sha"].as_str().unwrap()))
        .with(200);
    assert_eq!(
        (&read["content"], &read["size"]),
        (&json!("aMO8Cg==\n"), &json!(4))
    );
    assert_eq!(
        api.post(&url, json!({"content": "!", "encoding": "base64"}))
            .error(422),
        "content is not valid Base64"
    );
    api.get(&format!("{url}/{}", "0".repeat(40))).with(404);
    api.get(&format!("{url}/short")).with(422);
}

#[test]
fn a_tree_is_made_from_another() {
    let (github, api) = shop();
    let base = api.get(&format!("{SHOP}/git/trees/main")).with(200)["sha"].clone();
    let url = format!("{SHOP}/git/trees");
    let make = |entries: Value| api.post(&url, json!({"base_tree": base, "tree": entries}));
    let changed = make(json!([
        {"path": "src/till.py", "mode": "100644", "type": "blob", "sha": null},
        {"path": "src/new/deep.txt", "mode": "100644", "type": "blob", "content": "deep"},
        {"path": "bin", "mode": "100644", "type": "blob", "content": "a file where a folder was"},
    ]));
    let sha = changed.with(201)["sha"].as_str().unwrap().to_owned();
    let whole = api.get(&format!("{url}/{sha}?recursive=1")).with(200);
    assert_eq!(
        paths(&whole),
        ["README.md", "bin", "src", "src/new", "src/new/deep.txt"]
    );
    let top = api.get(&format!("{url}/{sha}")).with(200);
    assert_eq!(paths(&top), ["README.md", "bin", "src"]);
    // A subtree by its name.
    let source = top["tree"][2]["sha"].clone();
    let copied = make(json!([{"path": "copy", "mode": "040000", "type": "tree", "sha": source}]));
    let copied = copied.with(201)["sha"].as_str().unwrap().to_owned();
    let whole = api.get(&format!("{url}/{copied}?recursive=1")).with(200);
    assert!(paths(&whole).contains(&String::from("copy/new/deep.txt")));

    for (path, sha) in [
        ("../x", json!("0")),
        (".git/config", json!("0")),
        ("a//b", json!("0")),
        ("/a", json!("0")),
        ("", json!("0")),
    ] {
        let entry = json!([{"path": path, "mode": "100644", "type": "blob", "sha": sha}]);
        assert_eq!(
            make(entry).error(422),
            "tree.path contains a malformed path component"
        );
    }
    let missing = json!([{"path": "a", "mode": "100644", "type": "blob", "sha": "1".repeat(40)}]);
    assert_eq!(make(missing).error(422), "GitRPC::BadObjectState");
    let gone = json!([{"path": "nothing", "mode": "100644", "type": "blob", "sha": null}]);
    assert_eq!(make(gone).error(422), "GitRPC::BadObjectState");
    let mode = json!([{"path": "a", "mode": "100600", "type": "blob", "content": ""}]);
    assert_eq!(make(mode).error(422), "Must supply a valid tree.mode");
    sound(&github);
}

#[test]
fn a_large_tree_is_cut_off() {
    let mut repository = NewRepository::new("acme", "shop");
    repository.tree_limit = 3;
    for name in ["a", "b", "c", "d"] {
        repository = repository.file(name, name);
    }
    let (_github, api) = shop_of(&repository);
    let cut = api
        .get(&format!("{SHOP}/git/trees/main?recursive=1"))
        .with(200);
    assert_eq!((paths(&cut).len(), &cut["truncated"]), (3, &json!(true)));
    let flat = api.get(&format!("{SHOP}/git/trees/main")).with(200);
    assert_eq!((paths(&flat).len(), &flat["truncated"]), (4, &json!(false)));
}

#[test]
fn commits_are_listed_page_by_page_and_by_path() {
    let (_github, api) = shop();
    for n in 0..5 {
        let name = if n % 2 == 0 { "even" } else { "odd" };
        commit(
            &api,
            "main",
            &format!("Number {n}"),
            &[(name, "100644", format!("{n}").as_bytes())],
        );
    }
    let first = api.get(&format!("{SHOP}/commits?per_page=2"));
    let link = first.header("link").to_owned();
    assert!(
        link.contains("page=2>; rel=\"next\"") && link.contains("page=3>; rel=\"last\""),
        "{link}"
    );
    assert_eq!(first.with(200)[0]["commit"]["message"], "Number 4");
    let last = api.get(&format!("{SHOP}/commits?per_page=2&page=3"));
    assert!(!last.header("link").contains("next"));
    assert_eq!(last.with(200).as_array().unwrap().len(), 2);
    let odd = api
        .get(&format!("{SHOP}/commits?sha=main&path=odd"))
        .with(200);
    assert_eq!(odd.as_array().unwrap().len(), 2);
    let one = api.get(&format!("{SHOP}/commits/main")).with(200);
    assert_eq!(one["files"][0]["filename"], "even");
    assert_eq!(one["stats"]["additions"], 1);
    api.get(&format!("{SHOP}/commits/{}", "1".repeat(40)))
        .with(422);
    api.get(&format!("{SHOP}/git/commits/{}", "1".repeat(40)))
        .with(404);
}

#[test]
fn branches_are_compared() {
    let (github, api) = shop();
    branch(&github, &api, "agent/one");
    commit(&api, "agent/one", "One", &[("one", "100644", b"1\n")]);
    let ahead = api
        .get(&format!("{SHOP}/compare/main...agent/one"))
        .with(200);
    assert_eq!(
        (&ahead["status"], &ahead["ahead_by"]),
        (&json!("ahead"), &json!(1))
    );
    assert_eq!(ahead["files"][0]["status"], "added");
    commit(&api, "main", "Two", &[("two", "100644", b"2\n")]);
    let both = api
        .get(&format!("{SHOP}/compare/main...agent%2Fone"))
        .with(200);
    assert_eq!(
        (&both["status"], &both["behind_by"]),
        (&json!("diverged"), &json!(1))
    );
    let same = api.get(&format!("{SHOP}/compare/main...main")).with(200);
    assert_eq!(same["status"], "identical");
    api.get(&format!("{SHOP}/compare/main...nothing")).with(404);
}

#[test]
fn contents_are_files_folders_and_nothing() {
    let (_github, api) = shop();
    let root = api.get(&format!("{SHOP}/contents")).with(200);
    assert_eq!(root.as_array().unwrap().len(), 3);
    let file = api
        .get(&format!("{SHOP}/contents/bin/open?ref=main"))
        .with(200);
    assert_eq!(file["content"], "IyEvYmluL3NoCg==\n");
    api.get(&format!("{SHOP}/contents/bin/open/more")).with(404);
    api.get(&format!("{SHOP}/contents/README.md?ref=nothing"))
        .with(404);
}

#[test]
fn an_empty_repository_has_no_objects() {
    let (_github, api) = shop_of(&NewRepository::new("acme", "shop"));
    assert_eq!(
        api.post(&format!("{SHOP}/git/blobs"), json!({"content": "x"}))
            .error(409),
        "Git Repository is empty."
    );
    api.get(&format!("{SHOP}/git/ref/heads/main")).with(409);
    api.get(SHOP).with(200);
}
