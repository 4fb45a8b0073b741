use serde_json::{Value, json};

use super::{Reply, Request};
use crate::git::{Entry, TreeChange};
use crate::wire::{Answer, Failure};
use crate::world::{Permission, Repo, World};

fn form(world: &World, repo: &Repo, sha: &str, entries: &[Entry], truncated: bool) -> Value {
    let api = world.repo_api(repo);
    let list: Vec<Value> = entries
        .iter()
        .map(|entry| {
            let mut value = json!({
                "path": entry.path, "mode": entry.mode, "type": entry.kind, "sha": entry.sha,
            });
            if let Some(size) = entry.size {
                value["size"] = json!(size);
            }
            // A submodule is in another repository.
            if entry.kind != "commit" {
                value["url"] = json!(format!("{api}/git/{}s/{}", entry.kind, entry.sha));
            }
            value
        })
        .collect();
    json!({
        "sha": sha, "url": format!("{api}/git/trees/{sha}"), "tree": list, "truncated": truncated,
    })
}

/// `GET /repos/{owner}/{repo}/git/trees/{tree_sha}`: of a tree, a commit, a branch or a tag.
pub(crate) fn one(r: &Request<'_>, name: &str) -> Reply {
    let repo = r.repo()?;
    super::refs::not_empty(repo)?;
    let sha = if repo.git.kind(name).as_deref() == Some("tree") {
        name.to_owned()
    } else {
        let commit = repo.git.resolve(name).ok_or_else(Failure::not_found)?;
        repo.git.commit(&commit)?.tree
    };
    // Any value means yes, even `0`.
    let recursive = r.call.query.iter().any(|(key, _)| key == "recursive");
    let mut entries = repo.git.tree(&sha, recursive)?;
    let truncated = recursive && entries.len() > repo.tree_limit;
    if truncated {
        entries.truncate(repo.tree_limit);
    }
    Ok(Answer::ok(form(r.world, repo, &sha, &entries, truncated)))
}

/// Whether Git could check out a file of this name.
fn valid_path(path: &str) -> bool {
    !path.is_empty()
        && path.split('/').all(|part| {
            !part.is_empty()
                && part != "."
                && part != ".."
                && !part.eq_ignore_ascii_case(".git")
                && !part.contains('\0')
        })
}

fn change(repo: &Repo, base: Option<&str>, entry: &Value) -> Result<TreeChange, Failure> {
    let path = entry["path"]
        .as_str()
        .ok_or_else(|| Failure::unprocessable("Must supply a valid tree.path"))?;
    if !valid_path(path) {
        return Err(Failure::unprocessable(
            "tree.path contains a malformed path component",
        ));
    }
    let bad_object = || Failure::unprocessable("GitRPC::BadObjectState");
    if entry.get("sha").is_some_and(Value::is_null) && entry.get("content").is_none() {
        let there = match base {
            Some(base) => repo.git.at(base, path)?.is_some(),
            None => false,
        };
        // What is not there cannot be deleted.
        return if there {
            Ok(TreeChange {
                path: path.to_owned(),
                mode: String::from("000000"),
                sha: None,
            })
        } else {
            Err(bad_object())
        };
    }
    let mode = entry["mode"].as_str().unwrap_or_default();
    let wanted = match mode {
        "100644" | "100755" | "120000" => "blob",
        "040000" => "tree",
        "160000" => "commit",
        _ => {
            return Err(Failure::unprocessable("Must supply a valid tree.mode"));
        }
    };
    let sha = match (entry["sha"].as_str(), entry["content"].as_str()) {
        (Some(_), Some(_)) => {
            return Err(Failure::unprocessable(
                "Must supply either tree.sha or tree.content, not both",
            ));
        }
        (Some(sha), None) => {
            let found = repo.git.kind(sha);
            if wanted != "commit" && found.is_none() {
                return Err(bad_object());
            }
            if wanted != "commit" && found.as_deref() != Some(wanted) {
                return Err(Failure::unprocessable(format!(
                    "tree.sha {sha} is not a valid {wanted}"
                )));
            }
            sha.to_owned()
        }
        (None, Some(content)) if wanted == "blob" => repo.git.write_blob(content.as_bytes())?,
        _ => {
            return Err(Failure::unprocessable(
                "Must supply either tree.sha or tree.content",
            ));
        }
    };
    Ok(TreeChange {
        path: path.to_owned(),
        mode: mode.to_owned(),
        sha: Some(sha),
    })
}

/// `POST /repos/{owner}/{repo}/git/trees`.
pub(crate) fn create(r: &Request<'_>) -> Reply {
    r.need(Permission::Write)?;
    let body = r.call.json()?;
    let entries = body["tree"]
        .as_array()
        .ok_or_else(|| Failure::missing("tree"))?;
    let repo = r.repo()?;
    super::refs::not_empty(repo)?;
    let base = match body["base_tree"].as_str() {
        None => None,
        Some(sha) => match repo.git.kind(sha).as_deref() {
            Some("tree") => Some(sha.to_owned()),
            // A commit stands for its tree.
            Some("commit") => Some(repo.git.commit(sha)?.tree),
            _ => return Err(Failure::unprocessable("base_tree is not a valid tree oid")),
        },
    };
    if entries.is_empty() && base.is_none() {
        return Err(Failure::unprocessable("Invalid tree info"));
    }
    let changes = entries
        .iter()
        .map(|entry| change(repo, base.as_deref(), entry))
        .collect::<Result<Vec<_>, _>>()?;
    let sha = repo.git.write_tree(base.as_deref(), &changes)?;
    let listed = repo.git.tree(&sha, false)?;
    let value = form(r.world, repo, &sha, &listed, false);
    let url = format!("{}/git/trees/{sha}", r.world.repo_api(repo));
    Ok(Answer::json(201, value).with("Location", url))
}
