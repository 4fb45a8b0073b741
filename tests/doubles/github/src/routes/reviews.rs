use serde_json::{Value, json};

use super::issues::texts;
use super::pulls::find;
use super::review_comments::{Draft, draft};
use super::{Reply, Request};
use crate::events::Event;
use crate::wire::{Answer, Failure};
use crate::world::{Permission, Review, World};

/// `GET /repos/{owner}/{repo}/pulls/{pull_number}/reviews`.
pub(crate) fn list(r: &Request<'_>, number: u64) -> Reply {
    let repo = r.repo()?;
    let (_, pull) = find(repo, number)?;
    let reviews: Vec<&Review> = pull.reviews.iter().collect();
    Ok(r.page(reviews, |world, review| {
        world.review_json(repo, number, review)
    }))
}

/// 422 with texts as errors, as this route has them.
fn refused(message: &str) -> Failure {
    Failure {
        status: 422,
        message: String::from("Unprocessable Entity"),
        errors: Some(json!([message])),
    }
}

/// `POST /repos/{owner}/{repo}/pulls/{pull_number}/reviews`.
pub(crate) fn create(r: &mut Request<'_>, number: u64) -> Reply {
    r.need(Permission::Read)?;
    let body = r.call.json()?;
    let repo = r.repo()?;
    find(repo, number)?;
    let comments = body["comments"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|comment| draft(repo, number, comment))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|failure| refused(&failure.message))?;
    let text = body["body"].as_str().unwrap_or_default().to_owned();
    let event = body["event"].as_str().unwrap_or_default().to_owned();
    let commit = body["commit_id"].as_str().map(str::to_owned);
    let (repo, author) = (r.repo.clone(), r.actor.login.clone());
    let id = submit(
        r.world, &repo, number, &author, &event, &text, commit, comments,
    )?;
    let repo = r.repo()?;
    let (_, pull) = find(repo, number)?;
    let review = pull.reviews.iter().find(|review| review.id == id);
    let review = review.ok_or_else(Failure::not_found)?;
    Ok(Answer::ok(r.world.review_json(repo, number, review)))
}

/// Adds a review with its comments and tells of them.
#[allow(clippy::too_many_arguments, reason = "it is what a review has")]
pub(crate) fn submit(
    world: &mut World,
    repo: &str,
    number: u64,
    author: &str,
    event: &str,
    text: &str,
    commit: Option<String>,
    comments: Vec<Draft>,
) -> Result<u64, Failure> {
    let state = match event {
        "APPROVE" => "APPROVED",
        "REQUEST_CHANGES" => "CHANGES_REQUESTED",
        "COMMENT" => "COMMENTED",
        "" => "PENDING",
        _ => return Err(Failure::field("PullRequestReview", "event", "invalid")),
    };
    let found = world.repo(repo).ok_or_else(Failure::not_found)?;
    let (issue, pull) = find(found, number)?;
    if issue.author.eq_ignore_ascii_case(author) {
        match event {
            "APPROVE" => return Err(refused("Can not approve your own pull request")),
            "REQUEST_CHANGES" => {
                return Err(refused("Can not request changes on your own pull request"));
            }
            _ => {}
        }
    }
    if text.is_empty()
        && (event == "REQUEST_CHANGES" || (event == "COMMENT" && comments.is_empty()))
    {
        return Err(refused("Could not submit review: body can't be blank"));
    }
    let commit = commit.unwrap_or_else(|| pull.head_sha.clone());
    let (id, now) = (world.id(), world.stamp());
    let review = Review {
        id,
        author: author.to_owned(),
        body: text.to_owned(),
        state,
        commit: commit.clone(),
        submitted_at: (state != "PENDING").then(|| now.clone()),
    };
    if let Some(issue) = world
        .repo_mut(repo)
        .and_then(|repo| repo.issues.get_mut(&number))
    {
        issue.updated_at = now;
        if let Some(pull) = &mut issue.pull {
            pull.reviews.push(review);
            pull.requested
                .retain(|login| !login.eq_ignore_ascii_case(author));
        }
    }
    let mut ids = Vec::new();
    for comment in comments {
        ids.push(comment.add(world, repo, number, id, author, &commit)?);
    }
    if state != "PENDING" {
        tell(world, repo, number, id, author);
        for id in ids {
            super::review_comments::tell(world, repo, number, id, author);
        }
    }
    Ok(id)
}

fn tell(world: &mut World, repo: &str, number: u64, id: u64, sender: &str) {
    let Some(found) = world.repo(repo) else {
        return;
    };
    let Ok((issue, pull)) = find(found, number) else {
        return;
    };
    let Some(review) = pull.reviews.iter().find(|review| review.id == id) else {
        return;
    };
    let mut form = world.review_json(found, number, review);
    // Webhooks spell the states in lower case.
    form["state"] = json!(review.state.to_lowercase());
    let fields = json!({"review": form, "pull_request": world.pull_json(found, issue, pull)});
    world.emit(
        repo,
        sender,
        Event::new("pull_request_review", Some("submitted"), fields),
    );
}

/// `GET /repos/{owner}/{repo}/pulls/{pull_number}/requested_reviewers`.
pub(crate) fn requested(r: &Request<'_>, number: u64) -> Reply {
    let (_, pull) = find(r.repo()?, number)?;
    let users: Vec<Value> = pull
        .requested
        .iter()
        .map(|login| r.world.user_json(login))
        .collect();
    Ok(Answer::ok(json!({"users": users, "teams": []})))
}

/// `POST /repos/{owner}/{repo}/pulls/{pull_number}/requested_reviewers`.
pub(crate) fn request(r: &mut Request<'_>, number: u64) -> Reply {
    r.need(Permission::Write)?;
    let logins = texts(&r.call.json()?["reviewers"]).unwrap_or_default();
    let repo = r.repo()?;
    let (issue, _) = find(repo, number)?;
    for login in &logins {
        if login.eq_ignore_ascii_case(&issue.author) {
            return Err(Failure::unprocessable(
                "Review cannot be requested from pull request author.",
            ));
        }
        if repo.permission(login) < Permission::Read
            || !r.world.users.contains_key(&login.to_lowercase())
        {
            return Err(Failure::unprocessable(
                "Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a collaborator of the repository.",
            ));
        }
    }
    let (repo, sender) = (r.repo.clone(), r.actor.login.clone());
    for login in logins {
        ask(r.world, &repo, number, &login, &sender);
    }
    let repo = r.repo()?;
    let (issue, pull) = find(repo, number)?;
    Ok(Answer::json(201, r.world.pull_json(repo, issue, pull)))
}

/// Asks somebody for a review and tells of it.
pub(crate) fn ask(world: &mut World, repo: &str, number: u64, login: &str, sender: &str) {
    let pull = world
        .repo_mut(repo)
        .and_then(|repo| repo.issues.get_mut(&number))
        .and_then(|issue| issue.pull.as_mut());
    let Some(pull) = pull else { return };
    if !pull.requested.iter().any(|name| name == login) {
        pull.requested.push(login.to_owned());
    }
    let more = json!({"requested_reviewer": world.user_json(login)});
    world.tell_pull(repo, number, "review_requested", sender, more);
}
