use hmac::{Hmac, KeyInit, Mac};
use loom_api::Error;
use loom_domain::hex;
use sha2::Sha256;

fn mac(key: &[u8], parts: &[&[u8]]) -> Result<Hmac<Sha256>, Error> {
    // A key of any length is fine for HMAC.
    let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(Error::internal)?;
    for part in parts {
        mac.update(part);
    }
    Ok(mac)
}

/// What a webhook's receiver compares with `X-Loom-Signature-256`: `sha256=` and, in hexadecimal, the HMAC-SHA-256 of the
/// value of `X-Loom-Timestamp`, a dot, and the body.
pub fn signature(key: &str, timestamp: &str, body: &[u8]) -> Result<String, Error> {
    let mac = mac(key.as_bytes(), &[timestamp.as_bytes(), b".", body])?;
    Ok(format!(
        "sha256={}",
        hex::encode(&mac.finalize().into_bytes())
    ))
}

/// Whether `given` (hexadecimal, `sha256=` before it or not) is the HMAC-SHA-256 of the body, in a time that tells nothing
/// about where it differs.
pub(crate) fn is_signed(key: &str, body: &[u8], given: &str) -> Result<bool, Error> {
    let given = given.trim();
    let digits = given.strip_prefix("sha256=").unwrap_or(given);
    let Some(bytes) = unhex(digits) else {
        return Ok(false);
    };
    Ok(mac(key.as_bytes(), &[body])?.verify_slice(&bytes).is_ok())
}

fn unhex(digits: &str) -> Option<Vec<u8>> {
    if digits.len() != 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    (0..32)
        .map(|place| u8::from_str_radix(digits.get(2 * place..2 * place + 2)?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test case 2.
    const KEY: &str = "Jefe";
    const TEXT: &[u8] = b"what do ya want for nothing?";
    const MAC: &str = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";

    #[test]
    fn published_values_are_reproduced() {
        assert_eq!(
            hex::encode(
                &mac(KEY.as_bytes(), &[TEXT])
                    .unwrap()
                    .finalize()
                    .into_bytes()
            ),
            MAC
        );
        let (timestamp, body) = ("what do ya want for nothing?", b"");
        assert_ne!(
            signature(KEY, timestamp, body).unwrap(),
            format!("sha256={MAC}")
        );
    }

    #[test]
    fn only_the_right_signature_is_one() {
        for (given, expected) in [
            (MAC.to_owned(), true),
            (format!("sha256={MAC}"), true),
            (MAC.to_uppercase(), true),
            (format!("sha1={MAC}"), false),
            (MAC.replace("5bdc", "5bdd"), false),
            (MAC[..62].to_owned(), false),
            (format!("{MAC}00"), false),
            ("é".repeat(32), false),
            (String::new(), false),
        ] {
            assert_eq!(is_signed(KEY, TEXT, &given).unwrap(), expected, "{given}");
        }
        assert!(!is_signed("jefe", TEXT, MAC).unwrap());
        assert!(!is_signed(KEY, b"what do ya want for nothing!", MAC).unwrap());
    }
}
