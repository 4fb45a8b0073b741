//! The JSON Web Token by which a GitHub App proves that it is itself (RFC 7519, RS256 of RFC 7518).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use loom_domain::time::{MINUTE, SECOND};
use loom_platform::{Platform, Random};
use rsa::{
    PrivateKey,
    pkcs1::DecodeRsaPrivateKey,
    pkcs8::DecodePrivateKey,
    rand_core::{Infallible, TryCryptoRng, TryRng},
};
use serde_json::json;
use sha2::Sha256;

use super::App;
use crate::{GitHub, GithubError, exchange::Credentials, secret::Secret};

/// GitHub refuses a token that was issued in its future, so it is dated back by what clocks may differ.
const BACKDATED: i64 = MINUTE;
/// GitHub accepts at most ten minutes; one less for the clocks.
const LIFETIME: i64 = 9 * MINUTE;

impl<P: Platform> GitHub<P> {
    /// Credentials of the App itself, valid for some minutes. Made for each use: they are needed once an hour.
    pub(crate) fn app_credentials(&self, app: App<'_>) -> Result<Credentials, GithubError> {
        let now = self.now().0;
        let claims = json!({
            "iat": (now - BACKDATED).div_euclid(SECOND),
            "exp": (now + LIFETIME).div_euclid(SECOND),
            "iss": app.id,
        });
        let token = sign(&claims.to_string(), app.key, self.platform().random())?;
        Ok(Credentials::bearer(&token))
    }
}

fn sign(claims: &str, key: &Secret, random: &impl Random) -> Result<Secret, GithubError> {
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","typ":"JWT"}"#);
    let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims));
    // The crate `rsa` leaked through its timing up to 0.9 (RUSTSEC-2023-0071); 0.10 computes in constant time. With a
    // source of randomness it also blinds base, exponent and modulus, so that what is left to measure says nothing
    // about the key. Loom only ever signs with the key: the attack needs somebody who decrypts what others send.
    let signature = private_key(key)?
        .pkcs1v15_sign_with_rng::<Sha256, _>(&mut Blinding(random), signed.as_bytes())
        .map_err(|_| {
            GithubError::not_configured(
                "github_app_private_key cannot sign; generate a new private key in the App's settings",
            )
        })?;
    Ok(Secret::new(format!(
        "{signed}.{}",
        URL_SAFE_NO_PAD.encode(signature)
    )))
}

/// Reads a PEM of PKCS#1, which GitHub hands out, or PKCS#8. Line ends may be written as `\n`, because variables are
/// often given on one line.
fn private_key(key: &Secret) -> Result<PrivateKey, GithubError> {
    let pem = key.reveal().replace("\\n", "\n");
    let pem = pem.trim();
    let read = if pem.starts_with("-----BEGIN RSA PRIVATE KEY-----") {
        PrivateKey::from_pkcs1_pem(pem).ok()
    } else {
        PrivateKey::from_pkcs8_pem(pem).ok()
    };
    // The reason of the failure is left out: it might quote the key.
    read.ok_or_else(|| {
        GithubError::not_configured(
            "github_app_private_key is no RSA private key in PEM form (BEGIN RSA PRIVATE KEY or BEGIN PRIVATE KEY); \
             set it to the content of the file that the App's settings offer",
        )
    })
}

/// The platform's randomness as the crate `rsa` wants it.
struct Blinding<'a, R>(&'a R);

impl<R: Random> TryRng for Blinding<'_, R> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_le_bytes(self.0.bytes()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_le_bytes(self.0.bytes()))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill(bytes);
        Ok(())
    }
}

impl<R: Random> TryCryptoRng for Blinding<'_, R> {}
