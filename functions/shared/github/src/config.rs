//! Where GitHub is and who Loom is there, from the function's variables.

use http::Uri;
use loom_platform::Variables;

use crate::{GithubError, secret::Secret};

const DEFAULT_URL: &str = "https://api.github.com";

pub(crate) struct Config {
    /// Scheme, host and port.
    pub(crate) origin: String,
    /// What precedes every path; empty or like `/api/v3`.
    pub(crate) api_path: String,
    pub(crate) access: Access,
}

/// Who Loom is.
pub(crate) enum Access {
    /// A personal access token, or any other that never changes.
    Token(Secret),
    /// A GitHub App, which gets a token for each installation.
    App { id: String, key: Secret },
}

impl Config {
    pub(crate) async fn load(variables: &impl Variables) -> Result<Self, GithubError> {
        let url = get(variables, "github_url").await?;
        let origin = origin(url.as_deref().unwrap_or(DEFAULT_URL)).ok_or_else(|| {
            GithubError::not_configured(
                "github_url must be scheme, host and port only, such as https://api.github.com; \
                 what follows the host belongs into github_api_path",
            )
        })?;
        let api_path = get(variables, "github_api_path").await?.unwrap_or_default();
        Ok(Self {
            origin,
            api_path: api_path_of(&api_path)?,
            access: access(variables).await?,
        })
    }
}

async fn access(variables: &impl Variables) -> Result<Access, GithubError> {
    let id = get(variables, "github_app_id").await?;
    let key = get(variables, "github_app_private_key").await?;
    match (id, key) {
        (Some(id), Some(key)) => Ok(Access::App {
            id,
            key: Secret::new(key),
        }),
        (Some(_), None) => Err(GithubError::not_configured(
            "github_app_id is set but github_app_private_key is not; set the App's private key in PEM form",
        )),
        (None, Some(_)) => Err(GithubError::not_configured(
            "github_app_private_key is set but github_app_id is not; set the App's id or client id",
        )),
        (None, None) => match get(variables, "github_token").await? {
            Some(token) => Ok(Access::Token(Secret::new(token))),
            None => Err(GithubError::not_configured(
                "set github_token, or github_app_id and github_app_private_key (as SPIN_VARIABLE_GITHUB_TOKEN and \
                 so on)",
            )),
        },
    }
}

async fn get(variables: &impl Variables, name: &str) -> Result<Option<String>, GithubError> {
    let value = variables
        .get_optional(name)
        .await
        .map_err(|error| GithubError::not_configured(error.to_string()))?;
    Ok(value
        .map(|value| value.trim().to_owned())
        .filter(|value| !value.is_empty()))
}

/// The URL without a final slash, if it is nothing but an origin.
fn origin(url: &str) -> Option<String> {
    let trimmed = url.trim_end_matches('/');
    let uri: Uri = trimmed.parse().ok()?;
    let authority = uri.authority()?;
    let plain = matches!(uri.scheme_str(), Some("http" | "https"))
        && !authority.host().is_empty()
        && !authority.as_str().contains('@')
        && matches!(uri.path(), "" | "/")
        && uri.query().is_none();
    plain.then(|| trimmed.to_owned())
}

fn api_path_of(text: &str) -> Result<String, GithubError> {
    let trimmed = text.trim_matches('/');
    let usable = trimmed.split('/').all(|part| {
        part.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    });
    match (trimmed.is_empty(), usable) {
        (true, _) => Ok(String::new()),
        (false, true) => Ok(format!("/{trimmed}")),
        (false, false) => Err(GithubError::not_configured(
            "github_api_path must be a plain path such as /api/v3, or empty",
        )),
    }
}
