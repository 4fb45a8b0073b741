//! Bytes in hexadecimal, as ids, digests and signatures are written.

use sha2::{Digest, Sha256};

/// Two lower-case digits a byte.
pub fn encode(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a String can't fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// The SHA-256 of a text or of bytes, in 64 lower-case digits.
pub fn sha256(content: impl AsRef<[u8]>) -> String {
    encode(&Sha256::digest(content))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 180-2, appendix B.1.
    #[test]
    fn a_published_digest_is_reproduced() {
        assert_eq!(
            sha256("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(encode(&[0, 10, 255]), "000aff");
    }
}
