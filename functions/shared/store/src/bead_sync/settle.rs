use std::collections::{BTreeSet, HashMap};

use loom_domain::{
    bead::Bead,
    bead_file::{BeadFile, Conflict, FileComment, Kept, file_name, merge, write},
    project::Project,
    time::Timestamp,
};
use loom_platform::{Random, Statements};
use serde_json::Value;

use super::{
    Counts, Found, Incoming, Problem, apply, conflict,
    file::{self, Known, Written},
};
use crate::{
    StoreError, bead,
    change::Change,
    row::{optional_time, to_json},
};

/// A file to commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileWrite {
    /// The bead that it is of.
    pub bead_id: String,
    /// Its path.
    pub path: String,
    /// All of its content.
    pub content: String,
}

/// What came of some beads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settled {
    /// What was done here.
    pub counts: Counts,
    /// What the repository does not have yet.
    pub writes: Vec<FileWrite>,
    /// What could not be applied.
    pub problems: Vec<Problem>,
}

/// A bead as the database has it.
pub(super) struct Here {
    pub(super) bead: Bead,
    pub(super) file: BeadFile,
    comments: i64,
}

/// A bead that is merged.
pub(super) struct Plan {
    pub(super) id: String,
    pub(super) here: Option<Here>,
    /// What the repository has.
    theirs: Option<BeadFile>,
    /// What both shall have.
    pub(super) merged: BeadFile,
    pub(super) conflicts: Vec<Conflict>,
    pub(super) path: String,
    /// Whether it has that file already.
    has_file: bool,
    /// Whether a person has removed the file, and the bead with it.
    is_removed: bool,
    pub(super) blob: Option<String>,
}

/// Merges some beads with what the repository has of them, writes the result into the database, and says what is to be
/// committed. `commit` names the commit that will do so.
///
/// `unreadable` are the paths of files that are there and could not be read: their beads are left alone, and nothing of
/// the repository is taken for unknown that may be in them.
pub async fn settle<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project: &Project,
    incoming: Vec<Incoming>,
    unreadable: &BTreeSet<String>,
    commit: &str,
) -> Result<Settled, StoreError> {
    let ids: Vec<&str> = incoming.iter().map(|one| one.bead_id.as_str()).collect();
    let mut known: HashMap<String, Known> = file::known(change.tx, &ids)
        .await?
        .into_iter()
        .map(|known| (known.bead_id.clone(), known))
        .collect();
    let mut here = load(change.tx, &ids).await?;
    let mut settled = Settled::default();
    let mut plans = Vec::new();
    let mut forgotten = Vec::new();
    for one in incoming {
        let known = known.remove(&one.bead_id);
        let here = here.remove(&one.bead_id);
        let other = known
            .as_ref()
            .is_some_and(|known| known.project_id != project.id)
            || here
                .as_ref()
                .is_some_and(|here| here.bead.project_id != project.id);
        if other {
            settled.problems.push(of_other_project(&one));
            continue;
        }
        let id = one.bead_id.clone();
        match plan(one, known, here, change.now) {
            Some(plan) => plans.push(plan),
            None => forgotten.push(id),
        }
    }
    let forgotten: Vec<&str> = forgotten.iter().map(String::as_str).collect();
    file::forget(change.tx, &forgotten).await?;
    let plans = apply::apply(change, project, plans, unreadable, &mut settled).await?;
    for plan in plans.iter().filter(|plan| !plan.conflicts.is_empty()) {
        settled.counts.conflicts += plan.conflicts.len();
        conflict::record(change, &project.id, &plan.id, &plan.conflicts).await?;
    }
    note(change, project, plans, commit, &mut settled).await?;
    Ok(settled)
}

fn of_other_project(one: &Incoming) -> Problem {
    let (path, blob) = match &one.found {
        Found::File { path, blob, .. } => (path.clone(), blob.clone()),
        _ => (None, None),
    };
    Problem {
        path: path.unwrap_or_else(|| loom_domain::bead_file::ISSUES.to_owned()),
        line: 0,
        code: "bead_of_other_project".to_owned(),
        bead_id: Some(one.bead_id.clone()),
        message: format!("{} is a bead of another project of this Loom.", one.bead_id),
        blob,
    }
}

/// What to do with a bead; nothing when neither side has it any more.
fn plan(one: Incoming, known: Option<Known>, here: Option<Here>, now: Timestamp) -> Option<Plan> {
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
fn as_ours(file: &BeadFile, seen: &BeadFile) -> BeadFile {
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

impl Plan {
    /// What the database has, comparable with what it shall have.
    pub(super) fn ours(&self) -> Option<BeadFile> {
        Some(as_ours(&self.here.as_ref()?.file, &self.merged))
    }
}

async fn load<S: Statements>(tx: &S, ids: &[&str]) -> Result<HashMap<String, Here>, StoreError> {
    let sql = format!(
        "SELECT {} FROM bead WHERE id IN (SELECT value FROM json_each(?1))",
        bead::COLUMNS
    );
    let rows = tx.query(&sql, vec![to_json(&ids).into()]).await?;
    let mut comments: HashMap<String, Vec<FileComment>> = HashMap::new();
    for (bead_id, comment) in bead::comments_of(tx, ids).await? {
        comments.entry(bead_id).or_default().push(comment);
    }
    let mut here = HashMap::new();
    for row in &rows {
        let bead = bead::from_row(row)?;
        let said = comments.remove(&bead.id).unwrap_or_default();
        let count = i64::try_from(said.len()).unwrap_or(i64::MAX);
        let found = Here {
            file: BeadFile::of(bead.clone(), said),
            bead,
            comments: count,
        };
        here.insert(found.bead.id.clone(), found);
    }
    let sql = "SELECT id, deleted_at FROM bead \
               WHERE id IN (SELECT value FROM json_each(?1)) AND deleted_at IS NOT NULL";
    for row in tx.query(sql, vec![to_json(&ids).into()]).await? {
        if let Some(found) = here.get_mut(&row.text(0)?) {
            found.file.deleted_at = optional_time(&row, 1)?;
        }
    }
    Ok(here)
}

/// Keeps what the repository is now known to have, and what it shall have next.
async fn note<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project: &Project,
    plans: Vec<Plan>,
    commit: &str,
    settled: &mut Settled,
) -> Result<(), StoreError> {
    let touched: Vec<&str> = plans
        .iter()
        .filter(|plan| !plan.conflicts.is_empty() || plan.ours().as_ref() != Some(&plan.merged))
        .map(|plan| plan.id.as_str())
        .collect();
    let mut again = load(change.tx, &touched).await?;
    let mut rows = Vec::new();
    let mut removed = Vec::new();
    for mut plan in plans {
        if plan.is_removed {
            removed.push(plan.id);
            continue;
        }
        let Some(here) = again.remove(&plan.id).or_else(|| plan.here.take()) else {
            continue;
        };
        let now = as_ours(&here.file, &plan.merged);
        let differs = !plan.has_file || plan.theirs.as_ref() != Some(&now);
        let mut pending = None;
        if differs {
            match write(&now) {
                Ok(content) => {
                    pending = Some(to_json(&now));
                    settled.writes.push(FileWrite {
                        bead_id: plan.id.clone(),
                        path: plan.path.clone(),
                        content,
                    });
                }
                Err(refusal) => settled.problems.push(Problem {
                    path: plan.path.clone(),
                    line: 0,
                    code: refusal.code.to_owned(),
                    bead_id: Some(plan.id.clone()),
                    message: refusal.message,
                    blob: None,
                }),
            }
        }
        rows.push(Written {
            path: plan.path,
            blob: plan.blob,
            base: plan
                .theirs
                .filter(|_| plan.has_file)
                .map(|theirs| to_json(&theirs)),
            pending_commit: pending.as_ref().map(|_| commit.to_owned()),
            pending,
            bead_version: here.bead.version,
            comments: here.comments,
            deleted_at: now.deleted_at.map(|at| at.0),
            bead_id: plan.id,
        });
    }
    let removed: Vec<&str> = removed.iter().map(String::as_str).collect();
    file::forget(change.tx, &removed).await?;
    file::put(change.tx, &project.id, &rows).await
}
