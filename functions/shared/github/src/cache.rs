//! What is kept in the key-value store between calls. It never holds a token, and losing it costs requests only: its
//! failures are not errors.

use std::fmt::Write as _;

use bytes::Bytes;
use loom_platform::{KeyValue, Platform};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::GitHub;

/// The largest value that is kept, in bytes: a little less than the key-value store takes.
const LARGEST: usize = 1024 * 1024 - 4096;

/// Answers with an `ETag` share this many places, because nothing else would ever remove one: two that meet in a
/// place displace each other.
const PLACES: u64 = 4096;
/// The largest answer that is kept with its `ETag`, in bytes.
const LARGEST_ANSWER: usize = 256 * 1024;

/// An answer that GitHub may be asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) etag: String,
    pub(crate) link: Option<String>,
    pub(crate) body: Bytes,
}

#[derive(Serialize, Deserialize)]
struct Label {
    name: String,
    etag: String,
    link: Option<String>,
}

impl<P: Platform> GitHub<P> {
    /// The answer that was last kept under `name`.
    pub(crate) async fn kept_answer(&self, name: &str) -> Option<Kept> {
        let (key, name) = place(name);
        let value = self.platform().key_value().get(&key).await.ok()??;
        let end = value.iter().position(|&byte| byte == b'\n')?;
        let (label, body) = value.split_at(end);
        let label: Label = serde_json::from_slice(label).ok()?;
        (label.name == name).then(|| Kept {
            etag: label.etag,
            link: label.link,
            body: Bytes::copy_from_slice(body.get(1..).unwrap_or_default()),
        })
    }

    /// Keeps an answer under `name`, if it is small enough.
    pub(crate) async fn keep_answer(&self, name: &str, kept: &Kept) {
        if kept.body.len() > LARGEST_ANSWER {
            return;
        }
        let (key, name) = place(name);
        let label = Label {
            name,
            etag: kept.etag.clone(),
            link: kept.link.clone(),
        };
        let Ok(mut value) = serde_json::to_vec(&label) else {
            return;
        };
        value.push(b'\n');
        value.extend_from_slice(&kept.body);
        self.platform().key_value().set(&key, &value).await.ok();
    }

    /// What is kept of an object that never changes.
    pub(crate) async fn kept_object(&self, kind: &str, name: &str) -> Option<Vec<u8>> {
        let key = format!("github/{kind}/{}", digest(name));
        self.platform().key_value().get(&key).await.ok()?
    }

    /// Keeps an object that never changes, if it is small enough.
    pub(crate) async fn keep_object(&self, kind: &str, name: &str, value: &[u8]) {
        if value.len() <= LARGEST {
            let key = format!("github/{kind}/{}", digest(name));
            self.platform().key_value().set(&key, value).await.ok();
        }
    }
}

/// The key of the place of `name`, and the name's digest.
fn place(name: &str) -> (String, String) {
    let digest = digest(name);
    let number = u64::from_str_radix(digest.get(..15).unwrap_or_default(), 16).unwrap_or(0);
    (format!("github/answer/{:04}", number % PLACES), digest)
}

fn digest(name: &str) -> String {
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(name) {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}
