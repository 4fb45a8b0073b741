//! The control surface for other processes: `POST /_control/<what>` with JSON.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Fault, NewRepository, WebhookFault, create, ops};
use crate::routes;
use crate::state::Shared;
use crate::wire::{Answer, Call, Failure};
use crate::world::{Permission, Protection, World};

fn read<T: DeserializeOwned>(value: &Value) -> Result<T, Failure> {
    serde_json::from_value(value.clone()).map_err(|error| Failure::unprocessable(error.to_string()))
}

fn text<'a>(body: &'a Value, name: &str) -> Result<&'a str, Failure> {
    body[name].as_str().ok_or_else(|| Failure::missing(name))
}

fn number(body: &Value, name: &str) -> Result<u64, Failure> {
    body[name].as_u64().ok_or_else(|| Failure::missing(name))
}

/// Answers a request of a test in another process.
pub(crate) fn serve(shared: &Shared, call: &Call) -> Result<Answer, Failure> {
    let what: Vec<&str> = call.parts.iter().skip(1).map(String::as_str).collect();
    let body = call.json()?;
    if what == ["settle"] {
        let seconds = body["seconds"].as_u64().unwrap_or(60);
        let settled = shared
            .wait(std::time::Duration::from_secs(seconds), settled)
            .is_some();
        return Ok(Answer::ok(json!({"settled": settled})));
    }
    let mut world = shared.lock();
    let answer = carry_out(&mut world, what.as_slice(), &body);
    drop(world);
    shared.tell();
    answer.map(Answer::ok)
}

/// Whether nothing is under way any more.
pub(crate) fn settled(world: &mut World) -> bool {
    let hooks = &world.hooks;
    let sent = hooks.outbox.is_empty() && hooks.sending == 0 && hooks.late == 0;
    sent && world.executing == 0 && (world.queue.is_empty() || !world.runner_on)
}

fn carry_out(world: &mut World, what: &[&str], body: &Value) -> Result<Value, Failure> {
    match what {
        ["app"] => Ok(json!({
            "id": world.app.id, "slug": world.app.slug, "private_key": world.app.private_key_pem,
        })),
        ["requests"] => Ok(json!(world.requests)),
        ["repositories"] => {
            let new: NewRepository = read(body)?;
            create::create_repository(world, &new)?;
            path(world, &format!("{}/{}", new.owner, new.name))
        }
        ["path"] => path(world, text(body, "repository")?),
        ["permissions"] => {
            let permission: Permission = read(&body["permission"])?;
            ops::allow(
                world,
                text(body, "repository")?,
                text(body, "login")?,
                permission,
            )?;
            Ok(json!({}))
        }
        ["tokens"] => Ok(json!({"token": ops::user_token(world, text(body, "login")?)})),
        ["app-tokens"] => {
            let account = text(body, "account")?;
            let token = routes::new_token(world, account, None, false);
            Ok(json!({"token": token}))
        }
        ["protections"] => {
            let protection: Protection = read(&body["protection"])?;
            let branch = text(body, "branch")?.to_owned();
            let repo = world.repo_mut(text(body, "repository")?);
            let repo = repo.ok_or_else(Failure::not_found)?;
            repo.protections.insert(branch, protection);
            Ok(json!({}))
        }
        ["webhook"] => {
            world.app.webhook_url = body["url"].as_str().map(str::to_owned);
            world.app.webhook_secret = body["secret"].as_str().unwrap_or_default().to_owned();
            world.app.events = routes::texts(&body["events"]).unwrap_or_default();
            Ok(json!({}))
        }
        ["hooks"] => {
            let events = routes::texts(&body["events"]).unwrap_or_else(|| vec![String::from("*")]);
            let secret = body["secret"].as_str().unwrap_or_default();
            let id = ops::add_hook(
                world,
                text(body, "repository")?,
                text(body, "url")?,
                secret,
                &events,
            )?;
            Ok(json!({"id": id}))
        }
        ["faults"] => {
            let fault: Fault = read(body)?;
            world.faults.push(fault);
            Ok(json!({}))
        }
        ["webhook-faults"] => {
            let fault: WebhookFault = read(body)?;
            world.hooks.faults.push(fault);
            Ok(json!({}))
        }
        ["release"] => {
            let order: Vec<usize> = read(&body["order"]).unwrap_or_default();
            ops::release(world, &order);
            Ok(json!({}))
        }
        ["runner"] => {
            world.runner_on = body["on"].as_bool().unwrap_or(true);
            Ok(json!({}))
        }
        ["advance"] => {
            world.advanced += i64::try_from(number(body, "seconds")?).unwrap_or(i64::MAX);
            Ok(json!({}))
        }
        ["deliveries"] => Ok(world
            .hooks
            .deliveries
            .iter()
            .map(|delivery| world.delivery_json(delivery))
            .collect()),
        _ => as_somebody(world, what, body),
    }
}

/// What a person does.
fn as_somebody(world: &mut World, what: &[&str], body: &Value) -> Result<Value, Failure> {
    let repo = text(body, "repository")?;
    let login = text(body, "login")?;
    ops::person(world, login);
    let words = body["body"].as_str().unwrap_or_default();
    match what {
        ["commits"] => {
            let files: Vec<super::FileSpec> = read(&body["files"]).unwrap_or_default();
            let deleted = routes::texts(&body["deleted"]).unwrap_or_default();
            let (branch, message) = (text(body, "branch")?, text(body, "message")?);
            let sha = ops::commit(world, repo, branch, login, message, &files, &deleted)?;
            Ok(json!({"sha": sha}))
        }
        ["pushed"] => {
            let before = body["before"].as_str().unwrap_or_default();
            ops::pushed(world, repo, text(body, "branch")?, login, before)?;
            Ok(json!({}))
        }
        ["issues"] => {
            let labels = routes::texts(&body["labels"]).unwrap_or_default();
            let text = text(body, "title")?;
            let number = routes::open_issue(
                world,
                repo,
                login,
                text,
                Some(words.to_owned()),
                &labels,
                &[],
            );
            Ok(json!({"number": number.ok_or_else(Failure::not_found)?}))
        }
        ["issue-edits"] => {
            let number = number(body, "number")?;
            routes::edit_issue(world, repo, number, routes::Edit::of(&body["edit"])?, login);
            Ok(json!({}))
        }
        ["issue-deletions"] => {
            ops::delete_issue(world, repo, number(body, "number")?, login)?;
            Ok(json!({}))
        }
        ["comments"] => {
            let id = routes::add_comment(world, repo, number(body, "number")?, login, words);
            Ok(json!({"id": id.ok_or_else(Failure::not_found)?}))
        }
        ["pulls"] => {
            let new = routes::NewPull {
                title: text(body, "title")?.to_owned(),
                head: text(body, "head")?.to_owned(),
                base: text(body, "base")?.to_owned(),
                body: Some(words.to_owned()),
                draft: body["draft"].as_bool().unwrap_or(false),
                maintainer_can_modify: false,
            };
            Ok(json!({"number": routes::open_pull(world, repo, login, new)?}))
        }
        ["reviews"] => {
            let id = super::review(
                world,
                repo,
                login,
                number(body, "number")?,
                text(body, "event")?,
                words,
                &body["comments"],
            )?;
            Ok(json!({"id": id}))
        }
        ["merges"] => {
            let wish = routes::Wish {
                method: body["method"].as_str().unwrap_or("merge").to_owned(),
                ..Default::default()
            };
            Ok(
                json!({"sha": routes::merge_pull(world, repo, number(body, "number")?, login, wish)?}),
            )
        }
        ["events"] => {
            let action = body["action"].as_str();
            ops::send_event(
                world,
                repo,
                login,
                text(body, "event")?,
                action,
                body["fields"].clone(),
            );
            Ok(json!({}))
        }
        _ => Err(Failure::not_found()),
    }
}

fn path(world: &World, repo: &str) -> Result<Value, Failure> {
    let repo = world.repo(repo).ok_or_else(Failure::not_found)?;
    Ok(json!({"path": repo.git.path(), "id": repo.id}))
}
