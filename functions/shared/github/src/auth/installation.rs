//! From an App to a token for the installation that covers a repository.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use loom_platform::Platform;
use serde::Deserialize;
use serde_json::json;

use super::{
    App, Authorised,
    token::{self, TokenKey},
};
use crate::{
    GitHub, GithubError,
    actor::moment,
    answer,
    call::{Call, segment},
    exchange::Credentials,
    secret::Secret,
};

/// Ids of installations by API, App and `owner/name`: looked up once.
static INSTALLATIONS: Mutex<BTreeMap<String, i64>> = Mutex::new(BTreeMap::new());
const MOST: usize = 10_000;

#[derive(Deserialize)]
struct Installation {
    id: i64,
}

#[derive(Deserialize)]
struct Issued {
    token: String,
    #[serde(default, deserialize_with = "moment")]
    expires_at: Option<loom_domain::time::Timestamp>,
}

impl<P: Platform> GitHub<P> {
    /// A token of the installation on `owner/name`; which one that is, is looked up where nobody says it, and again
    /// where it is no longer true (an App that was removed and installed again has a new installation).
    pub(super) async fn installation_token(
        &self,
        app: App<'_>,
        owner: &str,
        name: &str,
        given: Option<i64>,
    ) -> Result<Authorised, GithubError> {
        let place = format!("{}\n{}\n{owner}/{name}", self.root(), app.id).to_ascii_lowercase();
        let known = installations(|known| known.get(&place).copied()).or(given);
        if let Some(installation) = known {
            match self.token_of(app, installation).await {
                Err(GithubError::NotFound { .. }) => {}
                outcome => return outcome,
            }
        }
        let found = self.find_installation(app, owner, name).await?;
        installations(|known| {
            if known.len() >= MOST {
                known.clear();
            }
            known.insert(place, found);
        });
        self.token_of(app, found)
            .await
            .map_err(|error| not_installed(error, owner, name))
    }

    async fn find_installation(
        &self,
        app: App<'_>,
        owner: &str,
        name: &str,
    ) -> Result<i64, GithubError> {
        let call = Call::get(format!(
            "/repos/{}/{}/installation",
            segment(owner),
            segment(name)
        ));
        let answer = self
            .ask_as_app(app, &call)
            .await
            .map_err(|error| not_installed(error, owner, name))?;
        Ok(answer.json::<Installation>()?.id)
    }

    async fn token_of(&self, app: App<'_>, installation: i64) -> Result<Authorised, GithubError> {
        let key = TokenKey {
            api: self.root(),
            app: app.id.to_owned(),
            installation,
        };
        if let Some(secret) = token::kept(&key, self.now()) {
            return Ok(Authorised {
                credentials: Credentials::bearer(&secret),
                kept: Some(key),
            });
        }
        // A second token does no harm, so a lost answer is no trouble.
        let call = Call::post(
            format!("/app/installations/{installation}/access_tokens"),
            &json!({}),
        )
        .repeatable();
        let issued: Issued = self.ask_as_app(app, &call).await?.json()?;
        let secret = Secret::new(issued.token);
        let now = self.now();
        if let Some(expires) = issued.expires_at {
            token::keep(key, secret.clone(), expires, now);
        }
        Ok(Authorised {
            credentials: Credentials::bearer(&secret),
            kept: None,
        })
    }

    async fn ask_as_app(&self, app: App<'_>, call: &Call) -> Result<answer::Answer, GithubError> {
        let credentials = self.app_credentials(app)?;
        let answer = self.attempt(call, &credentials, None).await?;
        if answer.status.is_success() {
            Ok(answer)
        } else {
            Err(answer::failure(call, &answer, self.now()))
        }
    }
}

/// A 404 here must not look like "there is no such branch" to a caller to whom that is an answer.
fn not_installed(error: GithubError, owner: &str, name: &str) -> GithubError {
    if error.is_not_found() {
        GithubError::not_configured(format!(
            "the GitHub App is not installed on {owner}/{name}; install it there, or correct the project's git_repo"
        ))
    } else {
        error
    }
}

fn installations<T>(operation: impl FnOnce(&mut BTreeMap<String, i64>) -> T) -> T {
    operation(&mut INSTALLATIONS.lock().unwrap_or_else(PoisonError::into_inner))
}
