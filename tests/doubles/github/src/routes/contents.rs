use serde_json::{Value, json};

use super::{Reply, Request};
use crate::git::Entry;
use crate::wire::{Answer, Failure};
use crate::world::{Repo, World};

fn form(world: &World, repo: &Repo, name: &str, path: &str, entry: &Entry) -> Value {
    let api = world.repo_api(repo);
    let page = world.repo_page(repo);
    let escaped = crate::shape::escape(path);
    let url = format!("{api}/contents/{escaped}?ref={name}");
    let kind = match (entry.kind.as_str(), entry.mode.as_str()) {
        ("tree", _) => "dir",
        ("commit", _) => "submodule",
        (_, "120000") => "symlink",
        _ => "file",
    };
    let (git, html) = match kind {
        "dir" => (
            format!("{api}/git/trees/{}", entry.sha),
            format!("{page}/tree/{name}/{escaped}"),
        ),
        _ => (
            format!("{api}/git/blobs/{}", entry.sha),
            format!("{page}/blob/{name}/{escaped}"),
        ),
    };
    let download =
        (kind == "file" || kind == "symlink").then(|| format!("{page}/raw/{name}/{escaped}"));
    json!({
        "type": kind,
        "name": path.rsplit('/').next(),
        "path": path,
        "sha": entry.sha,
        "size": entry.size.unwrap_or(0),
        "url": url,
        "html_url": html,
        "git_url": git,
        "download_url": download,
        "_links": {"self": url, "git": git, "html": html},
    })
}

/// The largest file whose content is in the JSON, in bytes.
const LARGEST: usize = 1_048_576;

/// `GET /repos/{owner}/{repo}/contents/{path}`.
pub(crate) fn get(r: &Request<'_>, path: &str) -> Reply {
    let repo = r.repo()?;
    let name = r.call.query("ref").unwrap_or(&repo.default_branch);
    let Some(commit) = repo.git.resolve(name) else {
        return Err(Failure::new(
            404,
            format!("No commit found for the ref {name}"),
        ));
    };
    let tree = repo.git.commit(&commit)?.tree;
    let entry = if path.is_empty() {
        None
    } else {
        Some(repo.git.at(&tree, path)?.ok_or_else(Failure::not_found)?)
    };
    let folder = match &entry {
        None => Some(tree),
        Some(entry) if entry.kind == "tree" => Some(entry.sha.clone()),
        Some(_) => None,
    };
    if let Some(folder) = folder {
        let list = repo
            .git
            .tree(&folder, false)?
            .iter()
            .map(|child| {
                let full = if path.is_empty() {
                    child.path.clone()
                } else {
                    format!("{path}/{}", child.path)
                };
                // In a listing, a link is shown as the file that it is in Git.
                form(r.world, repo, name, &full, child)
            })
            .collect();
        return Ok(Answer::ok(list));
    }
    let entry = entry.ok_or_else(Failure::not_found)?;
    let mut value = form(r.world, repo, name, path, &entry);
    if entry.kind == "commit" {
        value["submodule_git_url"] = json!(r.world.repo_page(repo));
        return Ok(Answer::ok(value));
    }
    let content = repo.git.read_blob(&entry.sha)?;
    if r.call.wants_raw() {
        return Ok(Answer::raw(
            content,
            "application/vnd.github.raw; charset=utf-8",
        ));
    }
    if entry.mode == "120000" {
        value["target"] = json!(String::from_utf8_lossy(&content));
    } else if content.len() > LARGEST {
        value["content"] = json!("");
        value["encoding"] = json!("none");
    } else {
        value["content"] = json!(super::blobs::lines(&content));
        value["encoding"] = json!("base64");
    }
    Ok(Answer::ok(value))
}
