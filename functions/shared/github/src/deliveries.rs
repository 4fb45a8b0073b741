use http::Uri;
use loom_domain::time::Timestamp;
use loom_platform::Platform;
use serde::Deserialize;
use serde_json::json;

use crate::{
    GitHub, GithubError, Listed, Repository,
    actor::{moment, or_default},
    answer::Answer,
    auth::Who,
    call::Call,
    pages,
};

/// An attempt of GitHub to deliver a webhook.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Delivery {
    /// The attempt's id, by which it is delivered again.
    pub id: i64,
    /// The delivery's GUID: the `X-GitHub-Delivery` header. Attempts of one delivery share it.
    pub guid: String,
    /// When.
    #[serde(default, deserialize_with = "moment")]
    pub delivered_at: Option<Timestamp>,
    /// Whether somebody asked for it.
    #[serde(default)]
    pub redelivery: bool,
    /// The event: `issues`, …
    pub event: String,
    /// Its action: `opened`, …
    #[serde(default)]
    pub action: Option<String>,
    /// What GitHub makes of the answer: `OK`, `timed out`, …
    #[serde(default, deserialize_with = "or_default")]
    pub status: String,
    /// The answer's status; 0 if there was none.
    #[serde(default)]
    pub status_code: u16,
    /// The installation that it belongs to.
    #[serde(default)]
    pub installation_id: Option<i64>,
    /// The repository's id.
    #[serde(default)]
    pub repository_id: Option<i64>,
}

impl Delivery {
    /// Whether the receiver accepted it.
    pub fn succeeded(&self) -> bool {
        (200..300).contains(&self.status_code)
    }
}

/// A page of deliveries, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryPage {
    /// At most 100.
    pub deliveries: Vec<Delivery>,
    /// Where older ones begin; `None` at the end.
    pub next_cursor: Option<String>,
}

/// A webhook of a repository.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Hook {
    /// Its id.
    pub id: i64,
    /// Whether GitHub delivers to it.
    #[serde(default)]
    pub active: bool,
    /// The events that it is for.
    #[serde(default)]
    pub events: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    config: HookConfig,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
struct HookConfig {
    url: String,
}

impl Hook {
    /// Where GitHub delivers to.
    pub fn url(&self) -> &str {
        &self.config.url
    }
}

impl<P: Platform> GitHub<P> {
    /// The attempts to deliver the App's webhooks: one page from `cursor`, or the newest. GitHub keeps some days. Needs
    /// an App.
    pub async fn list_app_deliveries(
        &self,
        cursor: Option<&str>,
    ) -> Result<DeliveryPage, GithubError> {
        let call = page_of("/app/hook/deliveries", cursor);
        page(&self.send(Who::Itself, &call).await?)
    }

    /// Asks GitHub to deliver an App's webhook again. Not idempotent and harmless: each is handled once by its GUID.
    pub async fn redeliver_app_delivery(&self, id: i64) -> Result<(), GithubError> {
        let call = Call::post(format!("/app/hook/deliveries/{id}/attempts"), &json!({}));
        self.send(Who::Itself, &call).await?;
        Ok(())
    }
}

impl<P: Platform> Repository<P> {
    /// The repository's webhooks, at most 100. Needs the right to administer them.
    pub async fn list_hooks(&self) -> Result<Listed<Hook>, GithubError> {
        self.list(Call::get(self.at("/hooks")), 1).await
    }

    /// The attempts to deliver one of the repository's webhooks: one page from `cursor`, or the newest.
    pub async fn list_repo_deliveries(
        &self,
        hook_id: i64,
        cursor: Option<&str>,
    ) -> Result<DeliveryPage, GithubError> {
        let call = page_of(&self.at(&format!("/hooks/{hook_id}/deliveries")), cursor);
        page(&self.send(call).await?)
    }

    /// Asks GitHub to deliver one of the repository's webhooks again. Not idempotent and harmless: each is handled once
    /// by its GUID.
    pub async fn redeliver_repo_delivery(&self, hook_id: i64, id: i64) -> Result<(), GithubError> {
        let target = self.at(&format!("/hooks/{hook_id}/deliveries/{id}/attempts"));
        self.send(Call::post(target, &json!({}))).await?;
        Ok(())
    }
}

fn page_of(target: &str, cursor: Option<&str>) -> Call {
    let call = Call::get(target).query("per_page", "100");
    match cursor {
        Some(cursor) => call.query("cursor", cursor),
        None => call,
    }
}

fn page(answer: &Answer) -> Result<DeliveryPage, GithubError> {
    let next = pages::next(answer.header("link")).and_then(|target| {
        let uri: Uri = target.parse().ok()?;
        let mut parameters = uri.query()?.split('&');
        parameters.find_map(|parameter| parameter.strip_prefix("cursor=").map(decode))
    });
    Ok(DeliveryPage {
        deliveries: answer.json()?,
        next_cursor: next,
    })
}

/// A value of a query as text. Cursors are plain; what is not is left as it is.
fn decode(value: &str) -> String {
    value
        .replace("%3D", "=")
        .replace("%3d", "=")
        .replace("%2B", "+")
        .replace("%2F", "/")
}
