//! Providers: where models are called. Normally one, TokenHub.

use serde::{Deserialize, Serialize};

use crate::{Refusal, time::Timestamp};

/// What the last probe said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderStatus {
    /// Not probed yet.
    Pending,
    /// The last probe succeeded.
    Healthy,
    /// The last probes failed; the next is later each time.
    Failed,
}

impl ProviderStatus {
    /// The word in JSON and SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Healthy => "healthy",
            Self::Failed => "failed",
        }
    }

    /// The status that [`as_str`](Self::as_str) names.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Pending, Self::Healthy, Self::Failed]
            .into_iter()
            .find(|status| status.as_str() == text)
    }
}

/// A provider. Its API key is the Spin variable `tokenhub_api_key`: secrets are never in the database.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Provider {
    /// A slug, such as `tokenhub`.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Always `openai`: the shape of its API.
    #[serde(rename = "type")]
    pub kind: String,
    /// Base URL, with or without `/v1`.
    pub endpoint: String,
    /// The model that is asked for; none = the provider chooses.
    pub model: Option<String>,
    /// The model's window in tokens, from the last probe or as registered.
    pub context_window: i64,
    /// Price of a million prompt tokens, in micro-US-dollars.
    pub prompt_price_micro_usd: i64,
    /// Price of a million completion tokens, in micro-US-dollars.
    pub completion_price_micro_usd: i64,
    /// What the last probe said.
    pub status: ProviderStatus,
    /// Why the last probe failed.
    pub last_error: Option<String>,
    /// When it was last probed.
    pub last_heartbeat_at: Option<Timestamp>,
    /// When it is probed next.
    pub next_heartbeat_at: Timestamp,
    /// Probes that failed in a row.
    pub failures: i64,
    /// Grows by one with each change of its settings; the ETag.
    pub version: i64,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When its settings last changed.
    pub updated_at: Timestamp,
}

/// What is asked for when a provider is registered. `PUT` takes the same fields.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProviderInput {
    /// Default: made from the name.
    pub id: Option<String>,
    /// Required when registering.
    pub name: Option<String>,
    /// Only `openai`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Required when registering.
    pub endpoint: Option<String>,
    /// An empty text removes it.
    pub model: Option<String>,
    /// Default 32,768.
    pub context_window: Option<i64>,
    /// Default 3 US dollars.
    pub prompt_price_micro_usd: Option<i64>,
    /// Default 15 US dollars.
    pub completion_price_micro_usd: Option<i64>,
}

/// The window assumed for a model that does not tell its own, in tokens.
pub const DEFAULT_CONTEXT_WINDOW: i64 = 32_768;

impl ProviderInput {
    /// The fields of a new provider, checked.
    pub fn register(self) -> Result<Provider, Refusal> {
        let id = self.id.clone();
        let mut provider = self.apply(Provider {
            id: String::new(),
            name: String::new(),
            kind: "openai".to_owned(),
            endpoint: String::new(),
            model: None,
            context_window: DEFAULT_CONTEXT_WINDOW,
            prompt_price_micro_usd: 3_000_000,
            completion_price_micro_usd: 15_000_000,
            status: ProviderStatus::Pending,
            last_error: None,
            last_heartbeat_at: None,
            next_heartbeat_at: Timestamp(0),
            failures: 0,
            version: 1,
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
        })?;
        provider.id = id.unwrap_or_else(|| slug(&provider.name));
        let is_slug = (1..=64).contains(&provider.id.len())
            && provider
                .id
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if is_slug {
            Ok(provider)
        } else {
            Err(Refusal::invalid(
                "invalid_fields",
                "The provider has fields that cannot be accepted.",
            )
            .field("id", "must be 1 to 64 lower-case letters, digits or dashes"))
        }
    }

    /// `provider` with these fields in place of its own, checked. What is absent stays.
    ///
    /// A new endpoint makes it pending again, to be probed at once.
    pub fn apply(self, mut provider: Provider) -> Result<Provider, Refusal> {
        let mut refusal = Refusal::invalid(
            "invalid_fields",
            "The provider has fields that cannot be accepted.",
        );
        let mut wrong = |field: &str, problem: &str| {
            refusal.fields.insert(field.to_owned(), problem.to_owned())
        };
        if let Some(name) = self.name {
            provider.name = name.trim().to_owned();
        }
        if self.kind.is_some_and(|kind| kind != "openai") {
            wrong("type", "must be openai, the shape of TokenHub's API");
        }
        if let Some(endpoint) = self.endpoint {
            let endpoint = endpoint.trim().trim_end_matches('/').to_owned();
            if endpoint != provider.endpoint {
                provider.endpoint = endpoint;
                provider.status = ProviderStatus::Pending;
                provider.failures = 0;
                provider.next_heartbeat_at = Timestamp(0);
            }
        }
        if let Some(model) = self.model {
            provider.model = Some(model.trim().to_owned()).filter(|text| !text.is_empty());
        }
        if let Some(window) = self.context_window {
            provider.context_window = window;
        }
        if let Some(price) = self.prompt_price_micro_usd {
            provider.prompt_price_micro_usd = price;
        }
        if let Some(price) = self.completion_price_micro_usd {
            provider.completion_price_micro_usd = price;
        }
        if provider.name.is_empty() || provider.name.chars().count() > 100 {
            wrong("name", "must be 1 to 100 characters");
        }
        if !(provider.endpoint.starts_with("http://") || provider.endpoint.starts_with("https://"))
            || provider.endpoint.contains(['?', '#', '@', ' '])
        {
            wrong(
                "endpoint",
                "must be an http:// or https:// URL without a query or credentials",
            );
        }
        if !(1_024..=10_000_000).contains(&provider.context_window) {
            wrong("context_window", "must be 1,024 to 10,000,000 tokens");
        }
        for (field, price) in [
            ("prompt_price_micro_usd", provider.prompt_price_micro_usd),
            (
                "completion_price_micro_usd",
                provider.completion_price_micro_usd,
            ),
        ] {
            if !(0..=10_000_000_000).contains(&price) {
                wrong(
                    field,
                    "must be 0 to 10,000 US dollars a million tokens, in millionths of a dollar",
                );
            }
        }
        if refusal.fields.is_empty() {
            Ok(provider)
        } else {
            Err(refusal)
        }
    }
}

fn slug(name: &str) -> String {
    let dashed: String = name
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    dashed
        .split('-')
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("-")
}

/// How long until a provider is probed again, in milliseconds: 30 s while healthy, then doubling to 10 minutes.
pub fn heartbeat_interval(failures: i64) -> i64 {
    let doublings = failures.clamp(0, 5) as u32;
    (30_000_i64 << doublings).min(600_000)
}

/// The cost of one call in micro-US-dollars, rounded up.
pub fn cost_micro_usd(provider: &Provider, prompt_tokens: i64, completion_tokens: i64) -> i64 {
    let total = i128::from(prompt_tokens) * i128::from(provider.prompt_price_micro_usd)
        + i128::from(completion_tokens) * i128::from(provider.completion_price_micro_usd);
    i64::try_from((total + 999_999) / 1_000_000).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heartbeats_back_off() {
        assert_eq!(
            [0, 1, 2, 5, 99].map(heartbeat_interval),
            [30_000, 60_000, 120_000, 600_000, 600_000]
        );
    }

    #[test]
    fn cost_is_rounded_up() {
        let provider = ProviderInput {
            name: Some("Token Hub".into()),
            endpoint: Some("http://h:1".into()),
            ..Default::default()
        }
        .register()
        .unwrap();
        assert_eq!(provider.id, "token-hub");
        assert_eq!(cost_micro_usd(&provider, 1_000, 100), 4_500);
        assert_eq!(cost_micro_usd(&provider, 1, 0), 3);
    }
}
