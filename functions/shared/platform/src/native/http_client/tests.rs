use std::{convert::Infallible, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::{NativeHttpClient, handler};
use crate::{Body, HttpClient, HttpError, body_from, read_body};

const LONG: Duration = Duration::from_secs(60);

fn post(url: &str, body: &'static str) -> http::Request<Bytes> {
    http::Request::post(url)
        .body(Bytes::from_static(body.as_bytes()))
        .unwrap()
}

/// A server that answers on `/echo` with the request's body, on `/silent` never, and on `/half` with a body that
/// never ends.
async fn server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let service = hyper::service::service_fn(answer);
            tokio::spawn(
                hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service),
            );
        }
    });
    url
}

async fn answer(
    request: http::Request<hyper::body::Incoming>,
) -> Result<http::Response<Body>, Infallible> {
    match request.uri().path() {
        "/echo" => {
            let bytes = request.into_body().collect().await.unwrap().to_bytes();
            Ok(http::Response::new(body_from(bytes)))
        }
        "/half" => {
            let first = http_body::Frame::data(Bytes::from_static(b"half"));
            let stream = futures_util::stream::once(async { Ok(first) });
            let never = futures_util::stream::pending();
            let body = StreamBody::new(futures_util::StreamExt::chain(stream, never));
            Ok(http::Response::new(body.boxed_unsync()))
        }
        _ => std::future::pending().await,
    }
}

#[tokio::test]
async fn an_exchange_over_the_network() {
    let url = server().await;
    let client = NativeHttpClient::default();
    for text in ["one", "two"] {
        let response = client
            .send(post(&format!("{url}/echo"), text), LONG)
            .await
            .unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(read_body(response.into_body(), 10).await.unwrap(), text);
    }
}

#[tokio::test]
async fn a_body_over_the_callers_limit_is_refused() {
    let url = server().await;
    let client = NativeHttpClient::default();
    let response = client
        .send(post(&format!("{url}/echo"), "12345"), LONG)
        .await
        .unwrap();
    let refused = read_body(response.into_body(), 4).await;
    assert_eq!(refused, Err(HttpError::TooLarge { limit: 4 }));
}

#[tokio::test]
async fn no_answer_is_a_timeout() {
    let url = server().await;
    let limit = Duration::from_millis(20);
    let outcome = NativeHttpClient::default()
        .send(post(&format!("{url}/silent"), ""), limit)
        .await;
    assert_eq!(outcome.unwrap_err(), HttpError::Timeout(limit));
}

#[tokio::test]
async fn the_timeout_covers_the_body() {
    let url = server().await;
    let limit = Duration::from_millis(200);
    let response = NativeHttpClient::default()
        .send(post(&format!("{url}/half"), ""), limit)
        .await;
    let broken = read_body(response.unwrap().into_body(), 100).await;
    assert_eq!(broken, Err(HttpError::Timeout(limit)));
}

#[tokio::test]
async fn nobody_listening_is_a_connect_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let outcome = NativeHttpClient::default()
        .send(post(&format!("http://{address}/"), ""), LONG)
        .await;
    assert!(matches!(outcome, Err(HttpError::Connect(_))), "{outcome:?}");
}

#[tokio::test]
async fn a_reply_that_breaks_off_is_interrupted() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        stream.readable().await.unwrap();
        stream.try_read(&mut [0; 1000]).unwrap();
    });
    let outcome = NativeHttpClient::default()
        .send(post(&format!("http://{address}/"), ""), LONG)
        .await;
    assert!(
        matches!(outcome, Err(HttpError::Interrupted(_))),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn routed_hosts_are_answered_in_process() {
    let client = NativeHttpClient::default();
    let played = handler(|request| async move {
        http::Response::new(
            Full::new(request.into_body())
                .map_err(|never| match never {})
                .boxed_unsync(),
        )
    });
    client.clone().route("agent-step.spin.internal", played);
    let request = post("http://agent-step.spin.internal/internal/step", "x");
    let response = client.send(request, LONG).await.unwrap();
    assert_eq!(read_body(response.into_body(), 10).await.unwrap(), "x");
}
