use std::{fmt, sync::Arc};

use loom_domain::github::web_host;
use loom_platform::Platform;

use crate::{
    GithubError, Repository,
    config::{Access, Config},
};

/// GitHub, as the function's variables say where it is and who Loom is there. A clone is another handle.
///
/// The client never sleeps: a call that has to wait fails with [`GithubError::RateLimited`], and the run waits on a
/// timer.
pub struct GitHub<P: Platform> {
    platform: P,
    config: Arc<Config>,
}

impl<P: Platform> GitHub<P> {
    /// Reads the variables `github_url` (default `https://api.github.com`), `github_api_path` (default empty;
    /// `/api/v3` on GitHub Enterprise Server), and either `github_app_id` with `github_app_private_key`, or
    /// `github_token`; with both, the App is used. Sends nothing.
    ///
    /// Fails with [`GithubError::NotConfigured`], which names the variables to set.
    pub async fn load(platform: &P) -> Result<Self, GithubError> {
        Ok(Self {
            platform: platform.clone(),
            config: Arc::new(Config::load(platform.variables()).await?),
        })
    }

    /// A repository. `installation_id` is the App's installation there, if it is known: else it is looked up once.
    /// With a plain token it has no meaning.
    pub fn repository(
        &self,
        owner: &str,
        name: &str,
        installation_id: Option<i64>,
    ) -> Repository<P> {
        Repository::new(self.clone(), owner, name, installation_id)
    }

    /// The repository that a project's `git_repo` names.
    ///
    /// Fails with [`GithubError::NotConfigured`] if it is not on the GitHub that is configured: the same owner and name
    /// there would be something else.
    pub fn repository_of(
        &self,
        repository: &loom_domain::github::Repository,
        installation_id: Option<i64>,
    ) -> Result<Repository<P>, GithubError> {
        let host = web_host(&self.config.origin);
        if !host.eq_ignore_ascii_case(&repository.host) {
            return Err(GithubError::not_configured(format!(
                "{} is on {}, and github_url says that Loom works with {host}; set github_url to the API of {}",
                repository.full_name(),
                repository.host,
                repository.host
            )));
        }
        Ok(self.repository(&repository.owner, &repository.name, installation_id))
    }

    /// Scheme, host and port of the API.
    pub fn api_url(&self) -> &str {
        &self.config.origin
    }

    /// Whether Loom acts as a GitHub App. GitHub then signs the commits that name no author.
    pub fn is_app(&self) -> bool {
        matches!(self.config.access, Access::App { .. })
    }

    /// A label of whose credentials are used, which is no secret itself.
    pub(crate) fn identity(&self) -> String {
        match &self.config.access {
            Access::Token(token) => format!("token {}", token.fingerprint()),
            Access::App { id, .. } => format!("app {id}"),
        }
    }

    pub(crate) fn platform(&self) -> &P {
        &self.platform
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// The API's root.
    pub(crate) fn root(&self) -> String {
        format!("{}{}", self.config.origin, self.config.api_path)
    }
}

impl<P: Platform> Clone for GitHub<P> {
    fn clone(&self) -> Self {
        Self {
            platform: self.platform.clone(),
            config: Arc::clone(&self.config),
        }
    }
}

impl<P: Platform> fmt::Debug for GitHub<P> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("GitHub")
            .field("root", &self.root())
            .field("is_app", &self.is_app())
            .finish_non_exhaustive()
    }
}
