//! What is committed through the API is what Git finds.

use loom_github_double::NewRepository;
use serde_json::json;

use crate::api::{SHOP, commit, git, shop, shop_of, sound};

#[test]
fn modes_bytes_and_authors_survive() {
    let (github, api) = shop();
    let big: Vec<u8> = (0..1_048_576_u32)
        .map(|n| u8::try_from(n.wrapping_mul(2_654_435_761) >> 24).unwrap())
        .collect();
    let files: [(&str, &str, &[u8]); 6] = [
        ("bin/start", "100755", b"#!/bin/sh\nexit 0\n"),
        ("link", "120000", b"src/till.py"),
        ("windows.txt", "100644", b"one\r\ntwo\r\n"),
        ("noise.bin", "100644", &[0, 255, 1, 254, 10, 13]),
        ("big.bin", "100644", &big),
        (
            "a name with spaces/\u{e4}\u{f6}.txt",
            "100644",
            "gr\u{fc}n".as_bytes(),
        ),
    ];
    let before = github.branch("acme/shop", "main").unwrap();
    let message = "Add files of all kinds\n\nLoom-Bead: shop-1\n";
    let sha = commit(&api, "main", message, &files);
    let path = sound(&github);
    for (name, mode, content) in files {
        let listed = git(&path, &["ls-tree", "-z", "main", "--", name]);
        assert!(listed.starts_with(mode), "{listed}");
        let object = format!("main:{name}");
        let output = std::process::Command::new("git")
            .arg("-C")
            .arg(&path)
            .args(["cat-file", "blob", &object])
            .output()
            .unwrap();
        assert!(output.stdout == content, "{name} is another file now");
        let blob = api
            .get(&format!("{SHOP}/contents/{}", name.replace(' ', "%20")))
            .with(200);
        let kind = if mode == "120000" { "symlink" } else { "file" };
        assert_eq!(
            (&blob["type"], &blob["size"]),
            (&json!(kind), &json!(content.len()))
        );
    }
    assert_eq!(
        git(&path, &["ls-tree", "main", "bin/open"])
            .split(' ')
            .next(),
        Some("100755"),
        "what was there before keeps its mode"
    );
    let changed = git(&path, &["diff", "--name-only", "-z", &before, &sha]);
    assert_eq!(
        changed.split('\0').filter(|name| !name.is_empty()).count(),
        files.len()
    );
    assert_eq!(
        git(&path, &["log", "-1", "--format=%B", "main"]).trim_end(),
        message.trim_end()
    );
    assert_eq!(
        git(&path, &["log", "-1", "--format=%an|%cn|%ce", "main"]),
        "loom-test[bot]|GitHub|noreply@github.com\n"
    );
    let raw = api.send(
        "GET",
        &format!("{SHOP}/contents/big.bin"),
        &[("Accept", "application/vnd.github.raw+json")],
        None,
    );
    assert!(raw.body == big);
}

#[test]
fn what_a_bot_commits_in_its_own_name_is_signed() {
    let (github, api) = shop();
    let sha = commit(&api, "main", "By the bot", &[("a", "100644", b"a")]);
    let signed = api.get(&format!("{SHOP}/git/commits/{sha}")).with(200);
    assert_eq!(signed["verification"]["verified"], true);
    let other = json!({
        "message": "By somebody", "tree": signed["tree"]["sha"], "parents": [sha],
        "author": {"name": "Ada", "email": "ada@example.com", "date": "2024-02-29T12:00:00+02:00"},
    });
    let other = api.post(&format!("{SHOP}/git/commits"), other).with(201);
    assert_eq!(other["verification"]["verified"], false);
    assert_eq!(other["author"]["date"], "2024-02-29T10:00:00Z");
    let path = sound(&github);
    let name = other["sha"].as_str().unwrap();
    assert_eq!(
        git(&path, &["log", "-1", "--format=%an <%ae> %ai", name]),
        "Ada <ada@example.com> 2024-02-29 12:00:00 +0200\n"
    );
}

#[test]
fn a_folder_becomes_a_repository() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("src")).unwrap();
    std::fs::write(folder.path().join("src/a.py"), "x = 1\n").unwrap();
    std::os::unix::fs::symlink("src/a.py", folder.path().join("link")).unwrap();
    let (github, api) = shop_of(&NewRepository::new("acme", "shop").directory(folder.path()));
    let tree = api
        .get(&format!("{SHOP}/git/trees/main?recursive=1"))
        .with(200);
    let modes: Vec<_> = tree["tree"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            format!(
                "{} {}",
                entry["mode"].as_str().unwrap(),
                entry["path"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(modes, ["120000 link", "040000 src", "100644 src/a.py"]);
    sound(&github);
}
