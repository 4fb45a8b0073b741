use thiserror::Error;

/// Why the key-value store failed.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
#[error("the key-value store failed: {0}")]
pub struct KeyValueError(pub String);

/// Opaque values read by exact key: caches, the last heartbeat, content-addressed blobs, revoked sessions.
///
/// Keys are at most 255 bytes and values at most 1 MiB, the smallest limits among hosts. There is no listing, no
/// expiry and no compare-and-set; what needs those lives in the database.
pub trait KeyValue: Clone + Send + Sync + 'static {
    /// The value under `key`, if there is one.
    fn get(&self, key: &str) -> impl Future<Output = Result<Option<Vec<u8>>, KeyValueError>> + Send;

    /// Puts `value` under `key`, whatever was there before.
    fn set(&self, key: &str, value: &[u8]) -> impl Future<Output = Result<(), KeyValueError>> + Send;

    /// Removes `key`; it need not exist.
    fn delete(&self, key: &str) -> impl Future<Output = Result<(), KeyValueError>> + Send;
}
