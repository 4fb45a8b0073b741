//! The load generator: connections that are kept, each with one request at a time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::Result;

/// A connection to one of the measured programs.
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    host: String,
}

impl Connection {
    pub(crate) async fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // Its error is the sender's too.
        tokio::spawn(async move { drop(connection.await) });
        Ok(Self {
            sender,
            host: address.to_owned(),
        })
    }

    pub(crate) async fn send(&mut self, call: &Call) -> Result<(StatusCode, Bytes)> {
        let mut request = Request::builder()
            .method(call.method)
            .uri(&call.path)
            .header("host", &self.host);
        if !call.token.is_empty() {
            request = request.header("authorization", format!("Bearer {}", call.token));
        }
        if !call.body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in &call.headers {
            request = request.header(*name, value);
        }
        let request = request.body(Full::new(call.body.clone()))?;
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await?;
        let status = response.status();
        Ok((status, response.into_body().collect().await?.to_bytes()))
    }
}

/// A request to send.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) token: Arc<str>,
    /// Beside those of the token and the body.
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Bytes,
}

/// What a turn measured.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    /// Times of the requests that were answered as they should be.
    pub(crate) times: Vec<Duration>,
    /// Requests that were answered otherwise, and the first of those answers.
    pub(crate) refused: u64,
    pub(crate) refusal: Option<String>,
    pub(crate) took: Duration,
}

/// Sends what `call` makes of a running number over `connections`, until the time is over or `most` were sent: each as
/// soon as a connection is free.
pub(crate) async fn run(
    address: &str,
    connections: usize,
    limit: Duration,
    most: u64,
    expected: StatusCode,
    call: impl Fn(u64) -> Call + Send + Sync + 'static,
) -> Result<Turn> {
    send(address, connections, limit, most, None, expected, call).await
}

/// Sends one request `every` so often, `most` in all, whether the answers keep up with it or not. What has to wait for a
/// connection waits in its measured time too: that begins when the request is due.
pub(crate) async fn run_paced(
    address: &str,
    connections: usize,
    every: Duration,
    most: u64,
    expected: StatusCode,
    call: impl Fn(u64) -> Call + Send + Sync + 'static,
) -> Result<Turn> {
    let (limit, every) = (Duration::MAX, Some(every));
    send(address, connections, limit, most, every, expected, call).await
}

async fn send(
    address: &str,
    connections: usize,
    limit: Duration,
    most: u64,
    every: Option<Duration>,
    expected: StatusCode,
    call: impl Fn(u64) -> Call + Send + Sync + 'static,
) -> Result<Turn> {
    let call = Arc::new(call);
    let sent = Arc::new(AtomicU64::new(0));
    let mut open = Vec::new();
    for _ in 0..connections {
        open.push(Connection::open(address).await?);
    }
    let started = Instant::now();
    let workers: Vec<_> = open
        .into_iter()
        .map(|mut connection| {
            let (call, sent) = (Arc::clone(&call), Arc::clone(&sent));
            tokio::spawn(async move {
                let mut turn = Turn::default();
                while started.elapsed() < limit {
                    let number = sent.fetch_add(1, Ordering::Relaxed);
                    if number >= most {
                        break;
                    }
                    let call = call(number);
                    let begun = match every {
                        Some(every) => due(started, every, number).await,
                        None => Instant::now(),
                    };
                    let (status, body) = connection.send(&call).await?;
                    let time = begun.elapsed();
                    if status == expected {
                        turn.times.push(time);
                    } else {
                        turn.refused += 1;
                        let text = || format!("{status} {}", String::from_utf8_lossy(&body));
                        turn.refusal.get_or_insert_with(text);
                    }
                }
                Result::Ok(turn)
            })
        })
        .collect();
    let mut whole = Turn::default();
    for worker in workers {
        let turn = worker.await??;
        whole.times.extend(turn.times);
        whole.refused += turn.refused;
        whole.refusal = whole.refusal.or(turn.refusal);
    }
    whole.took = started.elapsed();
    Ok(whole)
}

/// Waits until the request of a running number is due, if it is not yet; returns when it was.
async fn due(started: Instant, every: Duration, number: u64) -> Instant {
    let after = every.saturating_mul(u32::try_from(number).unwrap_or(u32::MAX));
    let due = started + after;
    tokio::time::sleep_until(due.into()).await;
    due
}
