use std::collections::{BTreeMap, HashMap, HashSet};

use loom_domain::{
    Refusal,
    bead_file::{BeadFile, LineError},
    project::Project,
};
use loom_platform::Statements;
use serde_json::json;

use super::{ImportedBead, known::Known};
use crate::{
    StoreError,
    bead::bulk::{self, Cycle},
    row::to_json,
};

/// How many mistakes are told at once.
const MOST_ERRORS: usize = 100;

/// The refusal of a whole file: nothing of it was imported. At most 100 mistakes are told, in the order of `errors`.
pub fn refuse_file(mut errors: Vec<LineError>) -> Refusal {
    let total = errors.len();
    errors.truncate(MOST_ERRORS);
    let first = errors
        .first()
        .map(|error| format!(" The first is in line {}: {}", error.line, error.message));
    let message = format!(
        "The file has {total} mistake(s), so nothing of it was imported.{}",
        first.unwrap_or_default()
    );
    Refusal::invalid("import_invalid", message)
        .detail("errors", json!(errors))
        .detail("total", total)
}

fn wrong(line: usize, field: &str, message: String) -> LineError {
    LineError {
        line,
        field: Some(field.to_owned()),
        message,
    }
}

/// Ids that stand in the file twice.
pub(super) fn doubles(beads: &[ImportedBead]) -> Vec<LineError> {
    let mut lines: HashMap<&str, usize> = HashMap::new();
    let mut errors = Vec::new();
    for bead in beads {
        if let Some(first) = lines.insert(&bead.file.id, bead.line) {
            errors.push(wrong(
                bead.line,
                "id",
                format!("{} stands in line {first} already", bead.file.id),
            ));
        }
    }
    errors
}

/// Ids that beads of other projects have.
pub(super) fn foreign(
    project: &Project,
    beads: &[ImportedBead],
    known: &HashMap<String, Known>,
) -> Vec<LineError> {
    let is_foreign = |bead: &&ImportedBead| {
        known
            .get(&bead.file.id)
            .is_some_and(|known| known.project_id != project.id)
    };
    let told = beads.iter().filter(is_foreign).map(|bead| {
        let message = format!("{} is a bead of another project", bead.file.id);
        wrong(bead.line, "id", message)
    });
    told.collect()
}

/// Parents that are neither in the file nor in the project.
pub(super) async fn unknown_parents<S: Statements>(
    tx: &S,
    project: &Project,
    beads: &[ImportedBead],
) -> Result<Vec<LineError>, StoreError> {
    let in_file: HashSet<&str> = beads.iter().map(|bead| bead.file.id.as_str()).collect();
    let elsewhere: HashSet<&str> = beads
        .iter()
        .filter_map(|bead| bead.file.parent.as_deref())
        .filter(|parent| !in_file.contains(parent))
        .collect();
    let sql = "SELECT id FROM bead WHERE id IN (SELECT value FROM json_each(?1)) AND project_id = ?2 AND deleted_at IS NULL";
    let rows = tx
        .query(sql, vec![to_json(&elsewhere).into(), (&project.id).into()])
        .await?;
    let mut there = HashSet::new();
    for row in &rows {
        there.insert(row.text(0)?);
    }
    let errors = beads.iter().filter_map(|bead| {
        let parent = bead.file.parent.as_deref()?;
        let is_there = in_file.contains(parent) || there.contains(parent);
        (!is_there).then(|| {
            let message =
                format!("the parent {parent} is neither in the file nor a bead of the project");
            wrong(bead.line, "dependencies", message)
        })
    });
    Ok(errors.collect())
}

/// Ids of comments that another bead's comment has.
pub(super) async fn foreign_comments<S: Statements>(
    tx: &S,
    beads: &[ImportedBead],
) -> Result<Vec<LineError>, StoreError> {
    let mut owners: BTreeMap<&str, &ImportedBead> = BTreeMap::new();
    let mut errors = Vec::new();
    let taken = |bead: &ImportedBead, id: &str| {
        wrong(
            bead.line,
            "comments",
            format!("the id {id} is that of another bead's comment"),
        )
    };
    for bead in beads {
        for comment in &bead.file.comments {
            match owners.insert(&comment.id, bead) {
                Some(other) if other.file.id != bead.file.id => {
                    errors.push(taken(bead, &comment.id));
                }
                _ => {}
            }
        }
    }
    let ids: Vec<&str> = owners.keys().copied().collect();
    let stored = bulk::comment_owners(tx, &ids).await?;
    for (id, bead) in owners {
        if stored.get(id).is_some_and(|owner| *owner != bead.file.id) {
            errors.push(taken(bead, id));
        }
    }
    Ok(errors)
}

/// Refuses a file whose links close a cycle (invariant I5), with the line of one of them.
pub(super) async fn refuse_cycles<S: Statements>(
    tx: &S,
    beads: &[&ImportedBead],
) -> Result<(), StoreError> {
    let files: Vec<&BeadFile> = beads.iter().map(|bead| &bead.file).collect();
    let Some(Cycle { path, .. }) = bulk::cycle(tx, &files).await? else {
        return Ok(());
    };
    let line = path
        .iter()
        .find_map(|id| beads.iter().find(|bead| bead.file.id == *id))
        .map_or(0, |bead| bead.line);
    let message = format!(
        "this closes a cycle: {}; leave out one of these links",
        path.join(" → ")
    );
    Err(refuse_file(vec![wrong(line, "dependencies", message)])
        .detail("path", path)
        .into())
}
