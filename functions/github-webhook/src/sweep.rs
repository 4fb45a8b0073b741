use axum::extract::State;
use loom_api::{Error, Json};
use loom_platform::Platform;
use loom_store::delivery;
use serde::Serialize;

use crate::{process, redeliver, report};

/// How many deliveries one sweep handles; more wait for the next.
const DELIVERIES: i64 = 50;
/// How many payloads, and as many deliveries, one sweep forgets.
const FORGOTTEN: i64 = 500;

/// What a sweep did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Deliveries that were handled, or tried in vain: those whose handler died, or that were to be tried again.
    pub handled: usize,
    /// Status comments that were brought up to date.
    pub reported: usize,
    /// Deliveries that GitHub was asked to send again.
    pub redelivered: usize,
    /// Payloads that were forgotten.
    pub payloads_forgotten: u64,
    /// Deliveries that were forgotten.
    pub deliveries_forgotten: u64,
}

pub(crate) async fn answer<P: Platform>(State(platform): State<P>) -> Result<Json<Report>, Error> {
    Ok(Json(sweep(&platform).await?))
}

/// One sweep (invariant I12). Any number may run at once: whatever one of them takes, it takes with one conditional
/// statement.
pub async fn sweep<P: Platform>(platform: &P) -> Result<Report, Error> {
    let database = platform.database();
    let mut done = Report::default();
    for id in delivery::due(database, DELIVERIES).await? {
        done.handled += usize::from(process::one(platform, &id).await?);
    }
    let forgotten = delivery::forget(database, FORGOTTEN).await?;
    done.payloads_forgotten = forgotten.payloads;
    done.deliveries_forgotten = forgotten.deliveries;
    done.reported = report::due(platform).await?;
    done.redelivered = redeliver::lost(platform).await?;
    Ok(done)
}
