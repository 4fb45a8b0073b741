use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use loom_double_server::answer_late;
use sha2::Sha256;
use tokio::net::TcpStream;

use crate::state::Shared;
use crate::world::{Delivery, hex};

/// What the receiver said.
struct Reply {
    status: u16,
    text: String,
    headers: Vec<(String, String)>,
    body: String,
}

/// Sends what comes into the outbox, one after the other, for ever.
pub(crate) async fn deliver(shared: Arc<Shared>) {
    loop {
        let next = {
            let mut world = shared.lock();
            let next = world.hooks.outbox.pop_front();
            world.hooks.sending = usize::from(next.is_some());
            next.and_then(|id| {
                world
                    .hooks
                    .deliveries
                    .iter()
                    .find(|delivery| delivery.id == id)
                    .cloned()
            })
        };
        let Some(delivery) = next else {
            shared.outbox.notified().await;
            continue;
        };
        if delivery.delay_ms > 0 {
            // The fault "deliver late" itself: it does not keep the others waiting.
            let shared = Arc::clone(&shared);
            shared.lock().hooks.late += 1;
            tokio::spawn(async move {
                answer_late(Duration::from_millis(delivery.delay_ms)).await;
                attempt(&shared, &delivery).await;
                shared.lock().hooks.late -= 1;
                shared.tell();
            });
            continue;
        }
        attempt(&shared, &delivery).await;
        shared.lock().hooks.sending = 0;
        shared.tell();
    }
}

/// Sends one delivery and notes what became of it.
async fn attempt(shared: &Shared, delivery: &Delivery) {
    let started = Instant::now();
    let body = delivery.payload.to_string();
    let headers = headers(delivery, &body);
    let reply = if delivery.lost {
        failed("failed to connect to host")
    } else {
        let sent = send(&delivery.url, &headers, body);
        match tokio::time::timeout(shared.webhook_timeout, sent).await {
            Ok(Ok(reply)) => reply,
            Ok(Err(_)) => failed("failed to connect to host"),
            Err(_) => failed("timed out"),
        }
    };
    let mut world = shared.lock();
    let now = world.stamp();
    if let Some(noted) = world
        .hooks
        .deliveries
        .iter_mut()
        .find(|noted| noted.id == delivery.id)
    {
        noted.delivered_at = now;
        noted.seconds = started.elapsed().as_secs_f64();
        noted.status = reply.text;
        noted.status_code = reply.status;
        noted.request_headers = headers;
        noted.response_headers = reply.headers;
        noted.response = reply.body;
    }
}

fn failed(text: &str) -> Reply {
    Reply {
        status: 0,
        text: text.to_owned(),
        headers: Vec::new(),
        body: String::new(),
    }
}

fn headers(delivery: &Delivery, body: &str) -> Vec<(String, String)> {
    let target = match delivery.hook {
        Some(_) => ("repository", delivery.repository),
        None => ("integration", delivery.installation),
    };
    let mut headers = vec![
        ("Accept", String::from("*/*")),
        ("Content-Type", String::from("application/json")),
        ("User-Agent", String::from("GitHub-Hookshot/0000dbl")),
        ("X-GitHub-Delivery", delivery.guid.clone()),
        ("X-GitHub-Event", delivery.event.clone()),
        ("X-GitHub-Hook-ID", delivery.hook.unwrap_or(1).to_string()),
        (
            "X-GitHub-Hook-Installation-Target-ID",
            target.1.unwrap_or_default().to_string(),
        ),
        (
            "X-GitHub-Hook-Installation-Target-Type",
            target.0.to_owned(),
        ),
    ];
    if !delivery.secret.is_empty() {
        headers.push((
            "X-Hub-Signature-256",
            sign(&delivery.secret, body.as_bytes()),
        ));
    }
    headers
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// The value of `X-Hub-Signature-256`.
pub(crate) fn sign(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key of any length");
    mac.update(body);
    format!("sha256={}", hex(&mac.finalize().into_bytes()))
}

async fn send(
    url: &str,
    headers: &[(String, String)],
    body: String,
) -> Result<Reply, Box<dyn std::error::Error + Send + Sync>> {
    let url: http::Uri = url.parse()?;
    let authority = url.authority().ok_or("the address has no host")?;
    let address = (authority.host(), authority.port_u16().unwrap_or(80));
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let mut request = http::Request::builder()
        .method("POST")
        .uri(url.path_and_query().map_or("/", |path| path.as_str()))
        .header("Host", authority.as_str());
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let response = sender
        .send_request(request.body(Full::new(Bytes::from(body)))?)
        .await?;
    let status = response.status();
    let headers = response
        .headers()
        .iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.to_string(), value)
        })
        .collect();
    let body = response.into_body().collect().await?.to_bytes();
    connection.abort();
    Ok(Reply {
        status: status.as_u16(),
        text: status.canonical_reason().unwrap_or("Unknown").to_owned(),
        headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    })
}
