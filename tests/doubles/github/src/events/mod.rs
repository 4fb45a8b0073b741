//! Webhooks: what is told to whom, and how it is sent.

mod payload;
mod send;

use serde_json::{Map, Value, json};

use crate::control::{WebhookFault, WebhookFaultKind};
use crate::world::{Delivery, World, random_hex};

pub(crate) use send::deliver;

/// An event of a repository.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) action: Option<String>,
    pub(crate) fields: Map<String, Value>,
}

impl Event {
    /// The event with more fields, if `more` is an object.
    fn with(mut self, more: Value) -> Self {
        if let Value::Object(more) = more {
            self.fields.extend(more);
        }
        self
    }

    /// An event with the fields that it has beside those that all have.
    pub(crate) fn new(name: &str, action: Option<&str>, fields: Value) -> Self {
        Self {
            name: name.to_owned(),
            action: action.map(str::to_owned),
            fields: match fields {
                Value::Object(fields) => fields,
                _ => Map::new(),
            },
        }
    }
}

impl World {
    /// Tells the hooks of a repository and the App of an event that `sender` caused.
    pub(crate) fn emit(&mut self, repo: &str, sender: &str, event: Event) {
        let Some(found) = self.repo(repo) else { return };
        let owner = found.owner.clone();
        let repository = found.id;
        let mut payload = Map::new();
        if let Some(action) = &event.action {
            payload.insert(String::from("action"), json!(action));
        }
        payload.extend(event.fields);
        let mut repo_json = self.event_repo_json(found);
        if event.name == "push" {
            // Here, and nowhere else, these are numbers.
            repo_json["created_at"] = json!(self.now());
            repo_json["pushed_at"] = json!(self.now());
        }
        payload.insert(String::from("repository"), repo_json);
        payload.insert(String::from("sender"), self.user_json(sender));
        let mut receivers: Vec<(Option<u64>, String, String)> = found
            .hooks
            .iter()
            .filter(|hook| hook.takes(&event.name))
            .map(|hook| (Some(hook.id), hook.url.clone(), hook.secret.clone()))
            .collect();
        let wanted = self.app.events.is_empty() || self.app.events.contains(&event.name);
        if let (Some(url), true) = (&self.app.webhook_url, wanted) {
            receivers.push((None, url.clone(), self.app.webhook_secret.clone()));
        }
        let installation = self.installation(&owner);
        for (hook, url, secret) in receivers {
            let mut payload = payload.clone();
            if hook.is_none() {
                payload.insert(
                    String::from("installation"),
                    json!({"id": installation, "node_id": crate::shape::node("I", installation)}),
                );
            }
            let delivery = Delivery {
                id: self.id(),
                guid: guid(),
                hook,
                url,
                secret,
                event: event.name.clone(),
                action: event.action.clone(),
                repository: Some(repository),
                installation: hook.is_none().then_some(installation),
                redelivery: false,
                payload: Value::Object(payload),
                created: self.now(),
                delivered_at: self.stamp(),
                seconds: 0.0,
                status: String::new(),
                status_code: 0,
                request_headers: Vec::new(),
                response_headers: Vec::new(),
                response: String::new(),
                delay_ms: 0,
                lost: false,
            };
            self.post(delivery);
        }
    }

    /// Puts a delivery into the outbox, with what the test wants to go wrong.
    pub(crate) fn post(&mut self, mut delivery: Delivery) {
        let faults = WebhookFault::take(
            &mut self.hooks.faults,
            &delivery.event,
            delivery.action.as_deref(),
        );
        let mut copies = 0;
        let mut held = false;
        for fault in faults {
            match fault {
                WebhookFaultKind::Duplicate(more) => copies = more,
                WebhookFaultKind::Lose => delivery.lost = true,
                WebhookFaultKind::Delay(ms) => delivery.delay_ms = ms,
                WebhookFaultKind::Hold => held = true,
            }
        }
        for _ in 0..=copies {
            let copy = Delivery {
                id: self.id(),
                ..delivery.clone()
            };
            if held {
                self.hooks.held.push(copy.id);
            } else {
                self.hooks.outbox.push_back(copy.id);
            }
            self.hooks.deliveries.push(copy);
        }
    }

    /// Sends a delivery once more, with the same id of the event.
    pub(crate) fn redeliver(&mut self, id: u64) -> bool {
        let Some(old) = self
            .hooks
            .deliveries
            .iter()
            .find(|delivery| delivery.id == id)
        else {
            return false;
        };
        let mut again = old.clone();
        // Where the hook points now, with its present secret.
        match again.hook {
            None => {
                if let Some(url) = &self.app.webhook_url {
                    url.clone_into(&mut again.url);
                }
                self.app.webhook_secret.clone_into(&mut again.secret);
            }
            Some(hook) => {
                let hook = self
                    .repos
                    .values()
                    .flat_map(|repo| &repo.hooks)
                    .find(|known| known.id == hook);
                if let Some(hook) = hook {
                    hook.url.clone_into(&mut again.url);
                    hook.secret.clone_into(&mut again.secret);
                }
            }
        }
        again.redelivery = true;
        again.created = self.now();
        again.delivered_at = self.stamp();
        again.status = String::new();
        again.status_code = 0;
        again.lost = false;
        again.delay_ms = 0;
        self.post(again);
        true
    }
}

/// A random id as `X-GitHub-Delivery` has.
fn guid() -> String {
    let text = random_hex(16);
    let part = |range: std::ops::Range<usize>| text.get(range).unwrap_or_default();
    format!(
        "{}-{}-{}-{}-{}",
        part(0..8),
        part(8..12),
        part(12..16),
        part(16..20),
        part(20..32)
    )
}
