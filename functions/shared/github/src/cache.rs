//! What is kept in the key-value store between calls. It never holds a token, and losing it costs requests only: its
//! failures are not errors.

use bytes::Bytes;
use loom_domain::hex;
use loom_platform::{KeyValue, Platform};
use serde::{Deserialize, Serialize};

use crate::GitHub;

/// The largest value that is kept, in bytes: a little less than the key-value store takes.
const LARGEST: usize = 1024 * 1024 - 4096;

/// How many answers with an `ETag` and how many trees are kept. Nothing would ever remove one, so they share places: two
/// that meet in a place displace each other. Blobs are what the repository is made of, and are all kept.
const ANSWERS: u64 = 4096;
const TREES: u64 = 256;
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
        let (key, name) = place("answer", ANSWERS, name);
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
        let (key, name) = place("answer", ANSWERS, name);
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

    /// The bytes of the blob `name`, if they are kept.
    pub(crate) async fn kept_blob(&self, name: &str) -> Option<Vec<u8>> {
        let key = format!("github/blob/{}", hex::sha256(name));
        self.platform().key_value().get(&key).await.ok()?
    }

    /// Keeps the bytes of the blob `name`, if they are few enough.
    pub(crate) async fn keep_blob(&self, name: &str, bytes: &[u8]) {
        if bytes.len() <= LARGEST {
            let key = format!("github/blob/{}", hex::sha256(name));
            self.platform().key_value().set(&key, bytes).await.ok();
        }
    }

    /// The tree `name` as GitHub sent it, if it was kept lately.
    pub(crate) async fn kept_tree(&self, name: &str) -> Option<Vec<u8>> {
        let (key, name) = place("tree", TREES, name);
        let value = self.platform().key_value().get(&key).await.ok()??;
        value.strip_prefix(name.as_bytes()).map(<[u8]>::to_vec)
    }

    /// Keeps the tree `name` for a while, if it is small enough.
    pub(crate) async fn keep_tree(&self, name: &str, tree: &[u8]) {
        if tree.len() <= LARGEST {
            let (key, name) = place("tree", TREES, name);
            let value = [name.as_bytes(), tree].concat();
            self.platform().key_value().set(&key, &value).await.ok();
        }
    }
}

/// The key of the place of `name` among `places` of a kind, and the name's digest, by which what lies there is known.
fn place(kind: &str, places: u64, name: &str) -> (String, String) {
    let digest = hex::sha256(name);
    let number = u64::from_str_radix(digest.get(..15).unwrap_or_default(), 16).unwrap_or(0);
    (format!("github/{kind}/{:04}", number % places), digest)
}
