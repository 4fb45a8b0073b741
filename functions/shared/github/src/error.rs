use std::time::Duration;

use loom_domain::time::Timestamp;
use thiserror::Error;

/// Which of GitHub's limits was hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RateScope {
    /// The requests of an hour are used up (5,000 for a token, more for an installation).
    Primary,
    /// Too many at once, or too much content created in a minute. GitHub may block who goes on.
    Secondary,
}

/// What GitHub found wrong with one part of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The kind of thing, such as `PullRequest`; may be empty.
    pub resource: String,
    /// The field; may be empty.
    pub field: String,
    /// GitHub's code, such as `already_exists`, `invalid`, `missing_field` or `custom`; may be empty.
    pub code: String,
    /// GitHub's sentence; may be empty.
    pub message: String,
}

/// Why a call did not do what it was for.
///
/// Texts that come from GitHub are shortened; no variant ever contains a token or key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum GithubError {
    /// No usable access to GitHub is configured. Nothing was sent.
    #[error("GitHub is not configured: {problem}")]
    NotConfigured {
        /// What is missing or wrong, and which variable to set.
        problem: String,
    },
    /// GitHub does not accept the credentials (401).
    #[error(
        "GitHub does not accept the credentials ({message}): check github_token, or github_app_id and \
         github_app_private_key, and the clock of this machine"
    )]
    Unauthorized {
        /// GitHub's message.
        message: String,
    },
    /// The credentials are good but not sufficient (403).
    #[error("GitHub refuses {what}: {message}")]
    Forbidden {
        /// Method and path.
        what: String,
        /// GitHub's message, with the permissions that it says would do.
        message: String,
    },
    /// What was named does not exist, or these credentials may not know that it does (404, 410, 451).
    #[error("GitHub knows nothing at {what}, or these credentials may not see it")]
    NotFound {
        /// Method and path.
        what: String,
    },
    /// The state does not allow it now: a ref moved, a pull request cannot be merged (409, 405, some 422).
    #[error("GitHub cannot do {what} in the present state: {message}")]
    Conflict {
        /// Method and path.
        what: String,
        /// GitHub's message.
        message: String,
    },
    /// GitHub finds the request wrong (400, 422).
    #[error("GitHub cannot process {what}: {message}{}", listed(.errors))]
    Unprocessable {
        /// Method and path.
        what: String,
        /// GitHub's message.
        message: String,
        /// What is wrong in particular; may be empty.
        errors: Vec<FieldError>,
    },
    /// A rate limit is used up. Nothing was done; wait until then, do not try before.
    #[error("GitHub's {} is used up until {}", scope_name(.scope), .until.to_rfc3339())]
    RateLimited {
        /// When to go on.
        until: Timestamp,
        /// Which limit.
        scope: RateScope,
    },
    /// The answer, or what was to be sent, exceeds a limit.
    #[error("{what} is larger than {limit} bytes or items")]
    TooLarge {
        /// What.
        what: String,
        /// The limit.
        limit: u64,
    },
    /// No answer, or one that says GitHub itself failed (5xx).
    #[error("GitHub did not answer {what}: {detail}")]
    Unavailable {
        /// Method and path.
        what: String,
        /// Why.
        detail: String,
        /// Whether the request may have taken effect all the same. True only for writes: look before trying again.
        may_have_acted: bool,
    },
    /// An answer that this client does not understand.
    #[error("GitHub's answer to {what} could not be understood: {detail}")]
    Unreadable {
        /// Method and path.
        what: String,
        /// Why.
        detail: String,
    },
}

impl GithubError {
    /// A stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotConfigured { .. } => "github_not_configured",
            Self::Unauthorized { .. } => "github_unauthorized",
            Self::Forbidden { .. } => "github_forbidden",
            Self::NotFound { .. } => "github_not_found",
            Self::Conflict { .. } => "github_conflict",
            Self::Unprocessable { .. } => "github_unprocessable",
            Self::RateLimited { .. } => "github_rate_limited",
            Self::TooLarge { .. } => "github_too_large",
            Self::Unavailable { .. } => "github_unavailable",
            Self::Unreadable { .. } => "github_unreadable",
        }
    }

    /// Whether the same call may succeed later without anybody changing anything.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::RateLimited { .. } | Self::Unavailable { .. })
    }

    /// When to call again, if GitHub said so. A retryable error without it is for the caller's own back-off.
    pub fn retry_at(&self) -> Option<Timestamp> {
        match self {
            Self::RateLimited { until, .. } => Some(*until),
            _ => None,
        }
    }

    /// Whether it is a 404: for callers to whom "does not exist" is an answer.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }

    /// Whether a write may have taken effect though no answer arrived.
    pub fn may_have_acted(&self) -> bool {
        matches!(
            self,
            Self::Unavailable {
                may_have_acted: true,
                ..
            }
        )
    }

    /// Whether GitHub says that what was to be created exists.
    pub(crate) fn says(&self, text: &str) -> bool {
        let text = text.to_ascii_lowercase();
        match self {
            Self::Unprocessable {
                message, errors, ..
            } => {
                message.to_ascii_lowercase().contains(&text)
                    || errors
                        .iter()
                        .any(|error| error.message.to_ascii_lowercase().contains(&text))
            }
            Self::Conflict { message, .. } => message.to_ascii_lowercase().contains(&text),
            _ => false,
        }
    }

    pub(crate) fn not_configured(problem: impl Into<String>) -> Self {
        Self::NotConfigured {
            problem: problem.into(),
        }
    }

    pub(crate) fn unreadable(what: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Unreadable {
            what: what.into(),
            detail: shorten(&detail.into()),
        }
    }

    pub(crate) fn timed_out(what: &str, limit: Duration, may_have_acted: bool) -> Self {
        Self::Unavailable {
            what: what.to_owned(),
            detail: format!("no answer within {} s", limit.as_secs()),
            may_have_acted,
        }
    }
}

/// Turns "does not exist" into `None`.
pub(crate) fn optional<T>(outcome: Result<T, GithubError>) -> Result<Option<T>, GithubError> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// The longest foreign text that an error carries, in characters.
const LONGEST_TEXT: usize = 500;

/// One line of at most [`LONGEST_TEXT`] characters.
pub(crate) fn shorten(text: &str) -> String {
    let mut short = String::new();
    for word in text.split_whitespace() {
        if !short.is_empty() {
            short.push(' ');
        }
        short.push_str(word);
        if let Some((end, _)) = short.char_indices().nth(LONGEST_TEXT) {
            short.truncate(end);
            short.push('…');
            break;
        }
    }
    short
}

fn scope_name(scope: &RateScope) -> &'static str {
    match scope {
        RateScope::Primary => "hourly rate limit",
        RateScope::Secondary => "secondary rate limit",
    }
}

fn listed(errors: &[FieldError]) -> String {
    let mut text = String::new();
    for error in errors.iter().take(5) {
        text.push_str("; ");
        let parts = [
            error.resource.as_str(),
            error.field.as_str(),
            error.code.as_str(),
            error.message.as_str(),
        ];
        let full: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        text.push_str(&full.join(" "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::shorten;

    #[test]
    fn foreign_text_becomes_one_short_line() {
        assert_eq!(shorten(" a\n\tb  c "), "a b c");
        let long = shorten(&"é".repeat(2_000));
        assert_eq!(long.chars().count(), 501);
        assert!(long.ends_with('…'));
    }
}
