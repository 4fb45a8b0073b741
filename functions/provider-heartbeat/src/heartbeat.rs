use axum::extract::State;
use futures_util::future::join_all;
use loom_api::{Error, Json};
use loom_domain::{
    provider::{Provider, ProviderStatus},
    time::SECOND,
};
use loom_platform::{Database, Platform, Transaction, Variables};
use loom_store::{
    Change,
    provider::{self, Probe},
};
use serde::Serialize;

use crate::{bootstrap::bootstrap, probe::probe};

/// How long a probe may take from being taken to being recorded; after that another heartbeat takes the provider.
const HOLD_MS: i64 = 30 * SECOND;

#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// Whether TokenHub was registered just now.
    bootstrapped: bool,
    /// What was probed; others were not due, or another heartbeat has them.
    probed: Vec<Probed>,
}

#[derive(Debug, Serialize)]
struct Probed {
    provider_id: String,
    status: ProviderStatus,
    error: Option<String>,
}

pub(crate) async fn heartbeat<P: Platform>(
    State(platform): State<P>,
) -> Result<Json<Report>, Error> {
    let bootstrapped = bootstrap(&platform).await?;
    let key = platform
        .variables()
        .get_optional("tokenhub_api_key")
        .await?
        .unwrap_or_default();
    let due = provider::take_due(platform.database(), HOLD_MS).await?;
    let probes = due.iter().map(|one| one_of(&platform, one, &key));
    let probed: Result<Vec<Probed>, Error> = join_all(probes).await.into_iter().collect();
    let probed = probed?;
    let recovered = due
        .iter()
        .zip(&probed)
        .any(|(before, now)| before.status != now.status && now.status == ProviderStatus::Healthy);
    if recovered {
        // Every bead may have waited for this.
        loom_api::nudge(&platform);
    }
    Ok(Json(Report {
        bootstrapped,
        probed,
    }))
}

/// Probes a provider, then records what was found in a transaction of its own: none is open during the call.
async fn one_of<P: Platform>(
    platform: &P,
    provider: &Provider,
    key: &str,
) -> Result<Probed, Error> {
    let found = probe(platform.http(), provider, key).await;
    let (status, error) = match &found {
        Probe::Healthy { .. } => (ProviderStatus::Healthy, None),
        Probe::Failed { error } => (ProviderStatus::Failed, Some(error.clone())),
    };
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), "provider-heartbeat").await?;
    provider::record_probe(&change, provider, found).await?;
    tx.commit().await?;
    Ok(Probed {
        provider_id: provider.id.clone(),
        status,
        error,
    })
}
