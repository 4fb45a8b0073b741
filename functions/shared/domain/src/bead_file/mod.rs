//! A bead as a file of the repository.
//!
//! Beads of a project that is synced are kept under `.beads/`:
//!
//! - `.beads/beads/<id>-<slug>.yaml`, one file a bead, which is what counts. The slug comes from the title that the
//!   bead had when the file was first written ([`file_name`]); the name then stays.
//! - `.beads/issues.jsonl`, all beads in the export form of the `bd` tool ([`jsonl`]), written beside the files for
//!   tools that read it. It is read for beads that have no file of their own, such as those that `bd` filed.
//!
//! # The YAML file
//!
//! | Key | Meaning |
//! |---|---|
//! | `id` | required; 1 to 64 letters, digits, `.`, `_`, `-` |
//! | `type` | a lower-case word; default `task` |
//! | `title` | required; one line |
//! | `status` | `open` (default), `in_progress`, `blocked`, `closed`; `deferred`, `pinned`, `hooked` become blocked, with the word kept as `bd_status` in the context |
//! | `priority` | `P0` to `P3` or 0 to 3, default P2; 4 becomes P3, with the number kept as `bd_priority` |
//! | `parent` | the bead that it is part of |
//! | `tags`, `blocked_by`, `related`, `touches` | lists of texts; as sets in a merge |
//! | `assigned_to` | an agent's id, or a name |
//! | `due_at`, `created_at`, `updated_at`, `closed_at` | RFC 3339 |
//! | `estimate_minutes` | a whole number |
//! | `created_by`, `close_reason`, `commit`, `description` | texts |
//! | `fingerprint`, `root_id`, `cause_depth` | of work that the system filed (invariant I9); they never change |
//! | `deleted_at` | a tombstone: the bead was deleted then. The file stays for 30 days ([`TOMBSTONE_MS`]) |
//! | `context` | a mapping of free values |
//! | `comments` | a list of `{id, author, created_at, text}`; one with a known `id` is there already |
//!
//! What is empty is left out, and the order of keys is fixed, so that a small change is a small diff. Texts of several
//! lines are literal blocks (`|`). Any other key is kept as it is and written back at the end. What a Loom does with a
//! bead at the moment (runs, leases, attempts, reviews) is not in the file.
//!
//! The original's keys in lower case without underscores (`createdat`, `blockedby`, `assignedto`, `relatedto`,
//! `duedate`, `estimatedtime`) are read as well; `projectid`, `blocks`, `children` and `entitymetadata` are passed
//! over, because other things say the same.

mod check;
pub mod jsonl;
mod merge;
mod name;
mod read;
mod scalar;
#[cfg(test)]
mod tests;
mod write;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    bead::{Bead, BeadStatus, Priority},
    time::{DAY, Timestamp},
};

pub use merge::{Conflict, Kept, Merged, merge};
pub use name::{DIRECTORY, ISSUES, file_name, is_named_after};
pub use read::{MAX_BYTES, read};
pub use write::write;

/// How long the file of a deleted bead stays, in milliseconds: whoever syncs within that time learns that it is gone.
pub const TOMBSTONE_MS: i64 = 30 * DAY;

/// What the repository keeps of a bead.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BeadFile {
    /// The bead's id; it keeps it wherever it goes.
    pub id: String,
    /// See [`Bead::kind`].
    #[serde(rename = "type")]
    pub kind: String,
    /// One line.
    pub title: String,
    /// Everything else.
    pub description: String,
    /// Where it stands.
    pub status: BeadStatus,
    /// How urgent it is.
    pub priority: Priority,
    /// The bead that it is part of.
    pub parent: Option<String>,
    /// Labels, in their order.
    pub tags: Vec<String>,
    /// What blocks it, sorted; one that is not known blocks too.
    pub blocked_by: Vec<String>,
    /// What it has to do with, sorted.
    pub related: Vec<String>,
    /// Globs of the paths that it will change.
    pub touches: Vec<String>,
    /// Free facts.
    pub context: BTreeMap<String, Value>,
    /// When it should be done.
    pub due_at: Option<Timestamp>,
    /// How long it should take, in minutes.
    pub estimate_minutes: Option<i64>,
    /// An agent's id, or the name of whoever it is assigned to elsewhere.
    pub assigned_to: Option<String>,
    /// For work that the system filed: what it is about.
    pub fingerprint: Option<String>,
    /// The bead at the start of the chain of causes.
    pub root_id: Option<String>,
    /// How many causes lie between it and its root.
    pub cause_depth: i64,
    /// Why it was closed.
    pub close_reason: Option<String>,
    /// The commit that closed it.
    pub commit: Option<String>,
    /// Who filed it; none = who reads the file.
    pub created_by: Option<String>,
    /// When it was filed; none = when the file is read.
    pub created_at: Option<Timestamp>,
    /// When it last changed.
    pub updated_at: Option<Timestamp>,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    /// When it was deleted: the file is a tombstone.
    pub deleted_at: Option<Timestamp>,
    /// Its comments, oldest first.
    pub comments: Vec<FileComment>,
    /// Keys that Loom does not know.
    pub extra: BTreeMap<String, Value>,
}

/// A comment in a bead's file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileComment {
    /// Unique over all comments.
    pub id: String,
    /// Who wrote it.
    pub author: String,
    /// Markdown.
    pub content: String,
    /// When; none = when the file is read.
    pub created_at: Option<Timestamp>,
}

/// What is wrong with a file, or a line of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LineError {
    /// The line, from 1.
    pub line: usize,
    /// The field, when it is one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub field: Option<String>,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl BeadFile {
    /// A new, open bead without anything but an id and a title.
    pub fn new(id: impl Into<String>, title: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            kind: "task".to_owned(),
            title: title.into(),
            description: String::new(),
            status: BeadStatus::Open,
            priority: Priority::DEFAULT,
            parent: None,
            tags: Vec::new(),
            blocked_by: Vec::new(),
            related: Vec::new(),
            touches: Vec::new(),
            context: BTreeMap::new(),
            due_at: None,
            estimate_minutes: None,
            assigned_to: None,
            fingerprint: None,
            root_id: None,
            cause_depth: 0,
            close_reason: None,
            commit: None,
            created_by: None,
            created_at: None,
            updated_at: None,
            closed_at: None,
            deleted_at: None,
            comments: Vec::new(),
            extra: BTreeMap::new(),
        }
    }

    /// What the repository keeps of `bead`. An assignee whose name stands in the context, because it is no agent of
    /// this Loom, is the assignee of the file.
    pub fn of(bead: Bead, mut comments: Vec<FileComment>) -> Self {
        let mut context = bead.context;
        let assigned_to = bead.assigned_to.or_else(|| match context.get("assignee") {
            Some(Value::String(name)) if !name.is_empty() => {
                let name = name.clone();
                context.remove("assignee");
                Some(name)
            }
            _ => None,
        });
        comments
            .sort_by(|one, other| (one.created_at, &one.id).cmp(&(other.created_at, &other.id)));
        Self {
            id: bead.id,
            kind: bead.kind,
            title: bead.title,
            description: bead.description,
            status: bead.status,
            priority: bead.priority,
            parent: bead.parent,
            tags: bead.tags,
            blocked_by: sorted(bead.blocked_by),
            related: sorted(bead.related),
            touches: bead.touches,
            context,
            due_at: bead.due_at,
            estimate_minutes: bead.estimate_minutes,
            assigned_to,
            fingerprint: bead.fingerprint,
            root_id: bead.root_id,
            cause_depth: bead.cause_depth,
            close_reason: bead.close_reason,
            commit: bead.commit,
            created_by: Some(bead.created_by),
            created_at: Some(bead.created_at),
            updated_at: Some(bead.updated_at),
            closed_at: bead.closed_at,
            deleted_at: None,
            comments,
            extra: BTreeMap::new(),
        }
    }
}

pub(crate) fn sorted(mut list: Vec<String>) -> Vec<String> {
    list.sort();
    list
}
