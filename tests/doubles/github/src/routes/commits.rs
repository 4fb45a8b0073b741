use serde_json::{Value, json};

use super::{Reply, Request};
use crate::git::{Git, Signature};
use crate::time;
use crate::wire::{Answer, Failure, Page};
use crate::world::{Permission, World};

/// The committer of everything that GitHub commits itself.
pub(crate) fn web_flow(now: i64) -> Signature {
    Signature::new("GitHub", "noreply@github.com", now)
}

/// How an account signs.
pub(crate) fn signature(world: &World, login: &str, now: i64) -> Signature {
    match world.users.get(&login.to_lowercase()) {
        Some(user) => Signature::new(&user.name(), &user.email(), now),
        None => Signature::new(login, &format!("{login}@users.noreply.github.com"), now),
    }
}

fn given(value: &Value, now: i64) -> Result<Option<Signature>, Failure> {
    if value.is_null() {
        return Ok(None);
    }
    let (Some(name), Some(email)) = (value["name"].as_str(), value["email"].as_str()) else {
        return Err(Failure::unprocessable(
            "Invalid request.\n\n\"email\", \"name\" weren't supplied.",
        ));
    };
    let mut signature = Signature::new(name, email, now);
    if signature.name.is_empty() || signature.email.is_empty() {
        return Err(Failure::unprocessable(
            "author name and email must not be empty",
        ));
    }
    if let Some(date) = value["date"].as_str() {
        let (seconds, zone) = time::parse(date).ok_or_else(|| {
            Failure::unprocessable(format!(
                "Invalid request.\n\n{date} is not a valid date-time."
            ))
        })?;
        signature.seconds = seconds;
        signature.zone = zone;
    }
    Ok(Some(signature))
}

/// `POST /repos/{owner}/{repo}/git/commits`.
pub(crate) fn create(r: &mut Request<'_>) -> Reply {
    r.need(Permission::Write)?;
    let body = r.call.json()?;
    let message = body["message"]
        .as_str()
        .ok_or_else(|| Failure::missing("message"))?;
    let tree = body["tree"]
        .as_str()
        .ok_or_else(|| Failure::missing("tree"))?;
    let now = r.world.now();
    let author = given(&body["author"], now)?;
    let committer = given(&body["committer"], now)?;
    // GitHub signs what a bot commits in its own name.
    let signed = r.actor.account.is_some() && author.is_none() && committer.is_none();
    let author = author.unwrap_or_else(|| signature(r.world, &r.actor.login, now));
    let committer = match committer {
        Some(committer) => committer,
        None if signed => web_flow(now),
        None => author.clone(),
    };
    let repo = r.repo()?;
    super::refs::not_empty(repo)?;
    if repo.git.kind(tree).as_deref() != Some("tree") {
        return Err(Failure::unprocessable("Tree SHA does not exist"));
    }
    let mut parents = Vec::new();
    for parent in body["parents"].as_array().into_iter().flatten() {
        let sha = parent.as_str().unwrap_or_default();
        if repo.git.kind(sha).as_deref() != Some("commit") {
            return Err(Failure::unprocessable(
                "Parent SHA does not exist or is not a commit object",
            ));
        }
        parents.push(sha.to_owned());
    }
    let sha = repo
        .git
        .write_commit(tree, &parents, &author, &committer, message)?;
    if signed {
        r.repo_mut()?.signed.insert(sha.clone());
    }
    let repo = r.repo()?;
    let value = r.world.git_commit_json(repo, &repo.git.commit(&sha)?);
    let url = format!("{}/git/commits/{sha}", r.world.repo_api(repo));
    Ok(Answer::json(201, value).with("Location", url))
}

/// `GET /repos/{owner}/{repo}/git/commits/{commit_sha}`.
pub(crate) fn object(r: &Request<'_>, sha: &str) -> Reply {
    let repo = r.repo()?;
    super::refs::not_empty(repo)?;
    if repo.git.kind(sha).as_deref() != Some("commit") {
        return Err(Failure::not_found());
    }
    let commit = repo.git.commit(sha)?;
    Ok(Answer::ok(r.world.git_commit_json(repo, &commit)))
}

/// The commit that a name means, or GitHub's words for one that means none.
pub(crate) fn resolve(git: &Git, name: &str) -> Result<String, Failure> {
    git.resolve(name)
        .ok_or_else(|| Failure::unprocessable(format!("No commit found for SHA: {name}")))
}

/// `GET /repos/{owner}/{repo}/commits/{ref}`.
pub(crate) fn one(r: &Request<'_>, name: &str) -> Reply {
    let repo = r.repo()?;
    super::refs::not_empty(repo)?;
    let sha = resolve(&repo.git, name)?;
    if r.call
        .header("accept")
        .is_some_and(|accept| accept.contains("github.sha"))
    {
        return Ok(Answer::raw(
            sha.into_bytes(),
            "application/vnd.github.sha; charset=utf-8",
        ));
    }
    let commit = repo.git.commit(&sha)?;
    Ok(Answer::ok(r.world.whole_commit_json(repo, &commit)?))
}

/// `GET /repos/{owner}/{repo}/commits`.
pub(crate) fn list(r: &Request<'_>) -> Reply {
    let repo = r.repo()?;
    super::refs::not_empty(repo)?;
    let name = r.call.query("sha").unwrap_or(&repo.default_branch);
    let sha = repo.git.resolve(name).ok_or_else(Failure::not_found)?;
    let shas = repo.git.log(&sha, r.call.query("path"))?;
    let page = Page::of(r.call);
    let total = shas.len();
    let mut list = Vec::new();
    for sha in page.cut(shas) {
        list.push(r.world.commit_json(repo, &repo.git.commit(&sha)?));
    }
    Ok(page.answer(r.call, &r.world.address, total, Value::Array(list)))
}

/// `GET /repos/{owner}/{repo}/compare/{base}...{head}`.
pub(crate) fn compare(r: &Request<'_>, names: &str) -> Reply {
    let repo = r.repo()?;
    super::refs::not_empty(repo)?;
    let (base, head) = names.split_once("...").ok_or_else(Failure::not_found)?;
    let side = |name: &str| {
        // `owner:branch` is the same repository here, which has no forks.
        let name = name.rsplit_once(':').map_or(name, |(_, name)| name);
        repo.git.resolve(name).ok_or_else(Failure::not_found)
    };
    let (base, head) = (side(base)?, side(head)?);
    let Some(common) = repo.git.merge_base(&base, &head) else {
        return Err(Failure::new(
            404,
            format!("No common ancestor between {base} and {head}."),
        ));
    };
    let ahead = repo.git.between(&base, &head)?;
    let behind = repo.git.between(&head, &base)?.len();
    let status = match (ahead.len(), behind) {
        (0, 0) => "identical",
        (_, 0) => "ahead",
        (0, _) => "behind",
        _ => "diverged",
    };
    let page = Page::of(r.call);
    let total = ahead.len();
    let mut commits = Vec::new();
    for sha in page.cut(ahead) {
        commits.push(r.world.commit_json(repo, &repo.git.commit(&sha)?));
    }
    // The files are those of the whole comparison, and on the first page only.
    let files: Vec<Value> = if page.number == 1 {
        repo.git
            .diff(Some(&common), &head)?
            .iter()
            .take(300)
            .map(|change| crate::shape::changed_file(r.world, repo, &head, change))
            .collect()
    } else {
        Vec::new()
    };
    let commit = |sha: &str| -> Result<Value, Failure> {
        Ok(r.world.commit_json(repo, &repo.git.commit(sha)?))
    };
    let url = format!("{}/compare/{base}...{head}", r.world.repo_api(repo));
    let html = format!("{}/compare/{base}...{head}", r.world.repo_page(repo));
    let body = json!({
        "url": url,
        "html_url": html,
        "permalink_url": html,
        "diff_url": format!("{html}.diff"),
        "patch_url": format!("{html}.patch"),
        "base_commit": commit(&base)?,
        "merge_base_commit": commit(&common)?,
        "status": status,
        "ahead_by": total,
        "behind_by": behind,
        "total_commits": total,
        "commits": commits,
        "files": files,
    });
    Ok(page.answer(r.call, &r.world.address, total, body))
}
