//! What the double answers.

mod access;
mod actions;
mod app;
mod blobs;
mod branches;
mod checks;
mod commits;
mod contents;
mod deliveries;
mod follow;
mod issue_comments;
mod issues;
mod labels;
mod merge;
mod mergeable;
mod meta;
mod people;
mod pulls;
mod refs;
mod review_comments;
mod reviews;
mod table;
mod trees;

use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;

use crate::control::{Fault, FaultKind};
use crate::ledger::RequestSeen;
use crate::state::Shared;
use crate::wire::{Answer, Call, Failure, Page, finish};
use crate::world::{Actor, Permission, Repo, World};

pub(crate) use app::new_token;
pub(crate) use checks::add as add_status;
pub(crate) use commits::signature;
pub(crate) use issue_comments::{add as add_comment, change as change_comment};
pub(crate) use issues::{Edit, edit as edit_issue, open as open_issue, texts};
pub(crate) use merge::{Wish, merge_pull};
pub(crate) use pulls::{New as NewPull, open as open_pull};
pub(crate) use refs::moved;
pub(crate) use review_comments::draft;
pub(crate) use reviews::{ask as request_review, submit as submit_review};

/// What a route returns.
pub(crate) type Reply = Result<Answer, Failure>;

/// What becomes of a request.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// `None` closes the connection.
    pub(crate) response: Option<http::Response<Bytes>>,
    pub(crate) delay: Duration,
}

/// A request that is being answered.
pub(crate) struct Request<'a> {
    pub(crate) world: &'a mut World,
    pub(crate) call: &'a Call,
    pub(crate) actor: Actor,
    /// `owner/name` of the repository that it is about, once that is known to be visible.
    pub(crate) repo: String,
}

impl Request<'_> {
    /// The repository that it is about.
    pub(crate) fn repo(&self) -> Result<&Repo, Failure> {
        self.world.repo(&self.repo).ok_or_else(Failure::not_found)
    }

    /// The same, to change it.
    pub(crate) fn repo_mut(&mut self) -> Result<&mut Repo, Failure> {
        self.world
            .repo_mut(&self.repo)
            .ok_or_else(Failure::not_found)
    }

    /// What the caller may do with the repository.
    pub(crate) fn permission(&self) -> Permission {
        access::permission(self.world, &self.actor, &self.repo)
    }

    /// 403 unless the caller may do this much.
    pub(crate) fn need(&self, least: Permission) -> Result<(), Failure> {
        if self.permission() >= least {
            return Ok(());
        }
        let message = if self.actor.account.is_some() {
            "Resource not accessible by integration"
        } else if self.actor.login.is_empty() {
            return Err(Failure::new(401, "Requires authentication"));
        } else {
            "Resource not accessible by personal access token"
        };
        Err(Failure::new(403, message))
    }

    /// A page of a list, each entry in its form.
    pub(crate) fn page<T>(&self, list: Vec<T>, form: impl Fn(&World, T) -> Value) -> Answer {
        let page = Page::of(self.call);
        let total = list.len();
        let body = page
            .cut(list)
            .into_iter()
            .map(|entry| form(self.world, entry))
            .collect();
        page.answer(self.call, &self.world.address, total, body)
    }

    /// A page of a list that is wrapped with its length.
    pub(crate) fn counted<T>(
        &self,
        name: &str,
        list: Vec<T>,
        form: impl Fn(&World, T) -> Value,
    ) -> Answer {
        let page = Page::of(self.call);
        let total = list.len();
        let entries: Value = page
            .cut(list)
            .into_iter()
            .map(|entry| form(self.world, entry))
            .collect();
        let body = serde_json::json!({"total_count": total, name: entries});
        page.answer(self.call, &self.world.address, total, body)
    }
}

/// Answers a request.
pub(crate) fn answer(shared: &Shared, call: Call) -> Outcome {
    if call.parts.first().is_some_and(|part| part == "_control") {
        let answer = crate::control::serve(shared, &call).unwrap_or_else(Failure::answer);
        let response = finish(&mut shared.lock(), &call, answer);
        return Outcome {
            response: Some(response),
            delay: Duration::ZERO,
        };
    }
    let mut world = shared.lock();
    let now = world.now();
    let caller = access::caller(&world, &call, now);
    let path = format!("/{}", call.parts.join("/"));
    let fault = Fault::take(&mut world.faults, call.method.as_str(), &path);
    let mut delay = Duration::ZERO;
    let mut lost = false;
    let mut dropped = false;
    let early = match fault {
        Some(FaultKind::ServerError) => Some(Failure::new(500, "Server Error").answer()),
        Some(FaultKind::Status(status)) => {
            let reason = http::StatusCode::from_u16(status)
                .ok()
                .and_then(|status| status.canonical_reason())
                .unwrap_or("Error");
            Some(Failure::new(status, reason).answer())
        }
        Some(FaultKind::Drop) => {
            dropped = true;
            None
        }
        Some(FaultKind::LoseReply) => {
            lost = true;
            None
        }
        Some(FaultKind::SecondaryLimit {
            status,
            retry_after,
        }) => Some(access::secondary_limit(status, retry_after)),
        Some(FaultKind::PrimaryLimit { reset_seconds }) => {
            world.limits.arrives(&access::bucket(&call), now);
            world.limits.exhaust(now, reset_seconds);
            None
        }
        Some(FaultKind::Delay(ms)) => {
            delay = Duration::from_millis(ms);
            None
        }
        None => None,
    };
    let login = caller
        .as_ref()
        .map(|actor| actor.login.clone())
        .unwrap_or_default();
    let response = if dropped {
        None
    } else {
        let answer = match early {
            Some(answer) => answer,
            None => routed(&mut world, &call, caller, now).unwrap_or_else(Failure::answer),
        };
        Some(finish(&mut world, &call, answer))
    };
    let status = response
        .as_ref()
        .filter(|_| !lost)
        .map_or(0, |response| response.status().as_u16());
    world.requests.push(seen(&call, login, status, lost));
    drop(world);
    shared.tell();
    Outcome {
        response: response.filter(|_| !lost),
        delay,
    }
}

fn routed(world: &mut World, call: &Call, caller: Result<Actor, Failure>, now: i64) -> Reply {
    access::well_formed(call)?;
    let allowed = world.limits.arrives(&access::bucket(call), now);
    let free = call
        .parts
        .first()
        .is_some_and(|part| part == "rate_limit" || part == "_logs");
    if !free {
        if !allowed {
            return Ok(access::primary_limit(world));
        }
        world.limits.count(now);
    }
    let actor = caller?;
    let request = Request {
        world,
        call,
        actor,
        repo: String::new(),
    };
    table::route(request)
}

fn seen(call: &Call, login: String, status: u16, reply_lost: bool) -> RequestSeen {
    let query: Vec<String> = call
        .query
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let path = if query.is_empty() {
        call.raw_path.clone()
    } else {
        format!("{}?{}", call.raw_path, query.join("&"))
    };
    let headers = call
        .headers
        .iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            let value = if name == http::header::AUTHORIZATION {
                value.split(' ').next().unwrap_or_default().to_owned()
            } else {
                value
            };
            (name.to_string(), value)
        })
        .collect();
    RequestSeen {
        method: call.method.to_string(),
        path,
        login,
        body: String::from_utf8(call.body.to_vec()).unwrap_or_default(),
        headers,
        status,
        reply_lost,
    }
}
