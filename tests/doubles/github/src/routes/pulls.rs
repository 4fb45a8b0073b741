use serde_json::{Value, json};

use super::issues::Edit;
use super::{Reply, Request};
use crate::wire::{Answer, Body, Failure};
use crate::world::{Issue, Permission, Pull, Repo, World};

/// An issue that is a pull request, with its other half.
pub(crate) fn find(repo: &Repo, number: u64) -> Result<(&Issue, &Pull), Failure> {
    let issue = repo.issues.get(&number).ok_or_else(Failure::not_found)?;
    let pull = issue.pull.as_ref().ok_or_else(Failure::not_found)?;
    Ok((issue, pull))
}

/// All pull requests, newest first.
pub(crate) fn all(repo: &Repo) -> impl DoubleEndedIterator<Item = (&Issue, &Pull)> {
    repo.issues
        .values()
        .rev()
        .filter_map(|issue| Some((issue, issue.pull.as_ref()?)))
}

/// `GET /repos/{owner}/{repo}/pulls`.
pub(crate) fn list(r: &Request<'_>) -> Reply {
    let repo = r.repo()?;
    let state = r.call.query("state").unwrap_or("open");
    if !matches!(state, "open" | "closed" | "all") {
        return Err(Failure::field("PullRequest", "state", "invalid"));
    }
    let head = r.call.query("head");
    let base = r.call.query("base");
    let mut pulls: Vec<(&Issue, &Pull)> = all(repo)
        .filter(|(issue, _)| state == "all" || issue.state() == state)
        .filter(|(_, pull)| base.is_none_or(|base| pull.base == base))
        .filter(|(_, pull)| match head.map(|head| head.split_once(':')) {
            // A head without an owner is no filter, which surprises many.
            None | Some(None) => true,
            Some(Some((owner, branch))) => {
                owner.eq_ignore_ascii_case(&repo.owner) && pull.head == branch
            }
        })
        .collect();
    if r.call.query("direction") == Some("asc") {
        pulls.reverse();
    }
    Ok(r.page(pulls, |world, (issue, pull)| {
        world.pull_json(repo, issue, pull)
    }))
}

/// `GET /repos/{owner}/{repo}/commits/{commit_sha}/pulls`.
pub(crate) fn of_commit(r: &Request<'_>, sha: &str) -> Reply {
    let repo = r.repo()?;
    let pulls: Vec<(&Issue, &Pull)> = all(repo)
        .filter(|(_, pull)| {
            pull.merge_commit.as_deref() == Some(sha)
                || (repo.git.is_ancestor(sha, &pull.head_sha)
                    && !repo.git.is_ancestor(sha, &pull.base_sha))
        })
        .collect();
    Ok(r.page(pulls, |world, (issue, pull)| {
        world.pull_json(repo, issue, pull)
    }))
}

pub(crate) fn answer(r: &Request<'_>, status: u16, number: u64) -> Reply {
    let repo = r.repo()?;
    let (issue, pull) = find(repo, number)?;
    let answer = Answer::json(status, r.world.whole_pull_json(repo, issue, pull));
    if status != 201 {
        return Ok(answer);
    }
    let url = format!("{}/pulls/{number}", r.world.repo_api(repo));
    Ok(answer.with("Location", url))
}

/// `GET /repos/{owner}/{repo}/pulls/{pull_number}`.
pub(crate) fn one(r: &mut Request<'_>, number: u64) -> Reply {
    let repo = r.repo_mut()?;
    let (_, pull) = find(repo, number)?;
    let sides = (pull.head_sha.clone(), pull.base_sha.clone());
    let unknown = repo.mergeable_later && repo.looked_at.get(&number) != Some(&sides);
    repo.looked_at.insert(number, sides);
    let mut answer = answer(r, 200, number)?;
    if let (true, Body::Json(shown)) = (unknown, &mut answer.body) {
        for name in ["mergeable", "rebaseable"] {
            shown[name] = Value::Null;
        }
        shown["mergeable_state"] = json!("unknown");
    }
    Ok(answer)
}

/// `POST /repos/{owner}/{repo}/pulls`.
pub(crate) fn create(r: &mut Request<'_>) -> Reply {
    let body = r.call.json()?;
    let text = |name: &str| {
        body[name]
            .as_str()
            .map(str::to_owned)
            .ok_or_else(|| Failure::missing(name))
    };
    let (title, head, base) = (text("title")?, text("head")?, text("base")?);
    if title.trim().is_empty() {
        return Err(Failure::field("PullRequest", "title", "missing_field"));
    }
    r.need(Permission::Write)?;
    let new = New {
        title,
        head,
        base,
        body: body["body"].as_str().map(str::to_owned),
        draft: body["draft"].as_bool().unwrap_or(false),
        maintainer_can_modify: body["maintainer_can_modify"].as_bool().unwrap_or(false),
    };
    let (repo, author) = (r.repo.clone(), r.actor.login.clone());
    let number = open(r.world, &repo, &author, new)?;
    answer(r, 201, number)
}

/// A pull request to be opened.
#[derive(Debug)]
pub(crate) struct New {
    pub(crate) title: String,
    /// A branch, perhaps with `owner:` before it.
    pub(crate) head: String,
    pub(crate) base: String,
    pub(crate) body: Option<String>,
    pub(crate) draft: bool,
    pub(crate) maintainer_can_modify: bool,
}

/// Opens a pull request and tells of it.
pub(crate) fn open(world: &mut World, repo: &str, author: &str, new: New) -> Result<u64, Failure> {
    let (id, pull_id, now) = (world.id(), world.id(), world.stamp());
    let found = world.repo_mut(repo).ok_or_else(Failure::not_found)?;
    let head = match new.head.split_once(':') {
        Some((owner, branch)) if owner.eq_ignore_ascii_case(&found.owner) => branch.to_owned(),
        Some(_) => return Err(Failure::field("PullRequest", "head", "invalid")),
        None => new.head,
    };
    let Some(head_sha) = found.git.branch(&head) else {
        return Err(Failure::field("PullRequest", "head", "invalid"));
    };
    let Some(base_sha) = found.git.branch(&new.base) else {
        return Err(Failure::field("PullRequest", "base", "invalid"));
    };
    let twin =
        all(found).any(|(issue, pull)| issue.open() && pull.head == head && pull.base == new.base);
    if twin {
        return Err(Failure::custom(
            "PullRequest",
            format!("A pull request already exists for {}:{head}.", found.owner),
        ));
    }
    if found.git.between(&base_sha, &head_sha)?.is_empty() {
        return Err(Failure::custom(
            "PullRequest",
            format!("No commits between {} and {head}", new.base),
        ));
    }
    let number = found.next_number();
    let pull = Pull {
        id: pull_id,
        head: head.clone(),
        head_sha: head_sha.clone(),
        base: new.base,
        base_sha,
        draft: new.draft,
        merged_at: None,
        merged_by: None,
        merge_commit: None,
        requested: Vec::new(),
        reviews: Vec::new(),
        comments: Vec::new(),
        maintainer_can_modify: new.maintainer_can_modify,
    };
    found.issues.insert(
        number,
        Issue {
            id,
            number,
            title: new.title,
            body: new.body,
            author: author.to_owned(),
            closed: false,
            state_reason: None,
            labels: Vec::new(),
            assignees: Vec::new(),
            locked: false,
            created_at: now.clone(),
            updated_at: now,
            closed_at: None,
            closed_by: None,
            pull: Some(pull),
        },
    );
    let git = found.git.clone();
    // As GitHub does, the head can be fetched for as long as the repository lives.
    let reference = format!("refs/pull/{number}/head");
    git.update_ref(&reference, &head_sha, "")?;
    world.tell_pull(repo, number, "opened", author, json!({}));
    world.start_runs(repo, "pull_request", &head, "", &head_sha, author);
    Ok(number)
}

/// `PATCH /repos/{owner}/{repo}/pulls/{pull_number}`.
pub(crate) fn update(r: &mut Request<'_>, number: u64) -> Reply {
    let body = r.call.json()?;
    let repo = r.repo()?;
    let (issue, pull) = find(repo, number)?;
    if !issue.author.eq_ignore_ascii_case(&r.actor.login) {
        r.need(Permission::Write)?;
    }
    let reopens = issue.closed && body["state"] == "open";
    if reopens && pull.merged_at.is_some() {
        return Err(Failure::custom(
            "PullRequest",
            "state cannot be changed. The pull request cannot be reopened.",
        ));
    }
    if reopens && repo.git.branch(&pull.head).is_none() {
        return Err(Failure::custom(
            "PullRequest",
            format!(
                "state cannot be changed. The {} branch was deleted.",
                pull.head
            ),
        ));
    }
    if let Some(base) = body["base"].as_str() {
        let base_sha = repo.git.branch(base);
        let base_sha = base_sha.ok_or_else(|| Failure::field("PullRequest", "base", "invalid"))?;
        let base = base.to_owned();
        let issue = r.repo_mut()?.issues.get_mut(&number);
        if let Some(pull) = issue.and_then(|issue| issue.pull.as_mut()) {
            pull.base = base;
            pull.base_sha = base_sha;
        }
    }
    let change = Edit::of(&body)?;
    let (repo, sender) = (r.repo.clone(), r.actor.login.clone());
    super::issues::edit(r.world, &repo, number, change, &sender);
    answer(r, 200, number)
}

/// `GET /repos/{owner}/{repo}/pulls/{pull_number}/merge`.
pub(crate) fn merged(r: &Request<'_>, number: u64) -> Reply {
    let (_, pull) = find(r.repo()?, number)?;
    if pull.merged_at.is_none() {
        return Err(Failure::not_found());
    }
    Ok(Answer::empty(204))
}

/// `GET /repos/{owner}/{repo}/pulls/{pull_number}/files`.
pub(crate) fn files(r: &Request<'_>, number: u64) -> Reply {
    let repo = r.repo()?;
    let (_, pull) = find(repo, number)?;
    let base = repo.git.merge_base(&pull.base_sha, &pull.head_sha);
    let base = base.unwrap_or_else(|| pull.base_sha.clone());
    let files = repo.git.diff(Some(&base), &pull.head_sha)?;
    Ok(r.page(files, |world, change| {
        crate::shape::changed_file(world, repo, &pull.head_sha, &change)
    }))
}

/// `GET /repos/{owner}/{repo}/pulls/{pull_number}/commits`.
pub(crate) fn commits(r: &Request<'_>, number: u64) -> Reply {
    let repo = r.repo()?;
    let (_, pull) = find(repo, number)?;
    let shas = repo.git.between(&pull.base_sha, &pull.head_sha)?;
    Ok(r.page(shas, |world, sha| match repo.git.commit(&sha) {
        Ok(commit) => world.commit_json(repo, &commit),
        Err(_) => Value::Null,
    }))
}
