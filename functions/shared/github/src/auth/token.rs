//! Installation tokens, kept in the memory of this process.
//!
//! Not in the key-value store: that is a file on somebody's disk, and a token is a secret. A lost token costs one
//! request.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use loom_domain::time::{MINUTE, Timestamp};

use crate::secret::Secret;

/// A token is no longer used this long before it expires, so that no call outlives it.
const MARGIN: i64 = 5 * MINUTE;

/// How many are kept. More than an App of one Loom ever has installations in use.
const MOST: usize = 1_000;

/// What a token is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TokenKey {
    /// The API's root.
    pub(crate) api: String,
    pub(crate) app: String,
    pub(crate) installation: i64,
}

struct Token {
    secret: Secret,
    expires: Timestamp,
}

static TOKENS: Mutex<BTreeMap<TokenKey, Token>> = Mutex::new(BTreeMap::new());

fn with<T>(operation: impl FnOnce(&mut BTreeMap<TokenKey, Token>) -> T) -> T {
    operation(&mut TOKENS.lock().unwrap_or_else(PoisonError::into_inner))
}

/// The token under `key`, unless it is about to expire.
pub(crate) fn kept(key: &TokenKey, now: Timestamp) -> Option<Secret> {
    with(|tokens| {
        let token = tokens.get(key)?;
        (token.expires.0 - MARGIN > now.0).then(|| token.secret.clone())
    })
}

/// Keeps a token.
pub(crate) fn keep(key: TokenKey, secret: Secret, expires: Timestamp, now: Timestamp) {
    with(|tokens| {
        if tokens.len() >= MOST {
            tokens.retain(|_, token| token.expires.0 > now.0);
        }
        if tokens.len() < MOST {
            tokens.insert(key, Token { secret, expires });
        }
    });
}

/// Forgets a token that GitHub no longer accepts.
pub(crate) fn forget(key: &TokenKey) {
    with(|tokens| tokens.remove(key));
}
