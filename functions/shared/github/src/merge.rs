use loom_domain::github::MergeMethod;
use loom_platform::Platform;
use serde::Deserialize;
use serde_json::json;

use crate::{GithubError, PullRequest, Repository, call::Call};

/// A merge to make.
#[derive(Debug, Clone, Copy)]
pub struct Merge<'a> {
    /// The commit that the head must still point to.
    pub sha: &'a str,
    /// How.
    pub method: MergeMethod,
    /// The title of the commit; a rebase has none.
    pub title: &'a str,
    /// Its message below the title.
    pub message: &'a str,
}

/// A pull request that is merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// The commit on the base branch; empty if GitHub does not say.
    pub sha: String,
    /// Whether it was merged before.
    pub before: bool,
}

#[derive(Deserialize)]
struct Wire {
    #[serde(default)]
    sha: Option<String>,
}

impl<P: Platform> Repository<P> {
    /// Merges a pull request if its head is still `merge.sha`.
    ///
    /// Idempotent: one that was merged with that head is success. Whenever GitHub refuses or its answer is lost, it
    /// looks. A head that moved, missing approvals or checks and conflicts are [`GithubError::Conflict`].
    pub async fn merge_pull(&self, number: i64, merge: &Merge<'_>) -> Result<Merged, GithubError> {
        let mut body = json!({"sha": merge.sha, "merge_method": merge.method});
        if let (false, Some(body)) = (merge.method == MergeMethod::Rebase, body.as_object_mut()) {
            body.insert(String::from("commit_title"), merge.title.into());
            body.insert(String::from("commit_message"), merge.message.into());
        }
        let call = Call::put(self.at(&format!("/pulls/{number}/merge")), &body);
        let error = match self.send(call).await {
            Ok(answer) => {
                return Ok(Merged {
                    sha: answer.json::<Wire>()?.sha.unwrap_or_default(),
                    before: false,
                });
            }
            Err(error) => error,
        };
        if !error.may_have_acted() && !matches!(error, GithubError::Conflict { .. }) {
            return Err(error);
        }
        let pull: PullRequest = self.get_pull(number).await?;
        if pull.is_merged() && pull.head.sha == merge.sha {
            return Ok(Merged {
                sha: pull.merge_commit_sha.unwrap_or_default(),
                before: true,
            });
        }
        Err(error)
    }
}
