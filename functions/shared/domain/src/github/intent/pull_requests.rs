//! Events of pull requests and their reviews.

use serde_json::{Map, Value};

use super::super::{
    payload,
    payload::{name, needed, number, sha, text, time, truth},
    sender::Sender,
    table::Does,
};
use super::{
    Announcement, Ignored, Intent, Known, PullRequest, PullRequestState, Review, ReviewState,
    comments,
};
use crate::event::EventKind;

/// What the branches of Loom's agents begin with.
const AGENT: &str = "agent/";

/// What a delivery of the event `pull_request` asks for.
pub(super) fn changed(
    action: &str,
    does: Does,
    payload: &Value,
    known: Known<'_>,
    sender: Sender,
    intents: &mut Vec<Intent>,
) -> Result<(), Ignored> {
    let state = state(action, payload, known)?;
    let is_person = sender == Sender::Person;
    if action == "opened" && is_person {
        intents.push(opened(&state, payload));
    }
    let asked = text(payload, "/requested_reviewer/login");
    let asks_loom = match (asked, known.own_login) {
        (Some(asked), Some(own)) => asked.eq_ignore_ascii_case(own),
        _ => false,
    };
    intents.push(Intent::PullRequest(PullRequest {
        wants_review: does == Does::ReviewPullRequest
            && is_person
            && state.is_open
            && !state.is_draft,
        wants_another: is_person
            && (action == "reopened" || (action == "review_requested" && asks_loom)),
        opens: is_person && action == "reopened",
        sender,
        by: name(payload, "/sender/login").unwrap_or_default(),
        state,
    }));
    Ok(())
}

/// What a delivery of `pull_request_review` asks for.
pub(super) fn judged(
    payload: &Value,
    known: Known<'_>,
    intents: &mut Vec<Intent>,
) -> Result<(), Ignored> {
    let said = text(payload, "/review/body").unwrap_or_default();
    comments::refuse_marked(said)?;
    let id = needed(number(payload, "/review/id"), "/review/id")?;
    let author = needed(name(payload, "/review/user/login"), "/review/user/login")?;
    let state = match needed(text(payload, "/review/state"), "/review/state")?
        .to_ascii_lowercase()
        .as_str()
    {
        "approved" => ReviewState::Approved,
        "changes_requested" => ReviewState::ChangesRequested,
        _ => ReviewState::Commented,
    };
    let of = self::state("", payload, known)?;
    let url = payload::url(payload, "/review/html_url");
    let review = Review {
        number: of.number,
        id,
        author,
        state,
        text: comments::words(said, &url),
        url,
        commit: sha(payload, "/review/commit_id"),
    };
    intents.push(noted(of, payload));
    intents.push(Intent::Review(review));
    Ok(())
}

/// What another event shows of a pull request: it is noted, and nothing is started by that.
pub(super) fn noted(state: PullRequestState, payload: &Value) -> Intent {
    Intent::PullRequest(PullRequest {
        wants_review: false,
        wants_another: false,
        opens: false,
        sender: Sender::Person,
        by: name(payload, "/sender/login").unwrap_or_default(),
        state,
    })
}

/// The pull request as the payload shows it; `action` is that of the event `pull_request`, or empty.
pub(super) fn state(
    action: &str,
    payload: &Value,
    _known: Known<'_>,
) -> Result<PullRequestState, Ignored> {
    let at = |field: &str| format!("/pull_request{field}");
    let must = |field: &str| needed(name(payload, &at(field)), &at(field));
    let number = needed(number(payload, &at("/number")), &at("/number"))?;
    let url = payload::url(payload, &at("/html_url"));
    let head_branch = must("/head/ref")?;
    let merged = truth(payload, &at("/merged")) || text(payload, &at("/merged_at")).is_some();
    // A fork may call its branches what it likes: only the repository's own are Loom's.
    let home = text(payload, "/repository/full_name");
    let is_of_repository = home.is_some()
        && home.map(str::to_lowercase)
            == text(payload, &at("/head/repo/full_name")).map(str::to_lowercase);
    Ok(PullRequestState {
        number,
        title: payload::title(
            text(payload, &at("/title")),
            &format!("Pull request #{number}"),
        ),
        body: payload::body(payload, &at("/body"), &url),
        author: name(payload, &at("/user/login")).unwrap_or_else(|| "ghost".to_owned()),
        url,
        owner: is_of_repository
            .then(|| owner(&head_branch))
            .flatten()
            .map(str::to_owned),
        head_branch,
        head_sha: needed(sha(payload, &at("/head/sha")), &at("/head/sha"))?,
        base_branch: must("/base/ref")?,
        is_open: !merged && text(payload, &at("/state")).unwrap_or("open") != "closed",
        is_draft: truth(payload, &at("/draft")),
        merged_sha: merged
            .then(|| sha(payload, &at("/merge_commit_sha")))
            .flatten(),
        updated_at: needed(time(payload, &at("/updated_at")), &at("/updated_at"))?,
        rank: rank(action),
    })
}

/// The bead that the name of a branch speaks of: `agent/<bead>/<slug>`.
pub(super) fn owner(branch: &str) -> Option<&str> {
    let (bead, slug) = branch.strip_prefix(AGENT)?.split_once('/')?;
    (!bead.is_empty() && !slug.is_empty()).then_some(bead)
}

/// See the same of issues.
fn rank(action: &str) -> i64 {
    match action {
        "opened" => 0,
        "synchronize" => 2,
        "closed" => 3,
        "reopened" => 4,
        _ => 1,
    }
}

fn opened(state: &PullRequestState, payload: &Value) -> Intent {
    let mut data = Map::new();
    for (name, value) in [
        ("pr_number", Value::from(state.number)),
        ("pr_title", state.title.clone().into()),
        ("pr_url", state.url.clone().into()),
        ("draft", state.is_draft.into()),
        (
            "state",
            if state.is_open { "open" } else { "closed" }.into(),
        ),
        ("author", state.author.clone().into()),
        ("head_ref", state.head_branch.clone().into()),
        ("head_sha", state.head_sha.clone().into()),
        ("base_ref", state.base_branch.clone().into()),
        ("base_sha", sha(payload, "/pull_request/base/sha").into()),
    ] {
        data.insert(name.to_owned(), value);
    }
    Intent::Announce(Announcement {
        kind: EventKind::GithubPrOpened,
        data,
        once: Some(format!("pr_opened:{}", state.number)),
    })
}
