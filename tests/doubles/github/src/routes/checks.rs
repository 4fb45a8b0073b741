use serde_json::{Value, json};

use super::commits::resolve;
use super::{Reply, Request};
use crate::events::Event;
use crate::wire::{Answer, Failure};
use crate::world::{CheckRun, CommitStatus, Permission, Suite, World};

/// `GET /repos/{owner}/{repo}/commits/{ref}/check-runs`.
pub(crate) fn runs(r: &Request<'_>, name: &str) -> Reply {
    let repo = r.repo()?;
    let sha = resolve(&repo.git, name)?;
    let all = r.call.query("filter") == Some("all");
    let newer = |check: &CheckRun| {
        repo.checks.iter().any(|other| {
            other.sha == check.sha
                && other.suite == check.suite
                && other.name == check.name
                && other.id > check.id
        })
    };
    let checks: Vec<&CheckRun> = repo
        .checks
        .iter()
        .filter(|check| check.sha == sha && (all || !newer(check)))
        .filter(|check| {
            r.call
                .query("check_name")
                .is_none_or(|name| check.name == name)
        })
        .filter(|check| {
            r.call
                .query("status")
                .is_none_or(|status| check.status == status)
        })
        .collect();
    Ok(r.counted("check_runs", checks, |world, check| {
        world.check_json(repo, check)
    }))
}

/// `GET /repos/{owner}/{repo}/commits/{ref}/check-suites`.
pub(crate) fn suites(r: &Request<'_>, name: &str) -> Reply {
    let repo = r.repo()?;
    let sha = resolve(&repo.git, name)?;
    let suites: Vec<&Suite> = repo
        .suites
        .iter()
        .filter(|suite| suite.sha == sha)
        .collect();
    Ok(r.counted("check_suites", suites, |world, suite| {
        world.suite_json(repo, suite)
    }))
}

/// `GET /repos/{owner}/{repo}/check-runs/{check_run_id}`.
pub(crate) fn run(r: &Request<'_>, id: u64) -> Reply {
    let repo = r.repo()?;
    let check = repo.checks.iter().find(|check| check.id == id);
    let check = check.ok_or_else(Failure::not_found)?;
    Ok(Answer::ok(r.world.check_json(repo, check)))
}

/// `GET /repos/{owner}/{repo}/check-suites/{check_suite_id}`.
pub(crate) fn suite(r: &Request<'_>, id: u64) -> Reply {
    let repo = r.repo()?;
    let suite = repo.suites.iter().find(|suite| suite.id == id);
    let suite = suite.ok_or_else(Failure::not_found)?;
    Ok(Answer::ok(r.world.suite_json(repo, suite)))
}

/// `GET /repos/{owner}/{repo}/commits/{ref}/status`.
pub(crate) fn combined(r: &Request<'_>, name: &str) -> Reply {
    let repo = r.repo()?;
    let sha = repo.git.resolve(name).ok_or_else(Failure::not_found)?;
    Ok(Answer::ok(r.world.combined_status_json(repo, &sha)))
}

/// `GET /repos/{owner}/{repo}/commits/{ref}/statuses`.
pub(crate) fn statuses(r: &Request<'_>, name: &str) -> Reply {
    let repo = r.repo()?;
    let sha = repo.git.resolve(name).ok_or_else(Failure::not_found)?;
    let statuses: Vec<&CommitStatus> = repo
        .statuses
        .iter()
        .rev()
        .filter(|status| status.sha == sha)
        .collect();
    Ok(r.page(statuses, |world, status| world.status_json(repo, status)))
}

/// `POST /repos/{owner}/{repo}/statuses/{sha}`.
pub(crate) fn report(r: &mut Request<'_>, sha: &str) -> Reply {
    r.need(Permission::Write)?;
    let body = r.call.json()?;
    let (repo, creator) = (r.repo.clone(), r.actor.login.clone());
    let status = add(r.world, &repo, sha, &creator, &body)?;
    Ok(Answer::json(201, r.world.status_json(r.repo()?, &status)))
}

/// Adds a status to a commit and tells of it.
pub(crate) fn add(
    world: &mut World,
    repo: &str,
    sha: &str,
    creator: &str,
    body: &Value,
) -> Result<CommitStatus, Failure> {
    let (id, now) = (world.id(), world.stamp());
    let text = |name: &str| body[name].as_str().map(str::to_owned);
    let state = text("state").ok_or_else(|| Failure::missing("state"))?;
    if !matches!(state.as_str(), "error" | "failure" | "pending" | "success") {
        return Err(Failure::field("Status", "state", "invalid"));
    }
    let found = world.repo_mut(repo).ok_or_else(Failure::not_found)?;
    if found.git.kind(sha).as_deref() != Some("commit") {
        return Err(Failure::unprocessable(format!(
            "No commit found for SHA: {sha}"
        )));
    }
    let status = CommitStatus {
        id,
        sha: sha.to_owned(),
        state,
        context: text("context").unwrap_or_else(|| String::from("default")),
        description: text("description"),
        target_url: text("target_url"),
        creator: creator.to_owned(),
        created_at: now,
    };
    found.statuses.push(status.clone());
    tell(world, repo, &status);
    Ok(status)
}

fn tell(world: &mut World, repo: &str, status: &CommitStatus) {
    let Some(found) = world.repo(repo) else {
        return;
    };
    let Ok(commit) = found.git.commit(&status.sha) else {
        return;
    };
    let branches: Vec<Value> = found
        .git
        .refs("refs/heads/")
        .unwrap_or_default()
        .iter()
        .filter(|branch| found.git.is_ancestor(&status.sha, &branch.sha))
        .map(|branch| {
            json!({
                "name": branch.name.trim_start_matches("refs/heads/"),
                "commit": {
                    "sha": branch.sha,
                    "url": format!("{}/commits/{}", world.repo_api(found), branch.sha),
                },
                "protected": false,
            })
        })
        .collect();
    let fields = json!({
        "id": status.id,
        "sha": status.sha,
        "name": found.full_name(),
        "target_url": status.target_url,
        "avatar_url": null,
        "context": status.context,
        "description": status.description,
        "state": status.state,
        "commit": world.commit_json(found, &commit),
        "branches": branches,
        "created_at": status.created_at,
        "updated_at": status.created_at,
    });
    world.emit(repo, &status.creator, Event::new("status", None, fields));
}
