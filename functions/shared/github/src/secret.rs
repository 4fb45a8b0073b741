use std::fmt;

use sha2::{Digest, Sha256};

/// A token or key. It can be sent, but not printed.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself, for the one place that needs it.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// What tells it from other secrets in this process's memory and says nothing about it: 32 bits of its digest. Not
    /// to be written anywhere.
    pub(crate) fn fingerprint(&self) -> String {
        let digest = Sha256::digest(&self.0);
        let [a, b, c, d, ..] = digest.0;
        format!("{a:02x}{b:02x}{c:02x}{d:02x}")
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}
