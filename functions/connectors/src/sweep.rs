//! Sends what is due (invariant I12): any number of sweeps may run at once, and any may die anywhere.

use axum::extract::State;
use futures_util::future::join_all;
use loom_api::{Error, Json};
use loom_domain::connector::{ACTOR, ATTEMPTS, Connector, Outcome};
use loom_platform::{Clock, Database, Platform, Transaction};
use loom_store::{
    Change,
    connector::{self, Claimed, Recorded},
};
use serde::Serialize;

use crate::{
    send::{Parcel, send},
    settings::Settings,
};

/// How many batches of events one sweep looks at for each connector; more wait for the next.
const BATCHES: usize = 5;
/// How many deliveries one sweep sends for each connector.
const MOST_SENT: usize = 20;
/// How long one sweep begins new deliveries, in milliseconds; whoever asked for it waits a minute at most.
const LONGEST: i64 = 30_000;
/// After so many attempts that nobody recorded, whoever sends dies of the delivery itself.
const MOST_UNRECORDED: i64 = 4;

/// What a sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Connectors that were looked at.
    pub connectors: usize,
    /// Deliveries that the other side accepted.
    pub delivered: usize,
    /// Attempts that failed, for good or not.
    pub failed: usize,
}

pub(crate) async fn answer<P: Platform>(State(platform): State<P>) -> Result<Json<Report>, Error> {
    Ok(Json(sweep(&platform).await?))
}

/// One sweep: events become deliveries, and deliveries that are due are sent, for all connectors at once, so that a slow
/// one keeps nobody else waiting.
pub async fn sweep<P: Platform>(platform: &P) -> Result<Report, Error> {
    let settings = Settings::load(platform).await?;
    let database = platform.database();
    let connectors = connector::active(database).await?;
    for connector in &connectors {
        take_in(platform, connector).await?;
    }
    let until = platform.clock().now() + LONGEST;
    let sent = connectors
        .iter()
        .map(|connector| drain(platform, &settings, connector, until));
    let mut report = Report {
        connectors: connectors.len(),
        ..Report::default()
    };
    for outcome in join_all(sent).await {
        let (delivered, failed) = outcome?;
        report.delivered += delivered;
        report.failed += failed;
    }
    connector::forget_old(database).await?;
    Ok(report)
}

async fn take_in<P: Platform>(platform: &P, connector: &Connector) -> Result<(), Error> {
    for _ in 0..BATCHES {
        let tx = platform.database().transaction().await?;
        let change = Change::new(&tx, platform.random(), ACTOR).await?;
        let more = connector::take_in(&change, &connector.id).await?;
        tx.commit().await?;
        if !more {
            break;
        }
    }
    Ok(())
}

/// Sends what is due for a connector, until an attempt fails: then the other side gets some rest.
async fn drain<P: Platform>(
    platform: &P,
    settings: &Settings,
    connector: &Connector,
    until: i64,
) -> Result<(usize, usize), Error> {
    let mut delivered = 0;
    for _ in 0..MOST_SENT {
        if platform.clock().now() >= until {
            break;
        }
        let Some(claimed) = connector::claim(platform.database(), &connector.id).await? else {
            break;
        };
        let recorded = attempt(platform, settings, connector, &claimed).await?;
        let tx = platform.database().transaction().await?;
        let change = Change::new(&tx, platform.random(), ACTOR).await?;
        connector::record(&change, &connector.id, &claimed, &recorded).await?;
        tx.commit().await?;
        match recorded.outcome {
            Outcome::Delivered => delivered += 1,
            Outcome::Again { code, .. } | Outcome::Never { code, .. } => {
                let facts = [
                    ("connector_id", connector.id.as_str()),
                    ("delivery_id", &claimed.id),
                    ("code", code),
                ];
                loom_api::log("warn", "a connector's message was not accepted", facts);
                return Ok((delivered, 1));
            }
        }
    }
    Ok((delivered, 0))
}

async fn attempt<P: Platform>(
    platform: &P,
    settings: &Settings,
    connector: &Connector,
    claimed: &Claimed,
) -> Result<Recorded, Error> {
    let never = |code, message: &str| Recorded {
        outcome: Outcome::Never {
            code,
            message: message.to_owned(),
        },
        response_status: None,
        latency_ms: 0,
    };
    if claimed.attempt > ATTEMPTS + MOST_UNRECORDED {
        let message = "It was begun many times, and what came of it was never recorded.";
        return Ok(never("abandoned", message));
    }
    let occurrence = connector::occurrence(platform.database(), claimed.sequence).await?;
    let Some(occurrence) = occurrence else {
        return Ok(never("event_gone", "Its event is not there any more."));
    };
    let parcel = Parcel {
        connector,
        delivery_id: &claimed.id,
        event: &claimed.event,
        notice: &occurrence.notice(),
        occurrence: Some(&occurrence),
    };
    Ok(send(platform, settings, &parcel).await)
}
