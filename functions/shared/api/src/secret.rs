//! Secrets that Loom makes itself: API keys and refresh tokens. They are stored as SHA-256 digests, which is enough
//! because they are random: there is nothing to guess that hashing slowly would protect.

use loom_platform::Random;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// What every API key starts with, so that people and secret scanners recognise one.
pub const API_KEY_PREFIX: &str = "loom_";
/// How many characters of an API key are shown in lists.
pub const SHOWN: usize = 12;

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A new API key: `loom_` and 43 characters of base 62, 256 bits.
pub fn new_api_key<R: Random>(random: &R) -> String {
    format!("{API_KEY_PREFIX}{}", base62(random, 43))
}

/// A new refresh token: `loomr_` and 43 characters of base 62.
pub fn new_refresh_token<R: Random>(random: &R) -> String {
    format!("loomr_{}", base62(random, 43))
}

/// `length` characters, each equally likely: bytes that would favour some are drawn again.
fn base62<R: Random>(random: &R, length: usize) -> String {
    let mut text = String::with_capacity(length);
    while text.len() < length {
        let fit = random.bytes::<64>().into_iter().filter(|byte| *byte < 248);
        let characters =
            fit.filter_map(|byte| BASE62.get(usize::from(byte % 62)).copied().map(char::from));
        text.extend(characters.take(length - text.len()));
    }
    text
}

/// The digest under which a secret is stored.
pub fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// Whether two secrets are the same, in a time that tells nothing about where they differ.
pub fn same(a: &str, b: &str) -> bool {
    digest(a).ct_eq(&digest(b)).into()
}
