use std::collections::{BTreeSet, HashMap};

use loom_domain::{
    bead_file::{BeadFile, FileComment, write},
    project::Project,
};
use loom_platform::{Random, Statements};

use super::{
    Counts, Found, Incoming, Problem, apply, conflict,
    file::{self, Known, Written},
    plan::{Here, Plan, as_ours, plan},
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
