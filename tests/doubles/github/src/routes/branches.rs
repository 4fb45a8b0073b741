use serde_json::{Value, json};

use super::{Reply, Request};
use crate::wire::{Answer, Failure};
use crate::world::{Protection, Repo};

/// `GET /repos/{owner}/{repo}/branches`.
pub(crate) fn list(r: &Request<'_>) -> Reply {
    let repo = r.repo()?;
    let refs = repo.git.refs("refs/heads/")?;
    Ok(r.page(refs, |world, branch| {
        let name = branch.name.trim_start_matches("refs/heads/");
        let commit = format!("{}/commits/{}", world.repo_api(repo), branch.sha);
        json!({
            "name": name,
            "commit": {"sha": branch.sha, "url": commit},
            "protected": repo.protections.contains_key(name),
        })
    }))
}

/// `GET /repos/{owner}/{repo}/branches/{branch}`.
pub(crate) fn one(r: &Request<'_>, name: &str) -> Reply {
    let repo = r.repo()?;
    let Some(sha) = repo.git.branch(name) else {
        return Err(Failure::new(404, "Branch not found"));
    };
    let commit = repo.git.commit(&sha)?;
    let url = format!("{}/branches/{name}", r.world.repo_api(repo));
    let protection = repo.protections.get(name);
    Ok(Answer::ok(json!({
        "name": name,
        "commit": r.world.commit_json(repo, &commit),
        "_links": {"self": url, "html": format!("{}/tree/{name}", r.world.repo_page(repo))},
        "protected": protection.is_some(),
        "protection": protection_json(repo, protection),
        "protection_url": format!("{url}/protection"),
    })))
}

fn protection_json(_repo: &Repo, protection: Option<&Protection>) -> Value {
    let checks = protection.map_or(&[][..], |protection| &protection.required_checks);
    let level = if checks.is_empty() {
        "off"
    } else {
        "non_admins"
    };
    let list: Vec<Value> = checks
        .iter()
        .map(|context| json!({"context": context, "app_id": null}))
        .collect();
    json!({
        "enabled": protection.is_some(),
        "required_status_checks": {"enforcement_level": level, "contexts": checks, "checks": list},
    })
}
