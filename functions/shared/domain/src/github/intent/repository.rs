//! Events of the repository itself, and releases.

use serde_json::{Map, Value};

use super::super::{
    Repository, payload,
    payload::{name, needed, number, text, truth},
};
use super::{Announcement, Ignored, Intent, RepositoryChange};
use crate::event::EventKind;

/// The names that a delivery's repository goes by, as owner and name: its own, then the one that it had before a
/// rename or transfer, under which its project still knows it. Empty when the delivery is about no repository.
pub fn repositories(event: &str, payload: &Value) -> Vec<(String, String)> {
    let Some((owner, name)) =
        text(payload, "/repository/full_name").and_then(|full| full.split_once('/'))
    else {
        return Vec::new();
    };
    let mut names = vec![(owner.to_owned(), name.to_owned())];
    if event == "repository" {
        let old_name = text(payload, "/changes/repository/name/from").unwrap_or(name);
        let old_owner = [
            "/changes/owner/from/user/login",
            "/changes/owner/from/organization/login",
        ]
        .into_iter()
        .find_map(|pointer| text(payload, pointer))
        .unwrap_or(owner);
        let old = (old_owner.to_owned(), old_name.to_owned());
        if !names.contains(&old) {
            names.push(old);
        }
    }
    names
}

/// What a delivery of `repository` asks for.
pub(super) fn changed(
    action: &str,
    payload: &Value,
    intents: &mut Vec<Intent>,
) -> Result<(), Ignored> {
    let change = match action {
        "archived" => RepositoryChange::Archived,
        "unarchived" => RepositoryChange::Unarchived,
        "deleted" => RepositoryChange::Deleted,
        _ => {
            let url = text(payload, "/repository/html_url");
            let repository = url.and_then(Repository::parse);
            RepositoryChange::Moved(needed(repository, "/repository/html_url")?)
        }
    };
    intents.push(Intent::Repository(change));
    Ok(())
}

/// What a delivery of `release` asks for.
pub(super) fn released(payload: &Value, intents: &mut Vec<Intent>) -> Result<(), Ignored> {
    let id = needed(number(payload, "/release/id"), "/release/id")?;
    let tag = needed(name(payload, "/release/tag_name"), "/release/tag_name")?;
    let mut data = Map::new();
    for (field, value) in [
        (
            "release_name",
            Value::from(payload::title(text(payload, "/release/name"), &tag)),
        ),
        (
            "release_url",
            payload::url(payload, "/release/html_url").into(),
        ),
        ("prerelease", truth(payload, "/release/prerelease").into()),
        ("author", name(payload, "/release/author/login").into()),
        ("release_tag", tag.into()),
    ] {
        data.insert(field.to_owned(), value);
    }
    intents.push(Intent::Announce(Announcement {
        kind: EventKind::ReleasePublished,
        data,
        once: Some(format!("release:{id}")),
    }));
    Ok(())
}
