//! What is to be committed, in as few commits as fit through the port.

use std::collections::HashMap;

use loom_domain::{hex, project::Project};
use loom_store::bead_sync::{FileWrite, Lease};
use loom_workspace::FileChange;

/// How much goes into one commit, in bytes. Only the first sync of many thousand beads needs more than one.
const MOST: usize = 8 * 1024 * 1024;

/// A commit in the making.
pub(crate) struct Batch {
    /// The value of its line `Loom-Sync:`.
    pub(crate) id: String,
    pub(crate) files: Vec<FileChange>,
    /// The beads whose files are written, by path.
    pub(crate) beads: HashMap<String, String>,
    bytes: usize,
}

/// The commits of one attempt.
pub(crate) struct Batches {
    seed: String,
    pub(crate) all: Vec<Batch>,
}

impl Batches {
    pub(crate) fn new(project: &Project, lease: &Lease, attempt: u32) -> Self {
        Self {
            seed: format!("{} {} {attempt}", project.id, lease.fence),
            all: Vec::new(),
        }
    }

    /// The commit that takes what comes next.
    pub(crate) fn next(&mut self) -> String {
        if self.all.last().is_none_or(|batch| batch.bytes > MOST) {
            let mut id = hex::sha256(format!("{} {}", self.seed, self.all.len()));
            id.truncate(32);
            self.all.push(Batch {
                id,
                files: Vec::new(),
                beads: HashMap::new(),
                bytes: 0,
            });
        }
        self.all
            .last()
            .map(|batch| batch.id.clone())
            .unwrap_or_default()
    }

    pub(crate) fn add(&mut self, path: String, content: Option<String>) {
        self.next();
        if let Some(batch) = self.all.last_mut() {
            batch.bytes += content.as_ref().map_or(0, String::len);
            batch.files.push(FileChange { path, content });
        }
    }

    /// Adds the files that a transaction gave to the commit [`next`](Self::next) before it.
    pub(crate) fn write(&mut self, writes: Vec<FileWrite>) {
        if let Some(batch) = self.all.last_mut() {
            for write in writes {
                batch.bytes += write.content.len();
                batch.beads.insert(write.path.clone(), write.bead_id);
                batch.files.push(FileChange {
                    path: write.path,
                    content: Some(write.content),
                });
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.all.iter().all(|batch| batch.files.is_empty())
    }
}

/// The line by which a commit is recognised.
pub(crate) fn trailer(id: &str) -> String {
    format!("Loom-Sync: {id}")
}

/// The whole message.
pub(crate) fn message(id: &str) -> String {
    format!("Sync beads\n\n{}\n", trailer(id))
}
