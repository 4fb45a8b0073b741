//! Who Loom is at GitHub: the bearer of a token, or an App with a token for each installation.

mod app;
mod installation;
mod token;

use loom_domain::time::Timestamp;
use loom_platform::{Clock, Platform};

use crate::{GitHub, GithubError, config::Access, exchange::Credentials, secret::Secret};
pub(crate) use token::{TokenKey, forget};

/// On whose behalf a call is made.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Who<'a> {
    /// The App itself; with a plain token, the token's owner.
    Itself,
    /// The installation of the App on a repository; with a plain token, the token's owner.
    Repository {
        owner: &'a str,
        name: &'a str,
        installation: Option<i64>,
    },
}

/// The App's own identity.
#[derive(Clone, Copy)]
pub(crate) struct App<'a> {
    id: &'a str,
    key: &'a Secret,
}

/// Credentials for one call, and where they were kept if GitHub might have revoked them since.
pub(crate) struct Authorised {
    pub(crate) credentials: Credentials,
    pub(crate) kept: Option<TokenKey>,
}

impl<P: Platform> GitHub<P> {
    /// Credentials for a call of `who`.
    pub(crate) async fn authorise(&self, who: Who<'_>) -> Result<Authorised, GithubError> {
        match (&self.config().access, who) {
            (Access::Token(token), _) => Ok(Authorised {
                credentials: Credentials::bearer(token),
                kept: None,
            }),
            (Access::App { id, key }, Who::Itself) => Ok(Authorised {
                credentials: self.app_credentials(App { id, key })?,
                kept: None,
            }),
            (
                Access::App { id, key },
                Who::Repository {
                    owner,
                    name,
                    installation,
                },
            ) => {
                self.installation_token(App { id, key }, owner, name, installation)
                    .await
            }
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp(self.platform().clock().now())
    }
}
