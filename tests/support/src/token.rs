use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

/// A JSON Web Token with these claims, signed with HMAC-SHA-256: made here independently of the code under test.
pub fn sign_jwt(secret: &str, claims: &Value) -> String {
    let signed = unsigned(&json!({"alg": "HS256", "typ": "JWT"}), claims);
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length is good");
    mac.update(signed.as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    format!("{signed}.{signature}")
}

/// A JSON Web Token that says it needs no signature, and has none.
pub fn unsigned_jwt(claims: &Value) -> String {
    format!(
        "{}.",
        unsigned(&json!({"alg": "none", "typ": "JWT"}), claims)
    )
}

/// The bytes of a part of a token.
pub fn decode_base64url(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).expect("it is base64url")
}

fn unsigned(header: &Value, claims: &Value) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", encode(header), encode(claims))
}

/// Base64 as bodies have it, with padding.
pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}
