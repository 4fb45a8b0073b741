//! One attempt to send one message. No transaction is open meanwhile.

use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use http::{HeaderValue, Request};
use loom_domain::{
    connector::{
        Connector, ConnectorKind, Notice, Occurrence, Reached, judge, request, retry_after_ms,
    },
    time::Timestamp,
};
use loom_platform::{Clock, HttpClient, HttpError, Platform};
use loom_store::connector::Recorded;

use crate::{
    settings::{Settings, Target},
    sign::signature,
};

/// How long the other side may take.
const LONGEST: Duration = Duration::from_secs(10);

/// What is sent to whom.
pub(crate) struct Parcel<'a> {
    pub(crate) connector: &'a Connector,
    pub(crate) delivery_id: &'a str,
    pub(crate) event: &'a str,
    pub(crate) notice: &'a Notice,
    pub(crate) occurrence: Option<&'a Occurrence>,
}

/// Sends it, and says what came of it. The answer's body is not read: it may hold anything, and nothing depends on it.
pub(crate) async fn send<P: Platform>(
    platform: &P,
    settings: &Settings,
    parcel: &Parcel<'_>,
) -> Recorded {
    let began = platform.clock().now();
    let prepared = settings
        .target(parcel.connector)
        .map_err(|refusal| refusal.code)
        .and_then(|target| prepare(settings, parcel, &target, began));
    let request = match prepared {
        Ok(request) => request,
        Err(code) => {
            return Recorded {
                outcome: judge(Reached::NotConfigured(code)),
                response_status: None,
                latency_ms: 0,
            };
        }
    };
    let answer = platform.http().send(request, LONGEST).await;
    let now = platform.clock().now();
    let reached = match &answer {
        Ok(response) => Reached::Answer {
            status: response.status().as_u16(),
            retry_after_ms: response
                .headers()
                .get(RETRY_AFTER)
                .and_then(|value| retry_after_ms(value.to_str().ok()?, Timestamp(now))),
        },
        Err(HttpError::Timeout(_)) => Reached::Silence,
        Err(HttpError::Denied(_)) => Reached::NotConfigured("host_not_allowed"),
        Err(_) => Reached::Broken,
    };
    Recorded {
        outcome: judge(reached),
        response_status: answer.ok().map(|response| response.status().as_u16()),
        latency_ms: (now - began).max(0),
    }
}

/// The request, or why there can be none. Nothing of it is ever logged.
fn prepare(
    settings: &Settings,
    parcel: &Parcel<'_>,
    target: &Target,
    now: i64,
) -> Result<Request<Bytes>, &'static str> {
    let outgoing = request(
        parcel.connector,
        parcel.delivery_id,
        parcel.event,
        parcel.notice,
        parcel.occurrence,
        &settings.loom_url,
    );
    let body = outgoing.body.to_string().into_bytes();
    let timestamp = (now / 1000).to_string();
    let url = match outgoing.path {
        "" => target.address.expose().to_owned(),
        path => format!("{}{path}", target.address.expose().trim_end_matches('/')),
    };
    let mut builder = Request::post(url)
        .header(CONTENT_TYPE, "application/json")
        .header(USER_AGENT, "Loom")
        .header("x-loom-delivery", parcel.delivery_id)
        .header("x-loom-event", parcel.event)
        .header("x-loom-timestamp", &timestamp);
    if let Some(secret) = &target.secret {
        let (name, value) = match parcel.connector.kind {
            ConnectorKind::Openclaw => (AUTHORIZATION.as_str(), format!("Bearer {secret}")),
            _ => (
                "x-loom-signature-256",
                signature(secret, &timestamp, &body).map_err(|_| "secret_unusable")?,
            ),
        };
        let mut value = HeaderValue::try_from(value).map_err(|_| "secret_unusable")?;
        value.set_sensitive(true);
        builder = builder.header(name, value);
    }
    builder.body(Bytes::from(body)).map_err(|_| "url_unusable")
}
