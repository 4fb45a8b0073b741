use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, StatusCode};
use loom_api::Error;
use loom_domain::delivery::signature;
use loom_platform::{Platform, Variables};
use sha2::Sha256;

const SIGNATURE: &str = "x-hub-signature-256";
/// How many secrets are tried: each costs a pass over the body.
const MOST: usize = 4;

/// What GitHub and Loom both know: several while one replaces another.
pub(crate) struct Secrets(Vec<String>);

impl Secrets {
    /// Those of the variable `github_webhook_secrets`; 503 `webhook_not_configured` when there is none.
    pub(crate) async fn load<P: Platform>(platform: &P) -> Result<Self, Error> {
        let secrets = configured(platform).await?;
        if secrets.is_empty() {
            return Err(Error::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "webhook_not_configured",
                "No webhook is accepted before github_webhook_secrets is set, because nothing would prove that it \
                 comes from GitHub. Set SPIN_VARIABLE_GITHUB_WEBHOOK_SECRETS to the secret that GitHub's settings of the \
                 webhook hold.",
            ));
        }
        Ok(Self(secrets))
    }

    /// Checks the signature over the body as it came, in constant time: 401 when it is missing or no secret made it.
    pub(crate) fn verify(&self, headers: &HeaderMap, body: &[u8]) -> Result<(), Error> {
        let given = headers.get(SIGNATURE).ok_or_else(|| {
            let message = "The header X-Hub-Signature-256 is missing. Set the secret in GitHub's settings of the webhook.";
            unauthorised("signature_missing", message)
        })?;
        let given = given.to_str().ok().and_then(signature).unwrap_or_default();
        // No early end: how long it takes tells nothing about which secret it was.
        let fits = self.0.iter().filter(|secret| signs(secret, body, &given));
        if fits.count() > 0 {
            return Ok(());
        }
        let message = "The signature is not one of this body under any secret that Loom has. Compare the secret in GitHub's \
             settings of the webhook with github_webhook_secrets.";
        Err(unauthorised("signature_invalid", message))
    }
}

/// Whether there is a secret.
pub(crate) async fn is_configured<P: Platform>(platform: &P) -> Result<bool, Error> {
    Ok(!configured(platform).await?.is_empty())
}

async fn configured<P: Platform>(platform: &P) -> Result<Vec<String>, Error> {
    let text = platform
        .variables()
        .get_optional("github_webhook_secrets")
        .await?
        .unwrap_or_default();
    let secrets = text.split(',').map(str::trim);
    let secrets = secrets.filter(|secret| !secret.is_empty()).take(MOST);
    Ok(secrets.map(str::to_owned).collect())
}

fn signs(secret: &str, body: &[u8], signature: &[u8; 32]) -> bool {
    Hmac::<Sha256>::new_from_slice(secret.as_bytes())
        .is_ok_and(|mac| mac.chain_update(body).verify_slice(signature).is_ok())
}

/// 401, but not the kind that asks for a login.
fn unauthorised(code: &'static str, message: &str) -> Error {
    Error::new(StatusCode::UNAUTHORIZED, code, message)
}
