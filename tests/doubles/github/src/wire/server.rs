use std::io;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use loom_double_server::{answer_late, closed_on_purpose};

use super::Call;
use crate::routes;
use crate::state::Shared;

/// Answers a request that came over a socket.
pub(crate) async fn connected(
    shared: Arc<Shared>,
    request: hyper::Request<Incoming>,
) -> io::Result<hyper::Response<Full<Bytes>>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let call = Call::new(parts.method, &parts.uri, parts.headers, body);
    // Git works on files, so the work is not done where connections are served.
    let outcome = tokio::task::spawn_blocking(move || routes::answer(&shared, call))
        .await
        .map_err(io::Error::other)?;
    answer_late(outcome.delay).await;
    outcome
        .response
        .map(|response| response.map(Full::new))
        .ok_or_else(closed_on_purpose)
}
