use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{BeadFile, FileComment};
use crate::bead::BeadStatus;

/// Whose value a merge kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kept {
    /// That of the database.
    Ours,
    /// That of the repository.
    Theirs,
}

/// One field that both sides changed, to different values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Conflict {
    /// The field; an entry of a mapping is `context.<key>`.
    pub field: String,
    /// What it was when both sides were last the same; null when they never were.
    pub base: Value,
    /// What it is in the database.
    pub ours: Value,
    /// What it is in the repository.
    pub theirs: Value,
    /// Which of the two was kept.
    pub kept: Kept,
}

/// The result of a merge.
#[derive(Debug, Clone, PartialEq)]
pub struct Merged {
    /// The bead as both sides should have it now.
    pub bead: BeadFile,
    /// What could not be merged.
    pub conflicts: Vec<Conflict>,
}

/// Merges a bead field by field against what both sides last had in common.
///
/// - A field that one side changed is that side's. Where both changed it to different values, the side whose bead
///   changed later keeps it (the greater value where that is the same time), and both values are told as a conflict.
/// - Lists are sets, and merged entry by entry; mappings key by key. Comments are united by their ids.
/// - Of two different statuses that both sides set, `closed` wins. `is_live` says that a run is at work here: then
///   the status of the database stays, and one that would end the work is a conflict.
/// - Where a deletion meets a change on the other side, the bead comes back with what both sides made of it, and that
///   is a conflict. Where the other side did not change it, it is deleted.
/// - Without a `base`, every difference is a conflict, and lists and mappings are united.
pub fn merge(base: Option<&BeadFile>, ours: &BeadFile, theirs: &BeadFile, is_live: bool) -> Merged {
    let mut merger = Merger {
        base,
        later: ours.updated_at.cmp(&theirs.updated_at),
        conflicts: Vec::new(),
    };
    let (mut ours, mut theirs) = (ours.clone(), theirs.clone());
    let was_deleted = base.is_some_and(|base| base.deleted_at.is_some());
    let is_changed = |side: &BeadFile| base.is_none_or(|base| differs(base, side));
    // Whose change meets a deletion on the other side.
    let brought_back_by = match (ours.deleted_at, theirs.deleted_at) {
        _ if was_deleted => None,
        (None, Some(_)) if is_live || is_changed(&ours) => Some(Kept::Ours),
        (Some(_), None) if is_changed(&theirs) => Some(Kept::Theirs),
        _ => None,
    };
    let deleted_at = match (ours.deleted_at, theirs.deleted_at) {
        (Some(one), Some(other)) => Some(one.min(other)),
        // One side has taken it back.
        _ if was_deleted || brought_back_by.is_some() => None,
        (one, other) => one.or(other),
    };
    if let Some(kept) = brought_back_by {
        let (one, other) = (ours.deleted_at, theirs.deleted_at);
        merger.tell("deleted_at", None, &one, &other, kept);
        // A deletion that does not stand has changed nothing else either.
        match kept {
            Kept::Ours => undelete(&mut theirs, base.unwrap_or(&ours)),
            Kept::Theirs => undelete(&mut ours, base.unwrap_or(&theirs)),
        }
    }
    let (ours, theirs) = (&ours, &theirs);
    let mut bead = merger.plain(ours, theirs);
    merger.status(
        &mut bead,
        ours,
        theirs,
        is_live && ours.deleted_at.is_none(),
    );
    bead.deleted_at = deleted_at;
    Merged {
        bead,
        conflicts: merger.conflicts,
    }
}

/// Whether a person or an agent has changed more than its time.
fn differs(one: &BeadFile, other: &BeadFile) -> bool {
    let bare = |file: &BeadFile| BeadFile {
        updated_at: None,
        ..file.clone()
    };
    bare(one) != bare(other)
}

fn undelete(file: &mut BeadFile, as_in: &BeadFile) {
    file.deleted_at = None;
    file.status = as_in.status;
    file.closed_at = as_in.closed_at;
    file.close_reason.clone_from(&as_in.close_reason);
}

struct Merger<'a> {
    base: Option<&'a BeadFile>,
    /// How the time of our last change stands to that of theirs.
    later: Ordering,
    conflicts: Vec<Conflict>,
}

impl Merger<'_> {
    /// Everything but where the bead stands.
    fn plain(&mut self, ours: &BeadFile, theirs: &BeadFile) -> BeadFile {
        macro_rules! one {
            ($field:ident) => {
                self.one(
                    stringify!($field),
                    self.base.map(|base| &base.$field),
                    &ours.$field,
                    &theirs.$field,
                )
            };
        }
        macro_rules! set {
            ($field:ident) => {
                set(
                    self.base.map(|base| &base.$field),
                    &ours.$field,
                    &theirs.$field,
                )
            };
        }
        let earlier = |one: Option<_>, other: Option<_>| match (one, other) {
            (Some(one), Some(other)) => Some(std::cmp::min(one, other)),
            (one, other) => one.or(other),
        };
        BeadFile {
            id: ours.id.clone(),
            kind: self.one(
                "type",
                self.base.map(|base| &base.kind),
                &ours.kind,
                &theirs.kind,
            ),
            title: one!(title),
            description: one!(description),
            status: ours.status,
            priority: one!(priority),
            parent: one!(parent),
            tags: set!(tags),
            blocked_by: super::sorted(set!(blocked_by)),
            related: super::sorted(set!(related)),
            touches: set!(touches),
            context: self.map("context", |file| &file.context, ours, theirs),
            due_at: one!(due_at),
            estimate_minutes: one!(estimate_minutes),
            assigned_to: one!(assigned_to),
            // What never changes is known to one side, or to both alike.
            fingerprint: theirs
                .fingerprint
                .clone()
                .or_else(|| ours.fingerprint.clone()),
            root_id: theirs.root_id.clone().or_else(|| ours.root_id.clone()),
            cause_depth: ours.cause_depth.max(theirs.cause_depth),
            close_reason: None,
            commit: one!(commit),
            created_by: self
                .base
                .and_then(|base| base.created_by.clone())
                .or_else(|| theirs.created_by.clone().min(ours.created_by.clone()))
                .or_else(|| theirs.created_by.clone())
                .or_else(|| ours.created_by.clone()),
            created_at: earlier(ours.created_at, theirs.created_at),
            updated_at: ours.updated_at.max(theirs.updated_at),
            closed_at: None,
            deleted_at: None,
            comments: unite(&ours.comments, &theirs.comments),
            extra: self.map("", |file| &file.extra, ours, theirs),
        }
    }

    /// The status, and what belongs to it.
    fn status(&mut self, bead: &mut BeadFile, ours: &BeadFile, theirs: &BeadFile, is_live: bool) {
        let base = self.base.map(|base| base.status);
        let kept = if ours.status == theirs.status {
            None
        } else if base == Some(theirs.status) {
            Some(Kept::Ours)
        } else if is_live {
            self.tell(
                "status",
                base.as_ref(),
                &ours.status,
                &theirs.status,
                Kept::Ours,
            );
            Some(Kept::Ours)
        } else if base == Some(ours.status) {
            Some(Kept::Theirs)
        } else {
            let kept = match (ours.status, theirs.status) {
                (BeadStatus::Closed, _) => Kept::Ours,
                (_, BeadStatus::Closed) => Kept::Theirs,
                _ => self.choose(&ours.status, &theirs.status),
            };
            self.tell("status", base.as_ref(), &ours.status, &theirs.status, kept);
            Some(kept)
        };
        let side = match kept {
            Some(Kept::Theirs) => theirs,
            _ => ours,
        };
        bead.status = side.status;
        bead.closed_at = side.closed_at;
        bead.close_reason.clone_from(&side.close_reason);
        if kept.is_none() && side.status == BeadStatus::Closed {
            bead.closed_at = match (ours.closed_at, theirs.closed_at) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            };
            bead.close_reason = self.one(
                "close_reason",
                self.base.map(|base| &base.close_reason),
                &ours.close_reason,
                &theirs.close_reason,
            );
        }
        if bead.status != BeadStatus::Closed {
            bead.closed_at = None;
            bead.close_reason = None;
        }
    }

    fn one<T: Clone + PartialEq + Serialize>(
        &mut self,
        field: &str,
        base: Option<&T>,
        ours: &T,
        theirs: &T,
    ) -> T {
        if ours == theirs || base == Some(theirs) {
            return ours.clone();
        }
        if base == Some(ours) {
            return theirs.clone();
        }
        let kept = self.choose(ours, theirs);
        self.tell(field, base, ours, theirs, kept);
        match kept {
            Kept::Ours => ours.clone(),
            Kept::Theirs => theirs.clone(),
        }
    }

    fn choose<T: Serialize>(&self, ours: &T, theirs: &T) -> Kept {
        let by_value = || json(ours).to_string().cmp(&json(theirs).to_string());
        match self.later.then_with(by_value) {
            Ordering::Less => Kept::Theirs,
            _ => Kept::Ours,
        }
    }

    fn tell<T: Serialize>(
        &mut self,
        field: &str,
        base: Option<&T>,
        ours: &T,
        theirs: &T,
        kept: Kept,
    ) {
        self.conflicts.push(Conflict {
            field: field.to_owned(),
            base: base.map_or(Value::Null, json),
            ours: json(ours),
            theirs: json(theirs),
            kept,
        });
    }

    fn map(
        &mut self,
        name: &str,
        get: impl Fn(&BeadFile) -> &BTreeMap<String, Value>,
        ours: &BeadFile,
        theirs: &BeadFile,
    ) -> BTreeMap<String, Value> {
        let empty = BTreeMap::new();
        let has_base = self.base.is_some();
        let base = self.base.map_or(&empty, &get);
        let (ours, theirs) = (get(ours), get(theirs));
        let keys: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
        let mut merged = BTreeMap::new();
        for key in keys {
            let (one, other) = (ours.get(key), theirs.get(key));
            let value = if !has_base && (one.is_none() || other.is_none()) {
                one.or(other).cloned()
            } else {
                let field = match name {
                    "" => key.clone(),
                    name => format!("{name}.{key}"),
                };
                let before = base.get(key).cloned();
                self.one(&field, Some(&before), &one.cloned(), &other.cloned())
            };
            if let Some(value) = value {
                merged.insert(key.clone(), value);
            }
        }
        merged
    }
}

fn json<T: Serialize>(value: &T) -> Value {
    serde_json::to_value(value).unwrap_or(Value::Null)
}

/// Both sides' entries: those that are new to either, without those that either took away. Where only one side
/// changed anything, its order too.
fn set(base: Option<&Vec<String>>, ours: &[String], theirs: &[String]) -> Vec<String> {
    let empty = Vec::new();
    let before = base.unwrap_or(&empty);
    if ours == theirs || (base.is_some() && theirs == before.as_slice()) {
        return ours.to_vec();
    }
    if base.is_some() && ours == before.as_slice() {
        return theirs.to_vec();
    }
    let mut merged: Vec<String> = theirs
        .iter()
        .filter(|entry| ours.contains(entry) || !before.contains(entry))
        .cloned()
        .collect();
    for entry in ours {
        if !merged.contains(entry) && !before.contains(entry) {
            merged.push(entry.clone());
        }
    }
    merged
}

fn unite(ours: &[FileComment], theirs: &[FileComment]) -> Vec<FileComment> {
    let known: BTreeSet<&str> = ours.iter().map(|comment| comment.id.as_str()).collect();
    let new = theirs
        .iter()
        .filter(|comment| !known.contains(comment.id.as_str()));
    let mut all: Vec<FileComment> = ours.iter().chain(new).cloned().collect();
    all.sort_by(|one, other| (one.created_at, &one.id).cmp(&(other.created_at, &other.id)));
    all
}
