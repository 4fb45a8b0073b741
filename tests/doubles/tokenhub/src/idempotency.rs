//! The store of answers by idempotency key.

use std::collections::HashMap;

use bytes::Bytes;
use sha2::{Digest, Sha256};

const TTL_MS: i64 = 5 * 60 * 1_000;
const MAX_ENTRIES: usize = 10_000;

/// An answer that can be given again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
}

/// The answers of the last five minutes.
#[derive(Debug, Default)]
pub(crate) struct Store {
    entries: HashMap<String, (i64, Stored)>,
}

/// What an answer is stored under: whoever asks, what they ask, and their key for it.
pub(crate) fn scoped_key(
    key_id: &str,
    method: &str,
    path_and_query: &str,
    key: &str,
    body: &[u8],
) -> String {
    let body: String = Sha256::digest(body)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    [key_id, method, path_and_query, key, &body].join("\0")
}

impl Store {
    pub(crate) fn get(&self, key: &str, now_ms: i64) -> Option<Stored> {
        let (at, stored) = self.entries.get(key)?;
        (now_ms - at <= TTL_MS).then(|| stored.clone())
    }

    pub(crate) fn set(&mut self, key: String, stored: Stored, now_ms: i64) {
        if self.entries.len() >= MAX_ENTRIES && !self.entries.contains_key(&key) {
            let oldest = self
                .entries
                .iter()
                .min_by_key(|(_, (at, _))| *at)
                .map(|(key, _)| key.clone());
            if let Some(oldest) = oldest {
                self.entries.remove(&oldest);
            }
        }
        self.entries.insert(key, (now_ms, stored));
    }
}
