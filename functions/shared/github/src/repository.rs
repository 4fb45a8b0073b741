use std::fmt;

use loom_platform::Platform;
use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    GitHub, GithubError, Listed,
    answer::Answer,
    auth::Who,
    call::{Call, segment},
};

/// One repository at GitHub. A clone is another handle.
///
/// Every method makes at least one call, with a time limit of 10 s for a read and 30 s for a write. A read is repeated
/// once when GitHub does not answer or fails; a write only where that is harmless, as each method says.
pub struct Repository<P: Platform> {
    github: GitHub<P>,
    owner: String,
    name: String,
    installation: Option<i64>,
}

/// What the credentials may do in a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Permissions {
    /// Read.
    pub pull: bool,
    /// Manage issues and pull requests without writing.
    pub triage: bool,
    /// Write.
    pub push: bool,
    /// Manage the repository without dangerous actions.
    pub maintain: bool,
    /// Everything.
    pub admin: bool,
}

/// What GitHub says about a repository.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RepositoryInfo {
    /// GitHub's id, which survives renames.
    pub id: i64,
    /// `owner/name` as it is now.
    pub full_name: String,
    /// The branch that pull requests go to.
    pub default_branch: String,
    /// Whether only members see it.
    #[serde(default)]
    pub private: bool,
    /// Whether it is read-only.
    #[serde(default)]
    pub archived: bool,
    /// Its page.
    pub html_url: String,
    /// What the credentials may do; `None` if GitHub does not say (for an App, see the installation's permissions).
    #[serde(default)]
    pub permissions: Option<Permissions>,
    /// Whether pull requests may be merged by a merge commit; `None` if these credentials may not know.
    #[serde(default)]
    pub allow_merge_commit: Option<bool>,
    /// Whether pull requests may be squashed.
    #[serde(default)]
    pub allow_squash_merge: Option<bool>,
    /// Whether pull requests may be rebased.
    #[serde(default)]
    pub allow_rebase_merge: Option<bool>,
    /// Whether GitHub deletes the branch of a merged pull request.
    #[serde(default)]
    pub delete_branch_on_merge: Option<bool>,
}

impl<P: Platform> Repository<P> {
    pub(crate) fn new(
        github: GitHub<P>,
        owner: &str,
        name: &str,
        installation: Option<i64>,
    ) -> Self {
        Self {
            github,
            owner: owner.to_owned(),
            name: name.to_owned(),
            installation,
        }
    }

    /// The client that it belongs to.
    pub fn github(&self) -> &GitHub<P> {
        &self.github
    }

    /// The account that owns it.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// Its name without the owner.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `owner/name`.
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }

    /// What GitHub says about it. Asked for conditionally.
    pub async fn info(&self) -> Result<RepositoryInfo, GithubError> {
        self.get(Call::get(self.at("")).conditional()).await
    }

    pub(crate) fn who(&self) -> Who<'_> {
        Who::Repository {
            owner: &self.owner,
            name: &self.name,
            installation: self.installation,
        }
    }

    /// A path below the repository's own.
    pub(crate) fn at(&self, rest: &str) -> String {
        format!(
            "/repos/{}/{}{rest}",
            segment(&self.owner),
            segment(&self.name)
        )
    }

    pub(crate) async fn send(&self, call: Call) -> Result<Answer, GithubError> {
        self.github.send(self.who(), &call).await
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, call: Call) -> Result<T, GithubError> {
        self.send(call).await?.json()
    }

    pub(crate) async fn list<T: DeserializeOwned>(
        &self,
        first: Call,
        pages: usize,
    ) -> Result<Listed<T>, GithubError> {
        self.list_in(first, pages, |page: Vec<T>| page).await
    }

    /// A list whose pages are objects around it.
    pub(crate) async fn list_in<T, D: DeserializeOwned>(
        &self,
        first: Call,
        pages: usize,
        items: fn(D) -> Vec<T>,
    ) -> Result<Listed<T>, GithubError> {
        self.github.pages(self.who(), first, pages, items).await
    }
}

impl<P: Platform> Clone for Repository<P> {
    fn clone(&self) -> Self {
        Self {
            github: self.github.clone(),
            owner: self.owner.clone(),
            name: self.name.clone(),
            installation: self.installation,
        }
    }
}

impl<P: Platform> fmt::Debug for Repository<P> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Repository")
            .field("full_name", &self.full_name())
            .field("installation", &self.installation)
            .finish_non_exhaustive()
    }
}
