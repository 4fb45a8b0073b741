use std::convert::Infallible;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};

use super::Call;
use crate::routes;
use crate::state::Shared;

/// Answers connections for ever.
pub(crate) async fn serve(listener: TcpListener, shared: Arc<Shared>) -> io::Result<Infallible> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        let shared = Arc::clone(&shared);
        let service = service_fn(move |request| {
            let shared = Arc::clone(&shared);
            async move { connected(shared, request).await }
        });
        let _ = stream.set_nodelay(true);
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .title_case_headers(true)
            .serve_connection(TokioIo::new(stream), service);
        // An error here is a caller that went away, or a connection that was meant to break.
        tokio::spawn(async move { drop(connection.await) });
    }
}

async fn connected(
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
    tokio::time::sleep(outcome.delay).await;
    outcome
        .response
        .map(|response| response.map(Full::new))
        .ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::ConnectionAborted,
                "the double closes this connection on purpose",
            )
        })
}
