use loom_domain::time::{SECOND, Timestamp};
use loom_platform::Platform;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    GithubError, Listed, Repository,
    actor::{moment, or_default},
    call::{Call, segment},
};

/// Who made a commit, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// A name.
    pub name: String,
    /// An address.
    pub email: String,
    /// The date; git keeps whole seconds.
    pub date: Timestamp,
}

/// A commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its id.
    pub sha: String,
    /// The tree's id.
    pub tree: String,
    /// The parents' ids.
    pub parents: Vec<String>,
    /// The whole message.
    pub message: String,
    /// Who wrote it.
    pub author: Person,
    /// Who committed it.
    pub committer: Person,
    /// Whether GitHub finds its signature good.
    pub verified: bool,
    /// Its page; may be empty.
    pub html_url: String,
}

/// A commit to make.
#[derive(Debug, Clone, Copy)]
pub struct NewCommit<'a> {
    /// The whole message, trailers included.
    pub message: &'a str,
    /// The tree's id.
    pub tree: &'a str,
    /// The parents' ids.
    pub parents: &'a [String],
    /// Who wrote and committed it, and when. With `None` GitHub takes the credentials' account and its own clock, and,
    /// for an App, signs the commit: it signs nothing that names an author.
    pub author: Option<&'a Person>,
}

#[derive(Deserialize)]
struct WirePerson {
    #[serde(default, deserialize_with = "or_default")]
    name: String,
    #[serde(default, deserialize_with = "or_default")]
    email: String,
    #[serde(default, deserialize_with = "moment")]
    date: Option<Timestamp>,
}

impl From<Option<WirePerson>> for Person {
    fn from(wire: Option<WirePerson>) -> Self {
        let (name, email, date) =
            wire.map_or_else(Default::default, |wire| (wire.name, wire.email, wire.date));
        Self {
            name,
            email,
            date: date.unwrap_or(Timestamp(0)),
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Id {
    pub(super) sha: String,
}

#[derive(Deserialize, Default)]
struct Verification {
    #[serde(default)]
    verified: bool,
}

/// What both shapes of a commit have: Git's own, and the `commit` in the one that lists give.
#[derive(Deserialize)]
struct Content {
    message: String,
    tree: Id,
    author: Option<WirePerson>,
    committer: Option<WirePerson>,
    #[serde(default, deserialize_with = "or_default")]
    verification: Verification,
}

impl Content {
    fn into_commit(self, sha: String, parents: Vec<Id>, html_url: String) -> Commit {
        Commit {
            sha,
            tree: self.tree.sha,
            parents: parents.into_iter().map(|parent| parent.sha).collect(),
            message: self.message,
            author: self.author.into(),
            committer: self.committer.into(),
            verified: self.verification.verified,
            html_url,
        }
    }
}

#[derive(Deserialize)]
struct GitWire {
    sha: String,
    #[serde(default)]
    parents: Vec<Id>,
    #[serde(default, deserialize_with = "or_default")]
    html_url: String,
    #[serde(flatten)]
    content: Content,
}

#[derive(Deserialize)]
pub(super) struct ListWire {
    sha: String,
    #[serde(default)]
    parents: Vec<Id>,
    #[serde(default, deserialize_with = "or_default")]
    html_url: String,
    commit: Content,
}

impl From<ListWire> for Commit {
    fn from(wire: ListWire) -> Self {
        wire.commit
            .into_commit(wire.sha, wire.parents, wire.html_url)
    }
}

impl From<GitWire> for Commit {
    fn from(wire: GitWire) -> Self {
        wire.content
            .into_commit(wire.sha, wire.parents, wire.html_url)
    }
}

impl<P: Platform> Repository<P> {
    /// The commit with the id `sha`.
    pub async fn get_commit(&self, sha: &str) -> Result<Commit, GithubError> {
        let call = Call::get(self.at(&format!("/git/commits/{}", segment(sha))));
        Ok(self.get::<GitWire>(call).await?.into())
    }

    /// Makes a commit. No ref points to it yet.
    ///
    /// With an author it is content-addressed, and making it twice makes one. Without one GitHub puts its own time in
    /// it, so a repetition is another commit with the same content: of those that nothing points to git keeps none, and
    /// the update of the ref decides. Either way it is sent again after a lost answer.
    pub async fn create_commit(&self, commit: &NewCommit<'_>) -> Result<Commit, GithubError> {
        let mut body = json!({
            "message": commit.message,
            "tree": commit.tree,
            "parents": commit.parents,
        });
        if let (Some(author), Some(body)) = (commit.author, body.as_object_mut()) {
            // Both, so that nothing depends on GitHub's clock.
            body.insert(String::from("author"), person(author));
            body.insert(String::from("committer"), person(author));
        }
        let call = Call::post(self.at("/git/commits"), &body).repeatable();
        Ok(self.get::<GitWire>(call).await?.into())
    }

    /// The commits reachable from `from` (a branch, tag or id), newest first, at most `most`; with `path` those that
    /// changed it.
    pub async fn list_commits(
        &self,
        from: &str,
        path: Option<&str>,
        most: usize,
    ) -> Result<Listed<Commit>, GithubError> {
        let mut call = Call::get(self.at("/commits")).query("sha", from);
        if let Some(path) = path {
            call = call.query("path", path);
        }
        let items = |page: Vec<ListWire>| page.into_iter().map(Commit::from).collect();
        let mut listed = self
            .list_in(call, most.div_ceil(100).clamp(1, 10), items)
            .await?;
        if listed.items.len() > most {
            listed.items.truncate(most);
            listed.complete = false;
        }
        Ok(listed)
    }
}

fn person(person: &Person) -> Value {
    // Git keeps whole seconds; a fraction that is cut off by the other side might be rounded.
    let seconds = Timestamp(person.date.0.div_euclid(SECOND) * SECOND).to_rfc3339();
    json!({
        "name": person.name,
        "email": person.email,
        "date": seconds.replace(".000Z", "Z"),
    })
}
