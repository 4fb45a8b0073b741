//! What must be asked of GitHub before a delivery is handled.

use std::collections::BTreeSet;

use loom_domain::{
    github::{Repository, intent::Intent},
    project::Project,
};
use loom_github::{GitHub, GithubError};
use loom_platform::{KeyValue, Platform};

/// The key of the key-value store under which Loom's own login at GitHub is kept.
const OWN_LOGIN: &str = "github:own-login";

/// The login under which Loom acts at GitHub; `None` where it has no access there, and so never acts.
///
/// Once it is known, it is known also while GitHub does not answer: what Loom did itself starts nothing (invariant I8).
pub(crate) async fn own_login<P: Platform>(platform: &P) -> Result<Option<String>, GithubError> {
    let viewer = match GitHub::load(platform).await {
        Ok(github) => github.viewer().await,
        Err(error) => Err(error),
    };
    let error = match viewer {
        Ok(viewer) => {
            let kept = platform.key_value().get(OWN_LOGIN).await;
            if !matches!(kept, Ok(Some(kept)) if kept == viewer.login.as_bytes()) {
                let login = viewer.login.as_bytes();
                // Kept for worse times only.
                let _ = platform.key_value().set(OWN_LOGIN, login).await;
            }
            return Ok(Some(viewer.login));
        }
        Err(error) => error,
    };
    let kept = platform.key_value().get(OWN_LOGIN).await;
    match kept {
        Ok(Some(login)) => Ok(String::from_utf8(login).ok()),
        _ if matches!(error, GithubError::NotConfigured { .. }) => Ok(None),
        _ => Err(error),
    }
}

/// Those whose permission the intents need and who have it. Where Loom has no access to GitHub, nobody has.
pub(crate) async fn writers<P: Platform>(
    platform: &P,
    project: &Project,
    installation: Option<i64>,
    intents: &[Intent],
) -> Result<BTreeSet<String>, GithubError> {
    let needs: BTreeSet<_> = intents
        .iter()
        .filter_map(Intent::needs_permission)
        .collect();
    let mut writers = BTreeSet::new();
    let Some(repository) = Repository::parse(&project.git_repo).filter(|_| !needs.is_empty())
    else {
        return Ok(writers);
    };
    let github = match GitHub::load(platform).await {
        Ok(github) => github,
        Err(GithubError::NotConfigured { .. }) => return Ok(writers),
        Err(error) => return Err(error),
    };
    let repository = github.repository(&repository.owner, &repository.name, installation);
    for need in needs {
        if repository.permission(&need.login).await?.can_write() {
            writers.insert(need.login);
        }
    }
    Ok(writers)
}
