//! The GitHub App: its key, and the JWTs that it signs.

use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rsa::pkcs1v15::{Signature, VerifyingKey};
use rsa::pkcs8::{EncodePrivateKey, LineEnding};
use rsa::rand_core::{Infallible, TryCryptoRng, TryRng};
use rsa::signature::Verifier;
use rsa::{PrivateKey, PublicKey};
use serde_json::Value;

use crate::wire::Failure;

/// How long a JWT may be valid, in seconds.
const LONGEST: i64 = 600;

/// How far the clock of a caller may be off, in seconds.
const DRIFT: i64 = 60;

/// The App that is installed on the double's accounts.
#[derive(Debug, Clone)]
pub struct App {
    /// Its id, the `iss` of its JWTs.
    pub id: u64,
    /// Its name in addresses; its bot is `<slug>[bot]`.
    pub slug: String,
    /// Its private key, made when the program started.
    pub private_key_pem: String,
    pub(crate) public_key: PublicKey,
    /// Where its webhooks go, if anywhere.
    pub(crate) webhook_url: Option<String>,
    pub(crate) webhook_secret: String,
    /// Which events it is told of; empty means all.
    pub(crate) events: Vec<String>,
    /// How long its installation tokens live, in seconds.
    pub(crate) token_lifetime: i64,
}

impl App {
    pub(crate) fn new(id: u64, slug: &str, token_lifetime: i64) -> Self {
        let (private_key_pem, public_key) = key().clone();
        Self {
            id,
            slug: slug.to_owned(),
            private_key_pem,
            public_key,
            webhook_url: None,
            webhook_secret: String::new(),
            events: Vec::new(),
            token_lifetime,
        }
    }

    /// The login of its bot.
    pub fn bot(&self) -> String {
        format!("{}[bot]", self.slug)
    }

    /// Whether a JWT is this App's and valid.
    pub(crate) fn verify(&self, token: &str, now: i64) -> Result<(), Failure> {
        let unreadable = || Failure::new(401, "A JSON web token could not be decoded");
        let (signed, signature) = token.rsplit_once('.').ok_or_else(unreadable)?;
        let (header, claims) = signed.split_once('.').ok_or_else(unreadable)?;
        let json = |part: &str| -> Option<Value> {
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
        };
        let header = json(header).ok_or_else(unreadable)?;
        let claims = json(claims).ok_or_else(unreadable)?;
        let signature = URL_SAFE_NO_PAD
            .decode(signature)
            .map_err(|_| unreadable())?;
        let signature = Signature::try_from(signature.as_slice()).map_err(|_| unreadable())?;
        let key = VerifyingKey::<rsa::sha2::Sha256>::new(self.public_key.clone());
        if header["alg"] != "RS256" || key.verify(signed.as_bytes(), &signature).is_err() {
            return Err(unreadable());
        }
        let issuer = match &claims["iss"] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        if issuer != self.id.to_string() {
            return Err(Failure::new(
                401,
                "'Issuer' claim ('iss') must be an Integer",
            ));
        }
        let (Some(issued), Some(expires)) = (claims["iat"].as_i64(), claims["exp"].as_i64()) else {
            return Err(unreadable());
        };
        if issued > now + DRIFT {
            return Err(Failure::new(
                401,
                "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
            ));
        }
        if expires <= now {
            return Err(Failure::new(
                401,
                "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
            ));
        }
        if expires > now + LONGEST || expires - issued > LONGEST + DRIFT {
            return Err(Failure::new(
                401,
                "'Expiration time' claim ('exp') is too far in the future",
            ));
        }
        Ok(())
    }
}

/// The key of the App: one for the whole process, as making one takes a moment.
fn key() -> &'static (String, PublicKey) {
    static KEY: OnceLock<(String, PublicKey)> = OnceLock::new();
    KEY.get_or_init(|| {
        let key = PrivateKey::new(&mut Machine, 2_048).expect("a key can be made");
        let pem = key
            .to_pkcs8_pem(LineEnding::LF)
            .expect("a key can be written")
            .to_string();
        (pem, key.to_public_key())
    })
}

/// The machine's randomness.
struct Machine;

impl TryRng for Machine {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        getrandom::fill(bytes).expect("the machine has randomness");
        Ok(())
    }
}

impl TryCryptoRng for Machine {}
