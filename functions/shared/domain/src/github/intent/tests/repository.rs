//! What pushes, releases and changes of a repository ask for.

use super::*;

#[test]
fn pushes_releases_and_repositories() {
    let push = |reference: &str, after: &str| {
        merged(
            from("loom[bot]", "Bot"),
            json!({"ref": reference, "after": after, "before": SHA}),
        )
    };
    assert!(matches!(
        &intents("push", &push("refs/heads/main", SHA))[..],
        [Intent::Push(_)]
    ));
    assert_eq!(intents("push", &push("refs/heads/topic", SHA)), []);
    assert_eq!(intents("push", &push("refs/tags/main", SHA)), []);
    assert_eq!(
        intents("push", &push("refs/heads/main", &"0".repeat(40))),
        []
    );

    let release =
        json!({"action": "published", "release": {"id": 1, "tag_name": "v1", "prerelease": true}});
    let all = intents("release", &merged(from("ann", "User"), release));
    assert_eq!(told(&all), ["release.published"]);

    let renamed = json!({"action": "renamed", "changes": {"repository": {"name": {"from": "gadget"}}},
        "repository": {"html_url": "https://github.com/acme/widget"}});
    let payload = merged(from("ann", "User"), renamed);
    assert_eq!(
        repositories("repository", &payload),
        [
            ("acme".to_owned(), "widget".to_owned()),
            ("acme".to_owned(), "gadget".to_owned())
        ]
    );
    assert!(matches!(
        &intents("repository", &payload)[..],
        [Intent::Repository(RepositoryChange::Moved(to))] if to.name == "widget"
    ));
    let transferred = json!({"action": "transferred", "changes": {"owner": {"from": {"organization": {"login": "old"}}}}});
    assert_eq!(
        repositories("repository", &merged(from("ann", "User"), transferred))[1],
        ("old".to_owned(), "widget".to_owned())
    );
    assert_eq!(repositories("ping", &json!({"zen": "x"})), []);
}
