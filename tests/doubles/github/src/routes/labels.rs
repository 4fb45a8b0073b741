use serde_json::{Value, json};

use super::issues::texts;
use super::{Reply, Request};
use crate::wire::{Answer, Failure};
use crate::world::{Label, Permission, World};

/// `GET /repos/{owner}/{repo}/labels`.
pub(crate) fn of_repo(r: &Request<'_>) -> Reply {
    let repo = r.repo()?;
    let names: Vec<&String> = repo.labels.iter().map(|label| &label.name).collect();
    Ok(r.page(names, |world, name| world.label_json(repo, name)))
}

/// `POST /repos/{owner}/{repo}/labels`.
pub(crate) fn create(r: &mut Request<'_>) -> Reply {
    r.need(Permission::Write)?;
    let body = r.call.json()?;
    let name = body["name"]
        .as_str()
        .ok_or_else(|| Failure::missing("name"))?
        .to_owned();
    let exists = r
        .repo()?
        .labels
        .iter()
        .any(|label| label.name.eq_ignore_ascii_case(&name));
    if exists {
        return Err(Failure::field("Label", "name", "already_exists"));
    }
    let repo = r.repo.clone();
    known(r.world, &repo, &name);
    let found = r.repo_mut()?;
    if let Some(label) = found.labels.iter_mut().find(|label| label.name == name) {
        if let Some(color) = body["color"].as_str() {
            color.clone_into(&mut label.color);
        }
        label.description = body["description"].as_str().map(str::to_owned);
    }
    let repo = r.repo()?;
    Ok(Answer::json(201, r.world.label_json(repo, &name)))
}

/// The spelling of a label that the repository knows, which it does from now on.
pub(crate) fn known(world: &mut World, repo: &str, name: &str) -> String {
    let id = world.id();
    let Some(found) = world.repo_mut(repo) else {
        return name.to_owned();
    };
    if let Some(label) = found
        .labels
        .iter()
        .find(|label| label.name.eq_ignore_ascii_case(name))
    {
        return label.name.clone();
    }
    found.labels.push(Label {
        id,
        name: name.to_owned(),
        color: String::from("ededed"),
        description: None,
    });
    name.to_owned()
}

/// Tells that a label came or went.
pub(crate) fn tell(
    world: &mut World,
    repo: &str,
    number: u64,
    action: &'static str,
    name: &str,
    sender: &str,
) {
    let Some(found) = world.repo(repo) else {
        return;
    };
    let label = world.label_json(found, name);
    world.tell_issue(repo, number, action, sender, json!({"label": label}));
}

/// Gives an issue exactly these labels.
pub(crate) fn replace(world: &mut World, repo: &str, number: u64, labels: &[String], sender: &str) {
    let wanted: Vec<String> = labels
        .iter()
        .map(|label| known(world, repo, label))
        .collect();
    let Some(issue) = world
        .repo_mut(repo)
        .and_then(|repo| repo.issues.get_mut(&number))
    else {
        return;
    };
    let old = std::mem::replace(&mut issue.labels, wanted.clone());
    for name in old.iter().filter(|name| !wanted.contains(name)) {
        tell(world, repo, number, "unlabeled", name, sender);
    }
    for name in wanted.iter().filter(|name| !old.contains(name)) {
        tell(world, repo, number, "labeled", name, sender);
    }
}

fn present(r: &Request<'_>, number: u64) -> Result<Vec<String>, Failure> {
    let issue = r.repo()?.issues.get(&number);
    Ok(issue.ok_or_else(Failure::not_found)?.labels.clone())
}

fn answer(r: &Request<'_>, number: u64) -> Reply {
    let names = present(r, number)?;
    Ok(Answer::ok(r.world.labels_json(r.repo()?, &names)))
}

fn carry_out(r: &mut Request<'_>, number: u64, labels: &[String]) -> Reply {
    let (repo, sender) = (r.repo.clone(), r.actor.login.clone());
    replace(r.world, &repo, number, labels, &sender);
    answer(r, number)
}

/// `GET /repos/{owner}/{repo}/issues/{issue_number}/labels`.
pub(crate) fn list(r: &Request<'_>, number: u64) -> Reply {
    let repo = r.repo()?;
    let names = present(r, number)?;
    Ok(r.page(names, |world, name| world.label_json(repo, &name)))
}

/// The labels that a body names: a list, or an object with one.
fn given(body: &Value) -> Result<Vec<String>, Failure> {
    texts(body)
        .or_else(|| texts(&body["labels"]))
        .ok_or_else(|| Failure::missing("labels"))
}

/// `POST /repos/{owner}/{repo}/issues/{issue_number}/labels`.
pub(crate) fn add(r: &mut Request<'_>, number: u64) -> Reply {
    r.need(Permission::Triage)?;
    let mut labels = present(r, number)?;
    for name in given(&r.call.json()?)? {
        if !labels.iter().any(|label| label.eq_ignore_ascii_case(&name)) {
            labels.push(name);
        }
    }
    carry_out(r, number, &labels)
}

/// `PUT /repos/{owner}/{repo}/issues/{issue_number}/labels`.
pub(crate) fn set(r: &mut Request<'_>, number: u64) -> Reply {
    r.need(Permission::Triage)?;
    present(r, number)?;
    let labels = given(&r.call.json()?)?;
    carry_out(r, number, &labels)
}

/// `DELETE /repos/{owner}/{repo}/issues/{issue_number}/labels`.
pub(crate) fn clear(r: &mut Request<'_>, number: u64) -> Reply {
    r.need(Permission::Triage)?;
    present(r, number)?;
    carry_out(r, number, &[])?;
    Ok(Answer::empty(204))
}

/// `DELETE /repos/{owner}/{repo}/issues/{issue_number}/labels/{name}`.
pub(crate) fn remove(r: &mut Request<'_>, number: u64, name: &str) -> Reply {
    r.need(Permission::Triage)?;
    let mut labels = present(r, number)?;
    let before = labels.len();
    labels.retain(|label| !label.eq_ignore_ascii_case(name));
    if labels.len() == before {
        return Err(Failure::new(404, "Label does not exist"));
    }
    carry_out(r, number, &labels)
}
