use loom_domain::{
    bead::Bead,
    bead_file::{BeadFile, Conflict, Kept, file_name, merge},
    time::Timestamp,
};
use serde_json::Value;

use super::{Found, Incoming, Problem, file::Known};

/// A bead as the database has it.
pub(super) struct Here {
    pub(super) bead: Bead,
    pub(super) file: BeadFile,
    pub(super) comments: i64,
}

/// A bead that is merged.
pub(super) struct Plan {
    pub(super) id: String,
    pub(super) here: Option<Here>,
    /// What the repository has.
    pub(super) theirs: Option<BeadFile>,
    /// What both shall have.
    pub(super) merged: BeadFile,
    pub(super) conflicts: Vec<Conflict>,
    pub(super) path: String,
    /// Whether it has that file already.
    pub(super) has_file: bool,
    /// Whether a person has removed the file, and the bead with it.
    pub(super) is_removed: bool,
    pub(super) blob: Option<String>,
}

impl Plan {
    /// What the database has, comparable with what it shall have.
    pub(super) fn ours(&self) -> Option<BeadFile> {
        Some(as_ours(&self.here.as_ref()?.file, &self.merged))
    }

    /// Something of what the repository has that cannot be applied.
    pub(super) fn problem(&self, code: &str, message: String) -> Problem {
        Problem {
            path: self.path.clone(),
            line: 0,
            code: code.to_owned(),
            bead_id: Some(self.id.clone()),
            message,
            blob: self.blob.clone(),
        }
    }
}

/// What to do with a bead; nothing when neither side has it any more.
pub(super) fn plan(
    one: Incoming,
    known: Option<Known>,
    here: Option<Here>,
    now: Timestamp,
) -> Option<Plan> {
    let is_live = here.as_ref().is_some_and(|here| here.bead.run_id.is_some());
    let (mut base, pending, known_path, known_blob) = match known {
        Some(known) => (known.base, known.pending, Some(known.path), known.blob),
        None => (None, None, None, None),
    };
    let mut plan = Plan {
        merged: BeadFile::new(&one.bead_id, ""),
        id: one.bead_id,
        here,
        theirs: None,
        conflicts: Vec::new(),
        path: String::new(),
        has_file: false,
        is_removed: false,
        blob: None,
    };
    let mut path = None;
    match one.found {
        Found::File {
            path: found,
            blob,
            bead,
        } => {
            // A commit of ours whose end nobody saw.
            if pending.as_ref() == Some(&*bead) {
                base = pending;
            }
            (path, plan.blob, plan.theirs) = (found, blob, Some(*bead));
        }
        Found::Unchanged if base.is_some() => {
            (path, plan.blob) = (known_path.clone(), known_blob);
            plan.theirs.clone_from(&base);
        }
        Found::Unchanged => {}
        Found::Gone => {
            let here = plan.here.as_ref()?;
            if let Some(before) = base.take() {
                let gone = BeadFile {
                    deleted_at: Some(now),
                    ..before.clone()
                };
                let ours = as_ours(&here.file, &before);
                let merged = merge(Some(&before), &ours, &gone, is_live).bead;
                plan.is_removed = merged.deleted_at.is_some();
                if here.file.deleted_at.is_none() && !plan.is_removed {
                    plan.conflicts.push(Conflict {
                        field: "deleted_at".to_owned(),
                        base: Value::Null,
                        ours: Value::Null,
                        theirs: "the file was removed".into(),
                        kept: Kept::Ours,
                    });
                }
                plan.merged = merged;
            }
        }
    }
    plan.has_file = path.is_some();
    match (&plan.here, &plan.theirs) {
        (None, None) => return None,
        // Nobody else knows of it, or needs to any more.
        (Some(here), None) if here.file.deleted_at.is_some() => return None,
        (Some(_), None) if plan.is_removed => {}
        (Some(here), None) => plan.merged = as_ours(&here.file, &plan.merged),
        (None, Some(theirs)) => plan.merged = theirs.clone(),
        (Some(here), Some(theirs)) => {
            let ours = as_ours(&here.file, base.as_ref().unwrap_or(theirs));
            let merged = merge(base.as_ref(), &ours, theirs, is_live);
            plan.conflicts.extend(merged.conflicts);
            plan.merged = merged.bead;
        }
    }
    plan.path = path
        .or(known_path)
        .unwrap_or_else(|| file_name(&plan.id, &plan.merged.title));
    Some(plan)
}

/// What the database has, and of what it does not keep, what was seen last.
pub(super) fn as_ours(file: &BeadFile, seen: &BeadFile) -> BeadFile {
    BeadFile {
        extra: seen.extra.clone(),
        fingerprint: file
            .fingerprint
            .clone()
            .or_else(|| seen.fingerprint.clone()),
        root_id: file.root_id.clone().or_else(|| seen.root_id.clone()),
        cause_depth: file.cause_depth.max(seen.cause_depth),
        ..file.clone()
    }
}
