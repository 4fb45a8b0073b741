use serde_json::{Value, json};

use super::{Reply, Request};
use crate::wire::{Answer, Failure};
use crate::world::{Issue, Permission, World};

/// Texts of a list; `None` if it is none.
pub(crate) fn texts(value: &Value) -> Option<Vec<String>> {
    value.as_array().map(|list| {
        list.iter()
            .filter_map(|entry| entry.as_str().or(entry["name"].as_str()))
            .map(str::to_owned)
            .collect()
    })
}

/// `GET /repos/{owner}/{repo}/issues`.
pub(crate) fn list(r: &Request<'_>) -> Reply {
    let repo = r.repo()?;
    let state = r.call.query("state").unwrap_or("open");
    if !matches!(state, "open" | "closed" | "all") {
        return Err(Failure::field("Issue", "state", "invalid"));
    }
    let labels: Vec<&str> = r
        .call
        .query("labels")
        .map(|labels| labels.split(',').collect())
        .unwrap_or_default();
    let creator = r.call.query("creator");
    let since = r.call.query("since");
    let mut issues: Vec<&Issue> = repo
        .issues
        .values()
        .filter(|issue| state == "all" || issue.state() == state)
        .filter(|issue| {
            labels.iter().all(|label| {
                issue
                    .labels
                    .iter()
                    .any(|name| name.eq_ignore_ascii_case(label))
            })
        })
        .filter(|issue| creator.is_none_or(|creator| issue.author.eq_ignore_ascii_case(creator)))
        .filter(|issue| since.is_none_or(|since| issue.updated_at.as_str() >= since))
        .collect();
    if r.call.query("direction") != Some("asc") {
        issues.reverse();
    }
    Ok(r.page(issues, |world, issue| world.issue_json(repo, issue)))
}

/// An issue's answer.
fn answer(r: &Request<'_>, status: u16, number: u64) -> Reply {
    let repo = r.repo()?;
    let issue = repo.issues.get(&number).ok_or_else(Failure::not_found)?;
    Ok(Answer::json(status, r.world.issue_json(repo, issue)))
}

/// `GET /repos/{owner}/{repo}/issues/{issue_number}`.
pub(crate) fn one(r: &Request<'_>, number: u64) -> Reply {
    answer(r, 200, number)
}

/// `POST /repos/{owner}/{repo}/issues`.
pub(crate) fn create(r: &mut Request<'_>) -> Reply {
    r.need(Permission::Read)?;
    let body = r.call.json()?;
    let title = body["title"].as_str().unwrap_or_default().to_owned();
    if title.trim().is_empty() {
        return Err(Failure::field("Issue", "title", "missing_field"));
    }
    let text = body["body"].as_str().map(str::to_owned);
    // Who may not write has these ignored, as GitHub does.
    let labels = (r.permission() >= Permission::Triage)
        .then(|| texts(&body["labels"]))
        .flatten()
        .unwrap_or_default();
    let assignees = texts(&body["assignees"]).unwrap_or_default();
    let author = r.actor.login.clone();
    let repo = r.repo.clone();
    let number = open(r.world, &repo, &author, &title, text, &labels, &assignees)
        .ok_or_else(Failure::not_found)?;
    answer(r, 201, number)
}

/// Opens an issue and tells of it.
pub(crate) fn open(
    world: &mut World,
    repo: &str,
    author: &str,
    title: &str,
    body: Option<String>,
    labels: &[String],
    assignees: &[String],
) -> Option<u64> {
    let (id, now) = (world.id(), world.stamp());
    let names: Vec<String> = labels
        .iter()
        .map(|label| super::labels::known(world, repo, label))
        .collect();
    let found = world.repo_mut(repo)?;
    let number = found.next_number();
    let issue = Issue {
        id,
        number,
        title: title.to_owned(),
        body,
        author: author.to_owned(),
        closed: false,
        state_reason: None,
        labels: Vec::new(),
        assignees: assignees.to_vec(),
        locked: false,
        created_at: now.clone(),
        updated_at: now,
        closed_at: None,
        closed_by: None,
        pull: None,
    };
    let found_issue = found.issues.entry(number).or_insert(issue);
    found_issue.labels.clone_from(&names);
    world.tell_issue(repo, number, "opened", author, json!({}));
    for name in &names {
        super::labels::tell(world, repo, number, "labeled", name, author);
    }
    Some(number)
}

/// What a PATCH may change of an issue or of the half of a pull request that is one.
#[derive(Debug, Default)]
pub(crate) struct Edit {
    pub(crate) title: Option<String>,
    /// `Some(None)` clears it.
    pub(crate) body: Option<Option<String>>,
    pub(crate) state: Option<String>,
    pub(crate) state_reason: Option<String>,
    pub(crate) labels: Option<Vec<String>>,
    pub(crate) assignees: Option<Vec<String>>,
}

impl Edit {
    /// From a request's body.
    pub(crate) fn of(body: &Value) -> Result<Self, Failure> {
        let state = body["state"].as_str().map(str::to_owned);
        if state
            .as_deref()
            .is_some_and(|state| !matches!(state, "open" | "closed"))
        {
            return Err(Failure::field("Issue", "state", "invalid"));
        }
        let title = body["title"].as_str().map(str::to_owned);
        if title
            .as_deref()
            .is_some_and(|title| title.trim().is_empty())
        {
            return Err(Failure::field("Issue", "title", "missing_field"));
        }
        Ok(Self {
            title,
            body: body
                .get("body")
                .map(|value| value.as_str().map(str::to_owned)),
            state,
            state_reason: body["state_reason"].as_str().map(str::to_owned),
            labels: texts(&body["labels"]),
            assignees: texts(&body["assignees"]),
        })
    }
}

/// Carries an edit out and tells of each kind of change.
pub(crate) fn edit(world: &mut World, repo: &str, number: u64, edit: Edit, sender: &str) {
    let now = world.stamp();
    let mut changes = json!({});
    let Some(found) = world.repo_mut(repo) else {
        return;
    };
    let Some(issue) = found.issues.get_mut(&number) else {
        return;
    };
    if let Some(title) = edit.title.filter(|title| *title != issue.title) {
        changes["title"] = json!({"from": issue.title});
        issue.title = title;
    }
    if let Some(body) = edit.body.filter(|body| *body != issue.body) {
        changes["body"] = json!({"from": issue.body.clone().unwrap_or_default()});
        issue.body = body;
    }
    issue.updated_at.clone_from(&now);
    if let Some(assignees) = edit.assignees {
        issue.assignees = assignees;
    }
    let was_closed = issue.closed;
    let merged = issue
        .pull
        .as_ref()
        .is_some_and(|pull| pull.merged_at.is_some());
    match edit.state.as_deref() {
        Some("closed") if !was_closed => {
            issue.closed = true;
            issue.closed_at = Some(now);
            issue.closed_by = Some(sender.to_owned());
            issue.state_reason = issue.pull.is_none().then(|| {
                edit.state_reason
                    .unwrap_or_else(|| String::from("completed"))
            });
        }
        Some("open") if was_closed && !merged => {
            issue.closed = false;
            issue.closed_at = None;
            issue.closed_by = None;
            issue.state_reason = issue.pull.is_none().then(|| String::from("reopened"));
        }
        _ => {}
    }
    let closed = issue.closed;
    if changes != json!({}) {
        world.tell_issue(repo, number, "edited", sender, json!({"changes": changes}));
    }
    if let Some(labels) = edit.labels {
        super::labels::replace(world, repo, number, &labels, sender);
    }
    if closed != was_closed {
        let action = if closed { "closed" } else { "reopened" };
        world.tell_issue(repo, number, action, sender, json!({}));
    }
}

/// `PATCH /repos/{owner}/{repo}/issues/{issue_number}`.
pub(crate) fn update(r: &mut Request<'_>, number: u64) -> Reply {
    let body = r.call.json()?;
    let issue = r
        .repo()?
        .issues
        .get(&number)
        .ok_or_else(Failure::not_found)?;
    if !issue.author.eq_ignore_ascii_case(&r.actor.login) {
        r.need(Permission::Triage)?;
    }
    let change = Edit::of(&body)?;
    let (repo, sender) = (r.repo.clone(), r.actor.login.clone());
    edit(r.world, &repo, number, change, &sender);
    answer(r, 200, number)
}
