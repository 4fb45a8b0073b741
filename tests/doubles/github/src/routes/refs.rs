use serde_json::{Value, json};

use super::{Reply, Request};
use crate::git::Ref;
use crate::wire::{Answer, Failure};
use crate::world::{Permission, Repo, World};

fn form(world: &World, repo: &Repo, found: &Ref) -> Value {
    let api = world.repo_api(repo);
    json!({
        "ref": found.name,
        "node_id": crate::shape::node("REF", format!("{}:{}", repo.id, found.name)),
        "url": format!("{api}/git/{}", found.name),
        "object": {
            "sha": found.sha, "type": found.kind,
            "url": format!("{api}/git/{}s/{}", found.kind, found.sha),
        },
    })
}

/// An empty repository has no Git database yet.
pub(crate) fn not_empty(repo: &Repo) -> Result<(), Failure> {
    if repo.git.refs("refs/")?.is_empty() {
        return Err(Failure::new(409, "Git Repository is empty."));
    }
    Ok(())
}

/// `GET /repos/{owner}/{repo}/git/ref/{ref}`.
pub(crate) fn one(r: &Request<'_>, name: &str) -> Reply {
    let repo = r.repo()?;
    not_empty(repo)?;
    let found = repo.git.find_ref(&format!("refs/{name}"))?;
    let found = found.ok_or_else(Failure::not_found)?;
    Ok(Answer::ok(form(r.world, repo, &found)))
}

/// `GET /repos/{owner}/{repo}/git/matching-refs/{ref}`.
pub(crate) fn matching(r: &Request<'_>, prefix: &str) -> Reply {
    let repo = r.repo()?;
    not_empty(repo)?;
    let found = repo.git.refs(&format!("refs/{prefix}"))?;
    Ok(r.page(found, |world, found| form(world, repo, &found)))
}

fn sha_of(body: &Value) -> Result<String, Failure> {
    match body["sha"].as_str() {
        Some(sha) => Ok(sha.to_owned()),
        None => Err(Failure::missing("sha")),
    }
}

/// `POST /repos/{owner}/{repo}/git/refs`.
pub(crate) fn create(r: &mut Request<'_>) -> Reply {
    r.need(Permission::Write)?;
    let body = r.call.json()?;
    let name = body["ref"]
        .as_str()
        .ok_or_else(|| Failure::missing("ref"))?
        .to_owned();
    let sha = sha_of(&body)?;
    let repo = r.repo()?;
    not_empty(repo)?;
    if !repo.git.valid_ref(&name) {
        return Err(Failure::unprocessable(format!(
            "{name} is not a valid ref name."
        )));
    }
    if repo.git.find_ref(&name)?.is_some() {
        return Err(Failure::unprocessable("Reference already exists"));
    }
    let kind = repo.git.kind(&sha);
    if kind.is_none() || (name.starts_with("refs/heads/") && kind.as_deref() != Some("commit")) {
        return Err(Failure::unprocessable("Object does not exist"));
    }
    if repo.git.update_ref(&name, &sha, "").is_err() {
        // A branch `a` stands in the way of a branch `a/b`, and the other way round.
        return Err(Failure::unprocessable(
            "Reference update failed: a reference with a conflicting name exists",
        ));
    }
    let sender = r.actor.login.clone();
    moved(r.world, &r.repo.clone(), &name, "", &sha, &sender);
    let repo = r.repo()?;
    let found = repo.git.find_ref(&name)?.ok_or_else(Failure::not_found)?;
    let answer = Answer::json(201, form(r.world, repo, &found));
    let url = format!("{}/git/{name}", r.world.repo_api(repo));
    Ok(answer.with("Location", url))
}

/// `PATCH /repos/{owner}/{repo}/git/refs/{ref}`.
pub(crate) fn update(r: &mut Request<'_>, name: &str) -> Reply {
    r.need(Permission::Write)?;
    let body = r.call.json()?;
    let sha = sha_of(&body)?;
    let force = body["force"].as_bool().unwrap_or(false);
    let name = format!("refs/{name}");
    let permission = r.permission();
    let repo = r.repo()?;
    not_empty(repo)?;
    let Some(old) = repo.git.find_ref(&name)? else {
        return Err(Failure::unprocessable("Reference does not exist"));
    };
    if repo.git.kind(&sha).as_deref() != Some("commit") {
        return Err(Failure::unprocessable("Object does not exist"));
    }
    if !force && !repo.git.is_ancestor(&old.sha, &sha) {
        return Err(Failure::unprocessable("Update is not a fast forward"));
    }
    unprotected(repo, &name, permission)?;
    if repo.git.update_ref(&name, &sha, &old.sha).is_err() {
        return Err(Failure::unprocessable("Reference cannot be updated"));
    }
    let sender = r.actor.login.clone();
    if old.sha != sha {
        moved(r.world, &r.repo.clone(), &name, &old.sha, &sha, &sender);
    }
    let repo = r.repo()?;
    let found = repo.git.find_ref(&name)?.ok_or_else(Failure::not_found)?;
    Ok(Answer::ok(form(r.world, repo, &found)))
}

/// `DELETE /repos/{owner}/{repo}/git/refs/{ref}`.
pub(crate) fn delete(r: &mut Request<'_>, name: &str) -> Reply {
    r.need(Permission::Write)?;
    let name = format!("refs/{name}");
    let repo = r.repo()?;
    let Some(old) = repo.git.find_ref(&name)? else {
        return Err(Failure::unprocessable("Reference does not exist"));
    };
    let short = name.trim_start_matches("refs/heads/");
    if short == repo.default_branch {
        return Err(Failure::unprocessable("Cannot delete the default branch"));
    }
    if repo.protections.contains_key(short) {
        return Err(Failure::unprocessable("Cannot delete protected branch"));
    }
    repo.git.delete_ref(&name, &old.sha)?;
    let sender = r.actor.login.clone();
    moved(r.world, &r.repo.clone(), &name, &old.sha, "", &sender);
    Ok(Answer::empty(204))
}

/// A protected branch takes changes through pull requests only, except from administrators.
pub(crate) fn unprotected(repo: &Repo, name: &str, who: Permission) -> Result<(), Failure> {
    let short = name.trim_start_matches("refs/heads/");
    let Some(protection) = repo.protections.get(short) else {
        return Ok(());
    };
    if who >= Permission::Admin {
        return Ok(());
    }
    if protection.required_approvals > 0 {
        return Err(Failure::unprocessable(
            "Changes must be made through a pull request.",
        ));
    }
    if let Some(check) = protection.required_checks.first() {
        return Err(Failure::unprocessable(format!(
            "Required status check \"{check}\" is expected."
        )));
    }
    Ok(())
}

/// What follows when a reference was moved: the push is told, pull requests follow, and Actions run.
pub(crate) fn moved(world: &mut World, repo: &str, name: &str, old: &str, new: &str, sender: &str) {
    let now = world.stamp();
    if let Some(found) = world.repo_mut(repo) {
        found.pushed_at = now;
    }
    world.tell_push(repo, name, old, new, sender);
    let Some(branch) = name.strip_prefix("refs/heads/") else {
        return;
    };
    super::follow::follow(world, repo, branch, new, sender);
    if !new.is_empty() {
        world.start_runs(repo, "push", branch, old, new, sender);
    }
}
