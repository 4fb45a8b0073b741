use loom_platform::Platform;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};

use super::{commits::Id, is_object_id};
use crate::{
    GithubError, Repository,
    call::{Call, segment},
};

/// What an entry of a tree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// A file (100644).
    File,
    /// A file that may be executed (100755).
    Executable,
    /// A symbolic link, whose blob is its target (120000).
    Link,
    /// A directory (040000).
    Directory,
    /// A commit of another repository (160000).
    Submodule,
}

impl Mode {
    /// Git's own six digits.
    pub fn digits(self) -> &'static str {
        match self {
            Self::File => "100644",
            Self::Executable => "100755",
            Self::Link => "120000",
            Self::Directory => "040000",
            Self::Submodule => "160000",
        }
    }

    /// The kind of object behind it.
    pub fn object_kind(self) -> &'static str {
        match self {
            Self::File | Self::Executable | Self::Link => "blob",
            Self::Directory => "tree",
            Self::Submodule => "commit",
        }
    }
}

impl<'de> Deserialize<'de> for Mode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let digits = String::deserialize(deserializer)?;
        match digits.as_str() {
            "100755" => Ok(Self::Executable),
            "120000" => Ok(Self::Link),
            "040000" | "40000" => Ok(Self::Directory),
            "160000" => Ok(Self::Submodule),
            // Old repositories have 100664.
            other if other.starts_with("100") => Ok(Self::File),
            other => Err(serde::de::Error::custom(format!("unknown mode {other}"))),
        }
    }
}

impl Serialize for Mode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.digits())
    }
}

/// One entry of a tree.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TreeEntry {
    /// The path below the tree that was asked for.
    pub path: String,
    /// What it is.
    pub mode: Mode,
    /// The object's id.
    pub sha: String,
    /// A blob's size in bytes.
    #[serde(default)]
    pub size: Option<u64>,
}

/// A tree.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Tree {
    /// Its id.
    pub sha: String,
    /// Its entries; of a recursive one also those of all trees below it.
    #[serde(rename = "tree")]
    pub entries: Vec<TreeEntry>,
    /// Whether entries are missing: GitHub cuts a recursive tree at 100,000 entries or 7 MB. Then read the trees one by
    /// one.
    #[serde(default)]
    pub truncated: bool,
}

/// A change to a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewEntry {
    /// Puts an object at a path, whatever was there.
    Put {
        /// The path, with slashes.
        path: String,
        /// What it is.
        mode: Mode,
        /// The object's id; a blob of [`Repository::create_blob`].
        sha: String,
    },
    /// Puts a file whose blob GitHub makes of UTF-8 text; saves a call.
    PutText {
        /// The path, with slashes.
        path: String,
        /// What it is: a file, an executable, or a link.
        mode: Mode,
        /// The content.
        text: String,
    },
    /// Removes what is at a path. GitHub refuses a path where nothing is.
    Remove {
        /// The path, with slashes.
        path: String,
    },
}

impl NewEntry {
    fn to_json(&self) -> Value {
        match self {
            Self::Put { path, mode, sha } => json!({
                "path": path, "mode": mode, "type": mode.object_kind(), "sha": sha,
            }),
            Self::PutText { path, mode, text } => json!({
                "path": path, "mode": mode, "type": mode.object_kind(), "content": text,
            }),
            Self::Remove { path } => json!({
                "path": path, "mode": Mode::File, "type": "blob", "sha": null,
            }),
        }
    }
}

impl<P: Platform> Repository<P> {
    /// The tree of `name`: the id of a tree or commit, or a branch or tag. One that is named by an id never changes, and
    /// is kept in the key-value store for a while.
    pub async fn get_tree(&self, name: &str, recursive: bool) -> Result<Tree, GithubError> {
        let target = self.at(&format!("/git/trees/{}", segment(name)));
        let mut call = Call::get(target);
        if recursive {
            call = call.query("recursive", "1");
        }
        if is_object_id(name) {
            let key = format!("{} {}", self.github().root(), call.target);
            if let Some(kept) = self.github().kept_tree(&key).await
                && let Ok(tree) = serde_json::from_slice(&kept)
            {
                return Ok(tree);
            }
            let answer = self.send(call).await?;
            let tree = answer.json()?;
            self.github().keep_tree(&key, &answer.body).await;
            return Ok(tree);
        }
        self.get(call).await
    }

    /// Makes a tree of `base` (a tree's id; `None` for an empty one) with changes, and returns its id.
    ///
    /// Content-addressed: making it twice makes one, so it is sent again after a lost answer.
    pub async fn create_tree(
        &self,
        base: Option<&str>,
        entries: &[NewEntry],
    ) -> Result<String, GithubError> {
        let entries: Vec<Value> = entries.iter().map(NewEntry::to_json).collect();
        let mut body = json!({"tree": entries});
        if let (Some(base), Some(body)) = (base, body.as_object_mut()) {
            body.insert(String::from("base_tree"), base.into());
        }
        let call = Call::post(self.at("/git/trees"), &body).repeatable();
        Ok(self.get::<Id>(call).await?.sha)
    }
}
