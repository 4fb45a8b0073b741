use thiserror::Error;

/// Why the key-value store failed.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
#[error("the key-value store failed: {0}")]
pub struct KeyValueError(pub String);

/// The longest key, in bytes.
const LONGEST_KEY: usize = 255;
/// The largest value, in bytes.
const LARGEST_VALUE: usize = 1024 * 1024;

/// Refuses what some host would refuse, on every adapter alike.
pub(crate) fn check_limits(key: &str, value: &[u8]) -> Result<(), KeyValueError> {
    if key.is_empty() || key.len() > LONGEST_KEY {
        return Err(KeyValueError(format!(
            "a key has 1 to {LONGEST_KEY} bytes, this one {}",
            key.len()
        )));
    }
    if value.len() > LARGEST_VALUE {
        return Err(KeyValueError(format!(
            "the value under {key} has {} bytes, at most {LARGEST_VALUE} fit",
            value.len()
        )));
    }
    Ok(())
}

/// Opaque values read by exact key: caches, the last heartbeat, content-addressed blobs, revoked sessions.
///
/// Keys are at most 255 bytes and values at most 1 MiB, the smallest limits among hosts. There is no listing, no
/// expiry and no compare-and-set; what needs those lives in the database.
pub trait KeyValue: Clone + Send + Sync + 'static {
    /// The value under `key`, if there is one.
    fn get(&self, key: &str)
    -> impl Future<Output = Result<Option<Vec<u8>>, KeyValueError>> + Send;

    /// Puts `value` under `key`, whatever was there before.
    fn set(
        &self,
        key: &str,
        value: &[u8],
    ) -> impl Future<Output = Result<(), KeyValueError>> + Send;

    /// Removes `key`; it need not exist.
    fn delete(&self, key: &str) -> impl Future<Output = Result<(), KeyValueError>> + Send;
}
