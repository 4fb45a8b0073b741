use serde_json::{Value, json};

use super::{Reply, Request, app};
use crate::wire::{Answer, Failure, Link};
use crate::world::{Delivery, Hook, Permission};

/// How long deliveries can be seen and redelivered, in seconds: three days.
const KEPT: i64 = 3 * 86_400;

fn of<'a>(r: &'a Request<'_>, hook: Option<u64>) -> impl Iterator<Item = &'a Delivery> {
    let oldest = r.world.now() - KEPT;
    r.world
        .hooks
        .deliveries
        .iter()
        .rev()
        .filter(move |delivery| {
            delivery.hook == hook && delivery.done() && delivery.created >= oldest
        })
}

/// A page of deliveries, newest first; the next begins after the `cursor`.
fn list(r: &Request<'_>, hook: Option<u64>) -> Reply {
    let size = r
        .call
        .query("per_page")
        .and_then(|size| size.parse().ok())
        .unwrap_or(30_usize)
        .clamp(1, 100);
    let cursor = match r.call.query("cursor") {
        None => u64::MAX,
        Some(text) => text
            .trim_start_matches("v1_")
            .parse()
            .map_err(|_| Failure::unprocessable("Invalid cursor"))?,
    };
    let status = r.call.query("status");
    let mut found: Vec<&Delivery> = of(r, hook)
        .filter(|delivery| delivery.id < cursor)
        .filter(|delivery| match status {
            Some("success") => delivery.taken(),
            Some("failure") => !delivery.taken(),
            _ => true,
        })
        .collect();
    found.sort_by_key(|delivery| std::cmp::Reverse(delivery.id));
    let more = found.len() > size;
    found.truncate(size);
    let body: Value = found
        .iter()
        .map(|delivery| r.world.delivery_json(delivery))
        .collect();
    let mut link = Link::new(r.call, &r.world.address);
    if let (true, Some(last)) = (more, found.last()) {
        link.add("next", &[("cursor", format!("v1_{}", last.id))]);
    }
    Ok(link.attach(Answer::ok(body)))
}

fn one(r: &Request<'_>, hook: Option<u64>, id: u64) -> Reply {
    let delivery = of(r, hook).find(|delivery| delivery.id == id);
    let delivery = delivery.ok_or_else(Failure::not_found)?;
    Ok(Answer::ok(r.world.whole_delivery_json(delivery)))
}

fn again(r: &mut Request<'_>, hook: Option<u64>, id: u64) -> Reply {
    if of(r, hook).all(|delivery| delivery.id != id) {
        return Err(Failure::not_found());
    }
    r.world.redeliver(id);
    Ok(Answer::json(202, json!({})))
}

/// `GET /app/hook/deliveries`.
pub(crate) fn of_app(r: &Request<'_>) -> Reply {
    app::only_app(r)?;
    list(r, None)
}

/// `GET /app/hook/deliveries/{delivery_id}`.
pub(crate) fn one_of_app(r: &Request<'_>, id: u64) -> Reply {
    app::only_app(r)?;
    one(r, None, id)
}

/// `POST /app/hook/deliveries/{delivery_id}/attempts`.
pub(crate) fn again_of_app(r: &mut Request<'_>, id: u64) -> Reply {
    app::only_app(r)?;
    again(r, None, id)
}

fn find<'a>(r: &'a Request<'_>, id: u64) -> Result<&'a Hook, Failure> {
    // Whoever may not administer a repository does not see that it has hooks.
    if r.permission() < Permission::Maintain {
        return Err(Failure::not_found());
    }
    let hook = r.repo()?.hooks.iter().find(|hook| hook.id == id);
    hook.ok_or_else(Failure::not_found)
}

/// `GET /repos/{owner}/{repo}/hooks`.
pub(crate) fn hooks(r: &Request<'_>) -> Reply {
    if r.permission() < Permission::Maintain {
        return Err(Failure::not_found());
    }
    let repo = r.repo()?;
    let hooks: Vec<&Hook> = repo.hooks.iter().collect();
    Ok(r.page(hooks, |world, hook| world.hook_json(repo, hook)))
}

/// `GET /repos/{owner}/{repo}/hooks/{hook_id}`.
pub(crate) fn hook(r: &Request<'_>, id: u64) -> Reply {
    Ok(Answer::ok(r.world.hook_json(r.repo()?, find(r, id)?)))
}

/// `GET /repos/{owner}/{repo}/hooks/{hook_id}/deliveries`.
pub(crate) fn of_hook(r: &Request<'_>, id: u64) -> Reply {
    find(r, id)?;
    list(r, Some(id))
}

/// `GET /repos/{owner}/{repo}/hooks/{hook_id}/deliveries/{delivery_id}`.
pub(crate) fn one_of_hook(r: &Request<'_>, id: u64, delivery: u64) -> Reply {
    find(r, id)?;
    one(r, Some(id), delivery)
}

/// `POST /repos/{owner}/{repo}/hooks/{hook_id}/deliveries/{delivery_id}/attempts`.
pub(crate) fn again_of_hook(r: &mut Request<'_>, id: u64, delivery: u64) -> Reply {
    find(r, id)?;
    again(r, Some(id), delivery)
}
