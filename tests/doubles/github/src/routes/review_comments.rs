use serde_json::{Value, json};

use super::pulls::find;
use super::{Reply, Request};
use crate::events::Event;
use crate::wire::{Answer, Failure};
use crate::world::{Permission, Repo, Review, ReviewComment, World};

/// A comment on lines that is to be added.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    body: String,
    path: String,
    line: Option<u64>,
    start_line: Option<u64>,
    side: String,
    hunk: String,
    reply_to: Option<u64>,
}

/// From a request; the line must be in the difference.
pub(crate) fn draft(repo: &Repo, number: u64, value: &Value) -> Result<Draft, Failure> {
    let (_, pull) = find(repo, number)?;
    let text = |name: &str| value[name].as_str().map(str::to_owned);
    let body = text("body").ok_or_else(|| Failure::missing("body"))?;
    let path = text("path").ok_or_else(|| Failure::missing("path"))?;
    let side = text("side").unwrap_or_else(|| String::from("RIGHT"));
    let line = value["line"].as_u64().or(value["position"].as_u64());
    let base = repo.git.merge_base(&pull.base_sha, &pull.head_sha);
    let base = base.unwrap_or_else(|| pull.base_sha.clone());
    let files = repo.git.diff(Some(&base), &pull.head_sha)?;
    let Some(file) = files.iter().find(|file| file.path == path) else {
        return Err(Failure::unprocessable("Path could not be resolved"));
    };
    let patch = file.patch.clone().unwrap_or_default();
    if let (Some(line), Some(_)) = (value["line"].as_u64(), &file.patch)
        && !in_patch(&patch, line, side == "LEFT")
    {
        return Err(Failure::unprocessable("Line could not be resolved"));
    }
    if line.is_none() && value["subject_type"] != "file" && value["in_reply_to"].is_null() {
        return Err(Failure::missing("line"));
    }
    Ok(Draft {
        body,
        path,
        line,
        start_line: value["start_line"].as_u64(),
        side,
        hunk: patch,
        reply_to: value["in_reply_to"].as_u64(),
    })
}

/// Whether a patch shows a line of the old or the new file.
fn in_patch(patch: &str, wanted: u64, old: bool) -> bool {
    let (mut left, mut right) = (0, 0);
    for text in patch.lines() {
        if let Some(head) = text.strip_prefix("@@ ") {
            let start = |mark: char| {
                head.split(' ')
                    .find_map(|part| part.strip_prefix(mark))
                    .and_then(|part| part.split(',').next())
                    .and_then(|part| part.parse::<u64>().ok())
                    .unwrap_or(0)
            };
            (left, right) = (start('-'), start('+'));
            continue;
        }
        let (in_left, in_right) = match text.chars().next() {
            Some('+') => (false, true),
            Some('-') => (true, false),
            Some('\\') => (false, false),
            _ => (true, true),
        };
        if (old && in_left && left == wanted) || (!old && in_right && right == wanted) {
            return true;
        }
        left += u64::from(in_left);
        right += u64::from(in_right);
    }
    false
}

impl Draft {
    /// Adds the comment to a review.
    pub(crate) fn add(
        self,
        world: &mut World,
        repo: &str,
        number: u64,
        review: u64,
        author: &str,
        commit: &str,
    ) -> Result<u64, Failure> {
        let (id, now) = (world.id(), world.stamp());
        let pull = world
            .repo_mut(repo)
            .and_then(|repo| repo.issues.get_mut(&number))
            .and_then(|issue| issue.pull.as_mut())
            .ok_or_else(Failure::not_found)?;
        pull.comments.push(ReviewComment {
            id,
            review,
            author: author.to_owned(),
            body: self.body,
            path: self.path,
            commit: commit.to_owned(),
            line: self.line,
            start_line: self.start_line,
            side: self.side,
            hunk: self.hunk,
            reply_to: self.reply_to,
            created_at: now.clone(),
            updated_at: now,
        });
        Ok(id)
    }
}

/// Tells of a comment on lines.
pub(crate) fn tell(world: &mut World, repo: &str, number: u64, id: u64, sender: &str) {
    let Some(found) = world.repo(repo) else {
        return;
    };
    let Ok((issue, pull)) = find(found, number) else {
        return;
    };
    let Some(comment) = pull.comments.iter().find(|comment| comment.id == id) else {
        return;
    };
    let fields = json!({
        "comment": world.review_comment_json(found, number, comment),
        "pull_request": world.pull_json(found, issue, pull),
    });
    world.emit(
        repo,
        sender,
        Event::new("pull_request_review_comment", Some("created"), fields),
    );
}

/// `GET /repos/{owner}/{repo}/pulls/{pull_number}/comments`.
pub(crate) fn list(r: &Request<'_>, number: u64) -> Reply {
    let repo = r.repo()?;
    let (_, pull) = find(repo, number)?;
    let comments: Vec<&ReviewComment> = pull.comments.iter().collect();
    Ok(r.page(comments, |world, comment| {
        world.review_comment_json(repo, number, comment)
    }))
}

fn answer(r: &Request<'_>, status: u16, id: u64) -> Reply {
    let repo = r.repo()?;
    let found = repo.issues.values().find_map(|issue| {
        let comments = &issue.pull.as_ref()?.comments;
        let comment = comments.iter().find(|comment| comment.id == id)?;
        Some(r.world.review_comment_json(repo, issue.number, comment))
    });
    Ok(Answer::json(status, found.ok_or_else(Failure::not_found)?))
}

/// `GET /repos/{owner}/{repo}/pulls/comments/{comment_id}`.
pub(crate) fn one(r: &Request<'_>, id: u64) -> Reply {
    answer(r, 200, id)
}

/// `POST /repos/{owner}/{repo}/pulls/{pull_number}/comments`.
pub(crate) fn create(r: &mut Request<'_>, number: u64) -> Reply {
    r.need(Permission::Read)?;
    let mut body = r.call.json()?;
    let (_, pull) = find(r.repo()?, number)?;
    let head = pull.head_sha.clone();
    if let Some(first) = body["in_reply_to"].as_u64() {
        let comment = pull.comments.iter().find(|comment| comment.id == first);
        let comment = comment.ok_or_else(Failure::not_found)?;
        // An answer is where the first comment is.
        body["path"] = json!(comment.path);
        body["line"] = json!(comment.line);
    } else if body["commit_id"].as_str().is_none() {
        return Err(Failure::missing("commit_id"));
    }
    let draft = draft(r.repo()?, number, &body)?;
    let commit = body["commit_id"].as_str().unwrap_or(&head).to_owned();
    let (repo, author) = (r.repo.clone(), r.actor.login.clone());
    let review = r.world.id();
    let submitted_at = Some(r.world.stamp());
    // A single comment is a review of its own.
    let issue = r.repo_mut()?.issues.get_mut(&number);
    if let Some(pull) = issue.and_then(|issue| issue.pull.as_mut()) {
        pull.reviews.push(Review {
            id: review,
            author: author.clone(),
            body: String::new(),
            state: "COMMENTED",
            commit: commit.clone(),
            submitted_at,
        });
    }
    let id = draft.add(r.world, &repo, number, review, &author, &commit)?;
    tell(r.world, &repo, number, id, &author);
    answer(r, 201, id)
}
