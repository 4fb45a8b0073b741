//! Access tokens: JSON Web Tokens (RFC 7519) signed with HMAC-SHA-256.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use loom_domain::account::Role;
use loom_platform::{Platform, Variables};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::Error;

/// How long an access token is valid, in seconds.
pub const LIFETIME: i64 = 30 * 60;

const ISSUER: &str = "loom";
const SHORTEST_KEY: usize = 32;
/// `{"alg":"HS256","typ":"JWT"}`
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";

/// What an access token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Who made it: `loom`.
    pub iss: String,
    /// The account's id.
    pub sub: String,
    /// The account's username.
    pub name: String,
    /// The account's role when the token was made. What counts is the role that the account has when it is used.
    pub role: Role,
    /// The session, so that logging out ends the token too.
    pub sid: String,
    /// When it was made, in seconds since the epoch.
    pub iat: i64,
    /// When it ends, in seconds since the epoch.
    pub exp: i64,
    /// Unique.
    pub jti: String,
}

impl Claims {
    /// Claims of a token that is made at `now` (seconds) and valid for [`LIFETIME`].
    pub fn new(sub: &str, name: &str, role: Role, sid: &str, now: i64, jti: String) -> Self {
        Self {
            iss: ISSUER.to_owned(),
            sub: sub.to_owned(),
            name: name.to_owned(),
            role,
            sid: sid.to_owned(),
            iat: now,
            exp: now + LIFETIME,
            jti,
        }
    }
}

/// The key that signs tokens.
pub struct Key(Hmac<Sha256>);

impl Key {
    /// The key in the variable `loom_token_secret`; 503 `not_configured` when it is missing or too short.
    pub async fn load<P: Platform>(platform: &P) -> Result<Self, Error> {
        let secret = platform
            .variables()
            .get_optional("loom_token_secret")
            .await?
            .unwrap_or_default();
        if secret.len() < SHORTEST_KEY {
            return Err(Error::not_configured(format!(
                "The variable loom_token_secret must hold at least {SHORTEST_KEY} random bytes before anybody can log \
                 in. Set SPIN_VARIABLE_LOOM_TOKEN_SECRET, for example to the output of `openssl rand -hex 32`."
            )));
        }
        Self::new(secret.as_bytes())
    }

    /// A key of any bytes.
    pub fn new(secret: &[u8]) -> Result<Self, Error> {
        Hmac::new_from_slice(secret)
            .map(Self)
            .map_err(Error::internal)
    }

    /// Makes a token.
    pub fn sign(&self, claims: &Claims) -> String {
        let payload = URL_SAFE_NO_PAD.encode(serde_json::to_vec(claims).unwrap_or_default());
        let signed = format!("{HEADER}.{payload}");
        let mac = self
            .0
            .clone()
            .chain_update(signed.as_bytes())
            .finalize()
            .into_bytes();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac))
    }

    /// Reads a token: 401 `token_invalid` when it is not one of ours, 401 `token_expired` when its time is over.
    ///
    /// The signature is checked first, in constant time, and only the algorithm that we sign with is accepted.
    pub fn verify(&self, token: &str, now: i64) -> Result<Claims, Error> {
        let claims = self.read(token).ok_or_else(|| {
            Error::unauthenticated(
                "token_invalid",
                "The access token is not one that Loom signed. Log in again.",
            )
        })?;
        if claims.exp <= now {
            let message = "The access token has expired. Get a new one with the refresh token, or log in again.";
            return Err(Error::unauthenticated("token_expired", message));
        }
        Ok(claims)
    }

    fn read(&self, token: &str) -> Option<Claims> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Header {
            alg: String,
            #[serde(default)]
            typ: Option<String>,
        }
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        self.0
            .clone()
            .chain_update(signed.as_bytes())
            .verify_slice(&signature)
            .ok()?;
        let header: Header = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
        if header.alg != "HS256" || header.typ.is_some_and(|typ| typ != "JWT") {
            return None;
        }
        let claims: Claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
        (claims.iss == ISSUER).then_some(claims)
    }
}
