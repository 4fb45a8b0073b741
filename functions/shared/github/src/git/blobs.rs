use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use loom_platform::Platform;
use serde::Deserialize;
use serde_json::json;

use super::commits::Id;
use crate::{
    GithubError, Repository,
    call::{Call, Reading, segment},
};

/// The largest blob that is read or written, in bytes. GitHub itself takes 100 MB; a component's memory would not.
pub const LARGEST_BLOB: usize = 16 * 1024 * 1024;

#[derive(Deserialize)]
struct Wire {
    content: String,
    #[serde(default)]
    encoding: String,
}

impl<P: Platform> Repository<P> {
    /// The bytes of a blob, at most [`LARGEST_BLOB`]. They never change, and up to 1 MiB are kept in the key-value
    /// store.
    pub async fn get_blob(&self, sha: &str) -> Result<Bytes, GithubError> {
        let target = self.at(&format!("/git/blobs/{}", segment(sha)));
        // By repository too: who knows an id may still not read it everywhere.
        let key = format!("{} {target}", self.github().root());
        if let Some(kept) = self.github().kept_blob(&key).await {
            return Ok(kept.into());
        }
        // Base64 with its line ends, and the JSON around it.
        let call = Call::get(target).reading(Reading::Whole(LARGEST_BLOB / 5 * 7 + 4096));
        let what = call.what();
        let wire: Wire = self.get(call).await?;
        let bytes = decode(&wire).ok_or_else(|| {
            GithubError::unreadable(what, format!("the encoding {} is broken", wire.encoding))
        })?;
        if bytes.len() > LARGEST_BLOB {
            return Err(too_large(sha));
        }
        self.github().keep_blob(&key, &bytes).await;
        Ok(bytes.into())
    }

    /// Makes a blob and returns its id.
    ///
    /// Content-addressed: making it twice makes one, so it is sent again after a lost answer.
    pub async fn create_blob(&self, bytes: &[u8]) -> Result<String, GithubError> {
        if bytes.len() > LARGEST_BLOB {
            return Err(too_large("to be made"));
        }
        let body = json!({"content": STANDARD.encode(bytes), "encoding": "base64"});
        let call = Call::post(self.at("/git/blobs"), &body).repeatable();
        Ok(self.get::<Id>(call).await?.sha)
    }
}

fn too_large(sha: &str) -> GithubError {
    GithubError::TooLarge {
        what: format!("the blob {sha}"),
        limit: u64::try_from(LARGEST_BLOB).unwrap_or(u64::MAX),
    }
}

fn decode(wire: &Wire) -> Option<Vec<u8>> {
    if wire.encoding == "utf-8" {
        return Some(wire.content.clone().into_bytes());
    }
    // GitHub breaks the lines of base64.
    let content: String = wire
        .content
        .chars()
        .filter(|character| !character.is_ascii_whitespace())
        .collect();
    STANDARD.decode(content).ok()
}
