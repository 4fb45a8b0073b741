use loom_domain::time::Timestamp;
use loom_platform::Platform;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    Actor, ChangedFile, GithubError, Listed, Repository,
    actor::{moment, or_default},
    call::Call,
    issues::label_names,
};

/// Whether an issue or pull request is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It is.
    Open,
    /// It is not; a merged pull request is closed too.
    Closed,
}

/// One side of a pull request.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PullSide {
    /// The branch, without `refs/heads/`.
    #[serde(rename = "ref")]
    pub branch: String,
    /// The commit that it points to.
    pub sha: String,
    /// The repository; `None` if it is gone.
    #[serde(default)]
    repo: Option<Name>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Name {
    full_name: String,
}

impl PullSide {
    /// `owner/name` of the repository that the branch is in; `None` if it is gone.
    pub fn repository(&self) -> Option<&str> {
        self.repo.as_ref().map(|repo| repo.full_name.as_str())
    }
}

/// A pull request.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PullRequest {
    /// Its number.
    pub number: i64,
    /// Whether it is open.
    pub state: State,
    /// Its title.
    pub title: String,
    /// Its text; empty if it has none.
    #[serde(default, deserialize_with = "or_default")]
    pub body: String,
    /// Whether it is a draft.
    #[serde(default, deserialize_with = "or_default")]
    pub draft: bool,
    /// When it was merged.
    #[serde(default, deserialize_with = "moment")]
    pub merged_at: Option<Timestamp>,
    /// The commit that it was merged as, or that GitHub tries the merge with.
    #[serde(default)]
    pub merge_commit_sha: Option<String>,
    /// Whether it could be merged without conflicts; `None` while GitHub finds out, and in lists.
    #[serde(default)]
    pub mergeable: Option<bool>,
    /// GitHub's word for why it can or cannot be merged: `clean`, `dirty`, `blocked`, `behind`, `unstable`, `draft`,
    /// `has_hooks`, `unknown`; empty in lists.
    #[serde(default, deserialize_with = "or_default")]
    pub mergeable_state: String,
    /// What is to be merged.
    pub head: PullSide,
    /// Into what.
    pub base: PullSide,
    /// Who opened it.
    #[serde(rename = "user", default, deserialize_with = "or_default")]
    pub author: Actor,
    /// Who is asked for a review and has not given one yet.
    #[serde(default)]
    pub requested_reviewers: Vec<Actor>,
    /// The names of its labels.
    #[serde(default, deserialize_with = "label_names")]
    pub labels: Vec<String>,
    /// Its page.
    pub html_url: String,
    /// When anything about it last changed.
    #[serde(default, deserialize_with = "moment")]
    pub updated_at: Option<Timestamp>,
}

impl PullRequest {
    /// Whether it was merged.
    pub fn is_merged(&self) -> bool {
        self.merged_at.is_some()
    }
}

/// A pull request to open.
#[derive(Debug, Clone, Copy)]
pub struct NewPull<'a> {
    /// The title.
    pub title: &'a str,
    /// The text, in Markdown.
    pub body: &'a str,
    /// The branch to merge, in this repository.
    pub head: &'a str,
    /// The branch to merge into.
    pub base: &'a str,
    /// Whether it is a draft.
    pub draft: bool,
}

/// What to change about a pull request; `None` leaves a field as it is.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct PullChange<'a> {
    /// The title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<&'a str>,
    /// The text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<&'a str>,
    /// Whether it is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
    /// The branch to merge into.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<&'a str>,
}

impl<P: Platform> Repository<P> {
    /// Opens a pull request.
    ///
    /// Idempotent: one that is open for the same branches is returned as it is, without a change of title or text. Looks
    /// before it creates, again when GitHub says that there is one, and again after a lost answer.
    pub async fn create_pull(&self, pull: &NewPull<'_>) -> Result<PullRequest, GithubError> {
        if let Some(found) = self.find_open_by_head(pull.head, Some(pull.base)).await? {
            return Ok(found);
        }
        let body = json!({
            "title": pull.title,
            "body": pull.body,
            "head": pull.head,
            "base": pull.base,
            "draft": pull.draft,
        });
        let error = match self.send(Call::post(self.at("/pulls"), &body)).await {
            Ok(answer) => return answer.json(),
            Err(error) => error,
        };
        if error.may_have_acted() || error.says("already exists") {
            let found = self.find_open_by_head(pull.head, Some(pull.base)).await?;
            return found.ok_or(error);
        }
        Err(error)
    }

    /// The open pull request of the branch `head` of this repository (into `base`, if one is given). Asked for
    /// conditionally.
    pub async fn find_open_by_head(
        &self,
        head: &str,
        base: Option<&str>,
    ) -> Result<Option<PullRequest>, GithubError> {
        let mut call = Call::get(self.at("/pulls"))
            .query("state", "open")
            .query("head", &format!("{}:{head}", self.owner()));
        if let Some(base) = base {
            call = call.query("base", base);
        }
        let listed = self.list::<PullRequest>(call.conditional(), 1).await?;
        // GitHub ignores a filter that it does not understand.
        Ok(listed.items.into_iter().find(|pull| {
            pull.head.branch == head && base.is_none_or(|base| pull.base.branch == base)
        }))
    }

    /// The latest pull request of the branch `head` of this repository, open or not. Asked for conditionally.
    pub async fn find_latest_by_head(
        &self,
        head: &str,
    ) -> Result<Option<PullRequest>, GithubError> {
        let call = Call::get(self.at("/pulls"))
            .query("state", "all")
            .query("head", &format!("{}:{head}", self.owner()))
            .query("sort", "created")
            .query("direction", "desc");
        let listed = self.list::<PullRequest>(call.conditional(), 1).await?;
        // A fork's branch may have the same name, and GitHub ignores a filter that it does not understand.
        let full_name = self.full_name();
        Ok(listed
            .items
            .into_iter()
            .filter(|pull| pull.head.branch == head)
            .filter(|pull| {
                let repository = pull.head.repository();
                repository.is_none_or(|name| name.eq_ignore_ascii_case(&full_name))
            })
            .max_by_key(|pull| pull.number))
    }

    /// The pull request with a number. Asked for conditionally.
    pub async fn get_pull(&self, number: i64) -> Result<PullRequest, GithubError> {
        self.get(Call::get(self.at(&format!("/pulls/{number}"))).conditional())
            .await
    }

    /// Changes a pull request. Idempotent: it sets values, so it is sent again after a lost answer.
    pub async fn update_pull(
        &self,
        number: i64,
        change: &PullChange<'_>,
    ) -> Result<PullRequest, GithubError> {
        let call = Call::patch(self.at(&format!("/pulls/{number}")), &json!(change)).repeatable();
        self.get(call).await
    }

    /// The files that a pull request changes, at most 3,000 (GitHub gives no more).
    pub async fn list_pull_files(&self, number: i64) -> Result<Listed<ChangedFile>, GithubError> {
        self.list(Call::get(self.at(&format!("/pulls/{number}/files"))), 30)
            .await
    }

    /// Asks people for a review of a pull request. Idempotent: asking twice asks once, so it is sent again after a lost
    /// answer. GitHub refuses the author and who may not read the repository with [`GithubError::Unprocessable`].
    pub async fn request_reviewers(
        &self,
        number: i64,
        logins: &[&str],
        teams: &[&str],
    ) -> Result<(), GithubError> {
        let target = self.at(&format!("/pulls/{number}/requested_reviewers"));
        let body = json!({"reviewers": logins, "team_reviewers": teams});
        self.send(Call::post(target, &body).repeatable()).await?;
        Ok(())
    }
}
