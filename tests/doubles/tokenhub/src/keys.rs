//! API keys, in the order of the real one's checks: form, record, scope, budget, rate.

use std::collections::HashMap;

use http::HeaderMap;
use serde_json::Value;

use crate::config::Key;

const PREFIX: &str = "tokenhub_";
const REMEMBERED_MS: i64 = 5 * 60 * 1_000;

/// The keys, and what is remembered of them.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    pub(crate) records: Vec<Key>,
    /// What was spent, in US dollars, by key id.
    pub(crate) spent_usd: HashMap<String, f64>,
    remember: bool,
    remembered: HashMap<String, (i64, Key)>,
}

/// Why a key is not accepted.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Denied {
    Missing,
    Malformed,
    Unknown,
    Scope,
    Budget { budget_usd: f64, spent_usd: f64 },
}

impl Keys {
    pub(crate) fn new(records: Vec<Key>, remember: bool) -> Self {
        let spent_usd = records
            .iter()
            .map(|key| (key.id.clone(), key.spent_usd))
            .collect();
        Self {
            records,
            spent_usd,
            remember,
            remembered: HashMap::new(),
        }
    }

    /// The key of a request, if it may use `path`.
    pub(crate) fn check(
        &mut self,
        headers: &HeaderMap,
        path: &str,
        now_ms: i64,
    ) -> Result<Key, Denied> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let bearer = text("authorization").and_then(|value| value.strip_prefix("Bearer "));
        let secret = bearer
            .or_else(|| text("x-api-key").filter(|key| !key.is_empty()))
            .ok_or(Denied::Missing)?;
        if !secret.starts_with(PREFIX) {
            return Err(Denied::Malformed);
        }
        let key = self.record(secret, now_ms).ok_or(Denied::Unknown)?;
        if !has_scope(&key.scopes, path) {
            return Err(Denied::Scope);
        }
        let spent_usd = self.spent_usd.get(&key.id).copied().unwrap_or(0.0);
        if key.monthly_budget_usd > 0.0 && spent_usd >= key.monthly_budget_usd {
            return Err(Denied::Budget {
                budget_usd: key.monthly_budget_usd,
                spent_usd,
            });
        }
        Ok(key)
    }

    fn record(&mut self, secret: &str, now_ms: i64) -> Option<Key> {
        if let Some((until, key)) = self.remembered.get(secret)
            && self.remember
            && now_ms < *until
        {
            return Some(key.clone());
        }
        let key = self
            .records
            .iter()
            .find(|key| key.secret == secret && key.enabled)?
            .clone();
        self.remembered
            .insert(secret.to_owned(), (now_ms + REMEMBERED_MS, key.clone()));
        Some(key)
    }
}

fn has_scope(scopes: &str, path: &str) -> bool {
    let wanted = match path {
        "/v1/chat" | "/v1/chat/completions" | "/v1/messages" => "chat",
        "/v1/plan" => "plan",
        "/v1/embeddings" => "embeddings",
        _ => return false,
    };
    if scopes.is_empty() || scopes == "[]" {
        return true;
    }
    match serde_json::from_str::<Value>(scopes) {
        Ok(Value::Array(scopes)) => scopes.iter().any(|scope| scope == wanted),
        _ => false,
    }
}
