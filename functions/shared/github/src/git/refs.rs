use loom_platform::Platform;
use serde::Deserialize;
use serde_json::json;

use super::compare::ComparisonStatus;
use crate::{
    GithubError, Listed, Repository,
    call::{Call, path},
    error::optional,
};

/// A branch or tag and what it points to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitRef {
    /// The name without `refs/`: `heads/main`.
    pub name: String,
    /// The object: a commit's id, for an annotated tag the tag's.
    pub sha: String,
}

#[derive(Deserialize)]
struct Wire {
    #[serde(rename = "ref")]
    name: String,
    object: Object,
}

#[derive(Deserialize)]
struct Object {
    sha: String,
}

impl From<Wire> for GitRef {
    fn from(wire: Wire) -> Self {
        let name = wire.name.strip_prefix("refs/").unwrap_or(&wire.name);
        Self {
            name: name.to_owned(),
            sha: wire.object.sha,
        }
    }
}

impl<P: Platform> Repository<P> {
    /// The ref `name` (without `refs/`: `heads/main`), or `None` if there is none, be it because the repository is
    /// empty or because these credentials may not see it. Asked for conditionally.
    pub async fn get_ref(&self, name: &str) -> Result<Option<GitRef>, GithubError> {
        let call = Call::get(self.at(&format!("/git/ref/{}", path(name)))).conditional();
        match self.get::<Wire>(call).await {
            Err(error) if error.says("repository is empty") => Ok(None),
            outcome => Ok(optional(outcome)?.map(GitRef::from)),
        }
    }

    /// Makes the ref `name` point to `sha`.
    ///
    /// Idempotent: that it exists and points to `sha` is success, whoever made it. Where it points elsewhere, it fails
    /// with [`GithubError::Conflict`]. After a lost answer it looks.
    pub async fn create_ref(&self, name: &str, sha: &str) -> Result<GitRef, GithubError> {
        let body = json!({"ref": format!("refs/{name}"), "sha": sha});
        let error = match self.send(Call::post(self.at("/git/refs"), &body)).await {
            Ok(answer) => return Ok(answer.json::<Wire>()?.into()),
            Err(error) => error,
        };
        if !error.may_have_acted() && !error.says("already exists") {
            return Err(error);
        }
        match self.get_ref(name).await? {
            Some(found) if found.sha == sha => Ok(found),
            Some(found) => Err(GithubError::Conflict {
                what: format!("the creation of {name}"),
                message: format!("it exists and points to {}", found.sha),
            }),
            None => Err(error),
        }
    }

    /// Moves the ref `name` to `sha`, forward only. Returns where it points then.
    ///
    /// GitHub has no comparison with an old value, and needs none: without `force` it moves a ref only to a commit that
    /// descends from where it points. A commit made on the expected old value is refused once the ref has moved, with
    /// [`GithubError::Conflict`].
    ///
    /// Idempotent: a ref that points to `sha` or to a descendant of it has been moved, and somebody may have gone on
    /// from there; then the returned id is theirs. After a lost answer it looks.
    pub async fn update_ref(&self, name: &str, sha: &str) -> Result<GitRef, GithubError> {
        let target = self.at(&format!("/git/refs/{}", path(name)));
        let body = json!({"sha": sha, "force": false});
        let error = match self.send(Call::patch(target, &body)).await {
            Ok(answer) => return Ok(answer.json::<Wire>()?.into()),
            Err(error) => error,
        };
        if error.says("does not exist") {
            return Err(GithubError::NotFound {
                what: format!("the ref {name}"),
            });
        }
        let refused = error.says("fast forward") || error.says("fast-forward");
        if !error.may_have_acted() && !refused {
            return Err(error);
        }
        let Some(found) = self.get_ref(name).await? else {
            return Err(error);
        };
        if found.sha == sha || self.contains(&found.sha, sha).await? {
            return Ok(found);
        }
        Err(if refused {
            GithubError::Conflict {
                what: format!("the update of {name}"),
                message: format!(
                    "it points to {}, from which {sha} does not descend",
                    found.sha
                ),
            }
        } else {
            error
        })
    }

    /// Whether `ancestor` is in the history of `descendant`.
    async fn contains(&self, descendant: &str, ancestor: &str) -> Result<bool, GithubError> {
        let status = self.comparison_status(ancestor, descendant).await?;
        Ok(matches!(
            status,
            ComparisonStatus::Ahead | ComparisonStatus::Identical
        ))
    }

    /// Deletes the ref `name`; whether it was there. Idempotent: one that is gone is deleted, so it is sent again after
    /// a lost answer.
    pub async fn delete_ref(&self, name: &str) -> Result<bool, GithubError> {
        let call = Call::delete(self.at(&format!("/git/refs/{}", path(name)))).repeatable();
        match self.send(call).await {
            Ok(_) => Ok(true),
            Err(error) if error.is_not_found() || error.says("does not exist") => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The refs whose names begin with `prefix` (`heads/agent/`), at most 1,000. Asked for conditionally.
    pub async fn matching_refs(&self, prefix: &str) -> Result<Listed<GitRef>, GithubError> {
        let call =
            Call::get(self.at(&format!("/git/matching-refs/{}", path(prefix)))).conditional();
        let items = |page: Vec<Wire>| page.into_iter().map(GitRef::from).collect();
        match self.list_in(call, 10, items).await {
            Err(error) if error.says("repository is empty") => Ok(Listed {
                items: Vec::new(),
                complete: true,
            }),
            outcome => outcome,
        }
    }
}
