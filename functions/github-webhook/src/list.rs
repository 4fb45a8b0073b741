use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header::CONTENT_TYPE};
use loom_api::{Caller, Error, Json, Paged, Path, Slice};
use loom_domain::{
    delivery::{Delivery, DeliveryStatus},
    time::Timestamp,
};
use loom_platform::{Database, Platform, Transaction};
use loom_store::{
    Change,
    delivery::{self, DeliveryFilter, DeliveryPosition},
};
use serde::{Deserialize, Serialize};

use crate::{afterwards, packed, secrets};

/// What narrows the list; what is absent does not.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Filter {
    status: Option<DeliveryStatus>,
    event: Option<String>,
    project_id: Option<String>,
}

/// Newest first.
pub(crate) async fn list<P: Platform>(
    State(platform): State<P>,
    Paged { page, filter }: Paged<Filter>,
) -> Result<Slice<Delivery>, Error> {
    let wanted = DeliveryFilter {
        status: filter.status,
        event: filter.event,
        project_id: filter.project_id,
    };
    let after = page.cursor::<DeliveryPosition>()?;
    let rows = delivery::list(platform.database(), &wanted, after.as_ref(), page.fetch()).await?;
    Ok(page.answer(rows, |delivery| {
        (delivery.received_at.0, delivery.id.clone())
    }))
}

/// One delivery with its headers and payload, which are `null` once they are forgotten. `{id}` may also be GitHub's GUID.
pub(crate) async fn read<P: Platform>(
    State(platform): State<P>,
    Path(id): Path<String>,
) -> Result<Response, Error> {
    let delivery = delivery::get(platform.database(), &id).await?;
    let stored = delivery::payload(platform.database(), &delivery.id).await?;
    let (headers, payload) = match stored {
        Some(stored) => (stored.headers.clone(), packed::unpack(stored)?),
        None => ("null".to_owned(), b"null".to_vec()),
    };
    // The payload was found to be JSON when it came, and is passed on as it came: parsing 25 MiB would take ten times that.
    let mut body = serde_json::to_vec(&delivery).map_err(Error::internal)?;
    body.pop();
    for (name, json) in [
        (&b",\"headers\":"[..], headers.as_bytes()),
        (&b",\"payload\":"[..], &payload),
    ] {
        body.extend_from_slice(name);
        body.extend_from_slice(json);
    }
    body.push(b'}');
    let json = HeaderValue::from_static("application/json");
    Ok(([(CONTENT_TYPE, json)], body).into_response())
}

/// Handles a delivery again from what is kept of it. What it did stays done once.
pub(crate) async fn replay<P: Platform>(
    State(platform): State<P>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Error> {
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), &caller.name).await?;
    let delivery = delivery::replay(&change, &id).await?;
    tx.commit().await?;
    afterwards::handle(&platform);
    Ok((http::StatusCode::ACCEPTED, Json(delivery)).into_response())
}

/// How the webhook is.
#[derive(Debug, Serialize)]
pub(crate) struct Status {
    /// Whether a secret is set: without one, nothing is accepted.
    configured: bool,
    /// Whether Loom can call GitHub.
    github_access: bool,
    /// Deliveries of the last 30 days, by status.
    deliveries: Counts,
    /// The one that came last.
    last_delivery: Option<Delivery>,
    /// When one was last refused.
    last_refused_at: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
struct Counts {
    received: i64,
    processing: i64,
    processed: i64,
    ignored: i64,
    failed: i64,
}

/// Whether it is configured, and what came.
pub(crate) async fn status<P: Platform>(State(platform): State<P>) -> Result<Json<Status>, Error> {
    let database = platform.database();
    let counts = delivery::counts(database).await?;
    Ok(Json(Status {
        configured: secrets::is_configured(&platform).await?,
        github_access: loom_github::GitHub::load(&platform).await.is_ok(),
        deliveries: Counts {
            received: counts.received,
            processing: counts.processing,
            processed: counts.processed,
            ignored: counts.ignored,
            failed: counts.failed,
        },
        last_delivery: delivery::newest(database).await?,
        last_refused_at: delivery::last_refusal(database, None).await?,
    }))
}
