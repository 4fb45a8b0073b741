use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::{Reply, Request};
use crate::wire::{Answer, Failure};
use crate::world::Permission;

/// Base64 as GitHub writes it: in lines of 60 characters.
pub(crate) fn lines(bytes: &[u8]) -> String {
    let text = STANDARD.encode(bytes);
    let mut out = String::with_capacity(text.len() + text.len() / 60 + 1);
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, next) = rest.split_at(rest.len().min(60));
        out.push_str(line);
        out.push('\n');
        rest = next;
    }
    out
}

/// `GET /repos/{owner}/{repo}/git/blobs/{file_sha}`.
pub(crate) fn one(r: &Request<'_>, sha: &str) -> Reply {
    let repo = r.repo()?;
    super::refs::not_empty(repo)?;
    if sha.len() != 40 {
        return Err(Failure::unprocessable(
            "The sha parameter must be exactly 40 characters and contain only [0-9a-f].",
        ));
    }
    if repo.git.kind(sha).as_deref() != Some("blob") {
        return Err(Failure::not_found());
    }
    let content = repo.git.read_blob(sha)?;
    if r.call.wants_raw() {
        return Ok(Answer::raw(
            content,
            "application/vnd.github.raw; charset=utf-8",
        ));
    }
    Ok(Answer::ok(json!({
        "sha": sha,
        "node_id": crate::shape::node("B", sha),
        "size": content.len(),
        "url": format!("{}/git/blobs/{sha}", r.world.repo_api(repo)),
        "content": lines(&content),
        "encoding": "base64",
    })))
}

/// `POST /repos/{owner}/{repo}/git/blobs`.
pub(crate) fn create(r: &Request<'_>) -> Reply {
    r.need(Permission::Write)?;
    let body = r.call.json()?;
    let content = body["content"]
        .as_str()
        .ok_or_else(|| Failure::missing("content"))?;
    let bytes = match body["encoding"].as_str().unwrap_or("utf-8") {
        "utf-8" => content.as_bytes().to_vec(),
        "base64" => STANDARD
            .decode(content.replace(['\n', '\r'], ""))
            .map_err(|_| Failure::unprocessable("content is not valid Base64"))?,
        _ => {
            return Err(Failure::unprocessable(
                "encoding must be either 'utf-8' or 'base64'",
            ));
        }
    };
    let repo = r.repo()?;
    super::refs::not_empty(repo)?;
    let sha = repo.git.write_blob(&bytes)?;
    let url = format!("{}/git/blobs/{sha}", r.world.repo_api(repo));
    Ok(Answer::json(201, json!({"sha": sha, "url": url})).with("Location", url))
}
