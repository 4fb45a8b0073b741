use serde_json::{Value, json};

use super::{Reply, Request};
use crate::wire::{Answer, Failure};
use crate::world::{Comment, Permission, World};

fn text(body: &Value) -> Result<String, Failure> {
    match body["body"].as_str() {
        Some(text) if text.trim().is_empty() => Err(Failure::validation(json!([{
            "resource": "IssueComment", "code": "unprocessable", "field": "data",
            "message": "Body cannot be blank",
        }]))),
        Some(text) if text.len() > 65_536 => Err(Failure::validation(json!([{
            "resource": "IssueComment", "code": "unprocessable", "field": "data",
            "message": "Body is too long (maximum is 65536 characters)",
        }]))),
        Some(text) => Ok(text.to_owned()),
        None => Err(Failure::missing("body")),
    }
}

/// `GET /repos/{owner}/{repo}/issues/{issue_number}/comments`.
pub(crate) fn list(r: &Request<'_>, number: u64) -> Reply {
    let repo = r.repo()?;
    if !repo.issues.contains_key(&number) {
        return Err(Failure::not_found());
    }
    let since = r.call.query("since");
    let comments: Vec<&Comment> = repo
        .comments
        .iter()
        .filter(|comment| comment.issue == number)
        .filter(|comment| since.is_none_or(|since| comment.updated_at.as_str() >= since))
        .collect();
    Ok(r.page(comments, |world, comment| world.comment_json(repo, comment)))
}

fn answer(r: &Request<'_>, status: u16, id: u64) -> Reply {
    let repo = r.repo()?;
    let comment = repo.comments.iter().find(|comment| comment.id == id);
    let comment = comment.ok_or_else(Failure::not_found)?;
    Ok(Answer::json(status, r.world.comment_json(repo, comment)))
}

/// `GET /repos/{owner}/{repo}/issues/comments/{comment_id}`.
pub(crate) fn one(r: &Request<'_>, id: u64) -> Reply {
    answer(r, 200, id)
}

/// `POST /repos/{owner}/{repo}/issues/{issue_number}/comments`.
pub(crate) fn create(r: &mut Request<'_>, number: u64) -> Reply {
    r.need(Permission::Read)?;
    let text = text(&r.call.json()?)?;
    let issue = r
        .repo()?
        .issues
        .get(&number)
        .ok_or_else(Failure::not_found)?;
    if issue.locked && r.permission() < Permission::Write {
        return Err(Failure::new(
            403,
            "Unable to create comment because issue is locked.",
        ));
    }
    let (repo, author) = (r.repo.clone(), r.actor.login.clone());
    let id = add(r.world, &repo, number, &author, &text).ok_or_else(Failure::not_found)?;
    answer(r, 201, id)
}

/// Adds a comment and tells of it.
pub(crate) fn add(
    world: &mut World,
    repo: &str,
    number: u64,
    author: &str,
    text: &str,
) -> Option<u64> {
    let (id, now) = (world.id(), world.stamp());
    let found = world.repo_mut(repo)?;
    found.issues.get_mut(&number)?.updated_at.clone_from(&now);
    found.comments.push(Comment {
        id,
        issue: number,
        author: author.to_owned(),
        body: text.to_owned(),
        created_at: now.clone(),
        updated_at: now,
    });
    world.tell_comment(repo, id, "created", author, json!({}));
    Some(id)
}

/// A comment is its author's, and those's who may push.
fn own(r: &Request<'_>, id: u64) -> Result<(), Failure> {
    let comments = &r.repo()?.comments;
    let comment = comments.iter().find(|comment| comment.id == id);
    let comment = comment.ok_or_else(Failure::not_found)?;
    if comment.author.eq_ignore_ascii_case(&r.actor.login) {
        return Ok(());
    }
    r.need(Permission::Write)
}

/// `PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}`.
pub(crate) fn update(r: &mut Request<'_>, id: u64) -> Reply {
    own(r, id)?;
    let text = text(&r.call.json()?)?;
    let (repo, sender) = (r.repo.clone(), r.actor.login.clone());
    change(r.world, &repo, id, &sender, &text);
    answer(r, 200, id)
}

/// Changes a comment's text and tells of it.
pub(crate) fn change(world: &mut World, repo: &str, id: u64, sender: &str, text: &str) {
    let now = world.stamp();
    let comments = world.repo_mut(repo).map(|repo| &mut repo.comments);
    let Some(comment) = comments
        .into_iter()
        .flatten()
        .find(|comment| comment.id == id)
    else {
        return;
    };
    let old = std::mem::replace(&mut comment.body, text.to_owned());
    comment.updated_at = now;
    world.tell_comment(
        repo,
        id,
        "edited",
        sender,
        json!({"changes": {"body": {"from": old}}}),
    );
}

/// `DELETE /repos/{owner}/{repo}/issues/comments/{comment_id}`.
pub(crate) fn delete(r: &mut Request<'_>, id: u64) -> Reply {
    own(r, id)?;
    let (repo, sender) = (r.repo.clone(), r.actor.login.clone());
    r.world
        .tell_comment(&repo, id, "deleted", &sender, json!({}));
    r.repo_mut()?.comments.retain(|comment| comment.id != id);
    Ok(Answer::empty(204))
}
