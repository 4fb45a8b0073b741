//! Payloads as they are stored: JSON of GitHub's shrinks to a fifth or less.

use loom_api::Error;
use loom_domain::delivery::LARGEST_BODY;
use loom_store::delivery::Payload;
use miniz_oxide::{deflate::compress_to_vec, inflate::decompress_to_vec_with_limit};

/// Smaller ones are not worth it, and larger ones would hold up the answer. In bytes.
const WORTHWHILE: std::ops::RangeInclusive<usize> = 512..=1024 * 1024;
/// The fastest level that still looks for repetitions.
const LEVEL: u8 = 1;

/// How a payload is stored, and the bytes.
pub(crate) fn pack(payload: &[u8]) -> (&'static str, Vec<u8>) {
    if WORTHWHILE.contains(&payload.len()) {
        let packed = compress_to_vec(payload, LEVEL);
        if packed.len() < payload.len() {
            return ("deflate", packed);
        }
    }
    ("identity", payload.to_vec())
}

/// The payload that was stored.
pub(crate) fn unpack(stored: Payload) -> Result<Vec<u8>, Error> {
    match stored.encoding.as_str() {
        "identity" => Ok(stored.body),
        _ => decompress_to_vec_with_limit(&stored.body, LARGEST_BODY).map_err(Error::internal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_back() {
        let repeated = br#"{"a":"b"}"#.repeat(1000);
        for (payload, expected) in [
            (b"{}".to_vec(), "identity"),
            (repeated.clone(), "deflate"),
            (repeated.repeat(200), "identity"),
        ] {
            let (encoding, body) = pack(&payload);
            assert_eq!(encoding, expected);
            assert!(body.len() <= payload.len());
            let stored = Payload {
                headers: String::new(),
                encoding: encoding.to_owned(),
                body,
            };
            assert_eq!(unpack(stored).unwrap(), payload);
        }
    }
}
