//! What protects a branch.

use loom_platform::Platform;
use serde::Deserialize;

use crate::{
    GithubError, Repository,
    actor::or_default,
    call::{Call, segment},
    error::optional,
};

/// The rules of a branch, as far as these credentials may know them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Protection {
    /// Whether anything protects it.
    pub protected: bool,
    /// The names of the checks that must succeed before a merge.
    pub required_checks: Vec<String>,
    /// How many approving reviews a merge needs; `None` if none are required or it could not be read.
    pub required_approvals: Option<u32>,
    /// Whether the details could be read: only administrators may. Otherwise `required_approvals` says nothing.
    pub details_known: bool,
}

#[derive(Deserialize)]
struct Branch {
    #[serde(default)]
    protected: bool,
    #[serde(default, deserialize_with = "or_default")]
    protection: Summary,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Summary {
    required_status_checks: Option<RequiredChecks>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RequiredChecks {
    contexts: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Details {
    required_status_checks: Option<RequiredChecks>,
    required_pull_request_reviews: Option<RequiredReviews>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RequiredReviews {
    required_approving_review_count: Option<u32>,
}

impl<P: Platform> Repository<P> {
    /// What protects `branch`; `None` if there is no such branch. Asked for conditionally.
    pub async fn branch_protection(&self, branch: &str) -> Result<Option<Protection>, GithubError> {
        let place = self.at(&format!("/branches/{}", segment(branch)));
        let Some(known) = optional(self.get::<Branch>(Call::get(&place).conditional()).await)?
        else {
            return Ok(None);
        };
        let checks = |required: Option<RequiredChecks>| {
            required.map(|checks| checks.contexts).unwrap_or_default()
        };
        let mut protection = Protection {
            protected: known.protected,
            required_checks: checks(known.protection.required_status_checks),
            required_approvals: None,
            details_known: !known.protected,
        };
        if !protection.protected {
            return Ok(Some(protection));
        }
        let details = Call::get(format!("{place}/protection")).conditional();
        match self.get::<Details>(details).await {
            Ok(details) => {
                protection.details_known = true;
                protection.required_approvals = details
                    .required_pull_request_reviews
                    .and_then(|reviews| reviews.required_approving_review_count);
                if let Some(required) = details.required_status_checks {
                    protection.required_checks = required.contexts;
                }
            }
            // A 404 is also what a branch says that only a ruleset protects.
            Err(GithubError::Forbidden { .. } | GithubError::NotFound { .. }) => {}
            Err(error) => return Err(error),
        }
        Ok(Some(protection))
    }
}
