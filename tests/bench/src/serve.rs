//! HTTP on a socket for whatever answers requests in this process.

use std::{convert::Infallible, future::Future, sync::Arc};

use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use loom_platform::{Body, native::Handler};
use tokio::net::TcpListener;

/// Answers requests to `listener` until the runtime ends.
pub(crate) async fn forever<F, Answer>(
    listener: TcpListener,
    answer: F,
) -> std::io::Result<Infallible>
where
    F: Fn(Request<Body>) -> Answer + Send + Sync + 'static,
    Answer: Future<Output = Response<Body>> + Send + 'static,
{
    let answer = Arc::new(answer);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let answer = Arc::clone(&answer);
        let service = service_fn(move |request: Request<Incoming>| {
            let answer = answer(request.map(|body| body.map_err(Into::into).boxed_unsync()));
            async move { Ok::<_, Infallible>(answer.await) }
        });
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        // An error here is a caller that went away.
        tokio::spawn(async move { drop(connection.await) });
    }
}

/// Gives `handler` an address on the loopback interface.
pub(crate) async fn on_loopback(handler: Handler) -> std::io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(forever(listener, move |request| {
        let handler = handler.clone();
        async move {
            let (parts, body) = request.into_parts();
            match body.collect().await {
                Ok(body) => handler(Request::from_parts(parts, body.to_bytes())).await,
                Err(error) => {
                    let mut response = Response::new(loom_platform::body_from(error.to_string()));
                    *response.status_mut() = http::StatusCode::BAD_REQUEST;
                    response
                }
            }
        }
    }));
    Ok(url)
}
