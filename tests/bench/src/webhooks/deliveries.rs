//! What GitHub sends: signed, each with a GUID of its own.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::payload;
use crate::load::Call;

/// How many repositories send: as many projects, so that no cap on beads that are filed by themselves is reached.
pub(super) const REPOSITORIES: u64 = 500;
/// How many deliveries are sent again and again.
const REPEATED: u64 = 10;
/// The size of a large payload, in bytes.
const LARGE: usize = 1 << 20;

/// The repository of a running number, as `owner/name`.
pub(super) fn repository(number: u64) -> String {
    format!("acme/widget-{:03}", number % REPOSITORIES)
}

/// Makes deliveries; a clone goes on counting where this one is.
#[derive(Clone)]
pub(super) struct Deliveries {
    secret: Arc<str>,
    next: Arc<AtomicU64>,
}

impl Deliveries {
    pub(super) fn new(secret: &str) -> Self {
        Self {
            secret: secret.into(),
            next: Arc::default(),
        }
    }

    /// Issues that were just opened, none twice.
    pub(super) fn issues(&self) -> impl Fn(u64) -> Call + Send + Sync + 'static {
        let own = self.clone();
        move |_| own.issue(own.next.fetch_add(1, Ordering::Relaxed))
    }

    /// A few issues over and over.
    pub(super) fn repeated(&self) -> impl Fn(u64) -> Call + Send + Sync + 'static {
        let first = self.next.fetch_add(REPEATED, Ordering::Relaxed);
        let calls: Vec<Call> = (first..first + REPEATED)
            .map(|number| self.issue(number))
            .collect();
        move |number| calls[usize::try_from(number % REPEATED).unwrap_or_default()].clone()
    }

    /// Pushes of more than a thousand commits, none twice.
    pub(super) fn large(&self) -> impl Fn(u64) -> Call + Send + Sync + 'static {
        let own = self.clone();
        let pattern = payload::push(&repository(0), LARGE).to_string();
        move |_| {
            let number = own.next.fetch_add(1, Ordering::Relaxed);
            let body = pattern.replacen(payload::PUSHED, &format!("{number:040x}"), 1);
            own.call("push", number, body)
        }
    }

    fn issue(&self, number: u64) -> Call {
        let payload = payload::issue_opened(&repository(number), number / REPOSITORIES + 1);
        self.call("issues", number, payload.to_string())
    }

    fn call(&self, event: &str, number: u64, body: String) -> Call {
        let headers = vec![
            ("x-github-event", event.to_owned()),
            (
                "x-github-delivery",
                format!("b0000000-0000-4000-8000-{number:012x}"),
            ),
            ("x-github-hook-id", "292430182".to_owned()),
            (
                "x-github-hook-installation-target-type",
                "repository".to_owned(),
            ),
            ("user-agent", "GitHub-Hookshot/044aadd".to_owned()),
            ("x-hub-signature-256", sign(&self.secret, body.as_bytes())),
        ];
        Call {
            method: "POST",
            path: "/api/v1/webhooks/github".to_owned(),
            token: Arc::from(""),
            headers,
            body: body.into(),
        }
    }
}

/// The value of `X-Hub-Signature-256`.
fn sign(secret: &str, body: &[u8]) -> String {
    use std::fmt::Write;
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes any key");
    let bytes = mac.chain_update(body).finalize().into_bytes();
    bytes.iter().fold("sha256=".to_owned(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
