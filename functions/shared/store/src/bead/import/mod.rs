//! The import of a file of beads: all of them, or none with what is wrong in which line.

mod check;
mod known;

use std::collections::HashMap;

use loom_domain::{
    Refusal,
    bead::BeadStatus,
    bead_file::BeadFile,
    event::{EventKind, NewEvent},
    project::{Project, ProjectStatus},
};
use loom_platform::{Random, Statements};
use serde::Serialize;

use super::bulk::{self, CHUNK};
use crate::{StoreError, change::Change, decision, event, run};

pub use check::refuse_file;
use known::Known;

/// A bead of a file that is imported, its fields checked one by one. Its fingerprint, its causes and its deletion are not
/// taken over.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportedBead {
    /// The line of the file that it comes from, from 1.
    pub line: usize,
    /// The bead. One that names nobody was filed by whoever imports it; one without times is of now.
    pub file: BeadFile,
}

impl ImportedBead {
    /// A bead as a file has it; `line` is where it stands there.
    pub fn of(line: usize, file: BeadFile) -> Self {
        Self { line, file }
    }
}

/// What an import did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// Beads that are new.
    pub created: usize,
    /// Beads that were there and are older than the file.
    pub updated: usize,
    /// Beads that were there and are not.
    pub unchanged: usize,
    /// Beads that were left as they are.
    pub skipped: Vec<Skipped>,
}

/// A bead that an import left as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// Its line.
    pub line: usize,
    /// The bead.
    pub id: String,
    /// Why, as a code: `has_live_run`, or `deleted` for one that the file itself says is.
    pub code: &'static str,
    /// Why, as a sentence.
    pub message: String,
}

impl Skipped {
    /// A bead that the file itself says was deleted.
    pub fn deleted(line: usize, id: String) -> Self {
        Self {
            line,
            id,
            code: "deleted",
            message: "The file says that it was deleted.".to_owned(),
        }
    }
}

/// Imports beads into a project: all of them, or none with every mistake's line.
///
/// Ids are kept. A bead that is there already is replaced when the file's is newer, and left alone while a run works
/// on it. Refuses cycles with their path (invariant I5).
pub async fn import<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project: &Project,
    beads: Vec<ImportedBead>,
) -> Result<Imported, StoreError> {
    if project.status == ProjectStatus::Closed {
        let message = format!(
            "Project {} is closed. Reopen it to import work.",
            project.name
        );
        return Err(Refusal::conflict("project_closed", message).into());
    }
    let known = known::known(change.tx, &beads).await?;
    let mut errors = check::doubles(&beads);
    errors.extend(check::foreign(project, &beads, &known));
    errors.extend(check::unknown_parents(change.tx, project, &beads).await?);
    errors.extend(check::foreign_comments(change.tx, &beads).await?);
    if !errors.is_empty() {
        return Err(refuse_file(errors).into());
    }
    let mut report = Imported::default();
    let mut fresh = Vec::new();
    let mut newer = Vec::new();
    for bead in beads {
        match known.get(&bead.file.id) {
            None => fresh.push(bead),
            Some(known) => match &known.run_id {
                Some(run_id) => report.skipped.push(Skipped {
                    line: bead.line,
                    code: "has_live_run",
                    message: format!(
                        "Run {run_id} works on it. Import it again when that has ended."
                    ),
                    id: bead.file.id,
                }),
                None if known.updated_at >= bead.file.updated_at.unwrap_or(change.now)
                    && !known.deleted =>
                {
                    report.unchanged += 1;
                }
                None => newer.push(bead),
            },
        }
    }
    report.created = fresh.len();
    report.updated = newer.len();
    let applied: Vec<&ImportedBead> = fresh.iter().chain(&newer).collect();
    check::refuse_cycles(change.tx, &applied).await?;
    write(change, project, &files(&fresh), &files(&newer), &known).await?;
    Ok(report)
}

fn files(beads: &[ImportedBead]) -> Vec<&BeadFile> {
    beads.iter().map(|bead| &bead.file).collect()
}

/// Writes what was checked, with all that follows from it.
async fn write<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project: &Project,
    fresh: &[&BeadFile],
    newer: &[&BeadFile],
    known: &HashMap<String, Known>,
) -> Result<(), StoreError> {
    let sets = format!(
        "{}, in_review = 0, deleted_at = NULL, \
         held_by = CASE WHEN json_extract(value, '$.status') = 'blocked' THEN held_by END",
        bulk::sets(|_| true)
    );
    bulk::write(change, project, fresh, newer, &sets).await?;
    for bead in newer {
        if bead.status == BeadStatus::Closed {
            let reason = bead
                .close_reason
                .as_deref()
                .unwrap_or("closed by an import");
            run::wait::answered_bead(change, &bead.id, reason).await?;
        }
        let held = known
            .get(&bead.id)
            .is_some_and(|known| known.open_decisions > 0);
        if held && bead.status == BeadStatus::Closed {
            decision::withdraw(change, &bead.id, "the bead was closed by an import").await?;
        }
    }
    tell(change, project, fresh, newer, known).await
}

/// Records what happened to each bead (invariant I6).
async fn tell<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project: &Project,
    fresh: &[&BeadFile],
    newer: &[&BeadFile],
    known: &HashMap<String, Known>,
) -> Result<(), StoreError> {
    let about = |kind, bead: &BeadFile| {
        NewEvent::new(kind)
            .project(&project.id)
            .bead(&bead.id)
            .with("imported", true)
    };
    let filed = |bead: &&BeadFile| bulk::created(project, bead).with("imported", true);
    let mut events: Vec<NewEvent> = fresh.iter().map(filed).collect();
    for bead in newer {
        events.push(about(EventKind::BeadUpdated, bead).with("title", bead.title.clone()));
        let Some(before) = known.get(&bead.id).map(|known| known.status) else {
            continue;
        };
        if before != bead.status {
            let changed = about(EventKind::BeadStatusChanged, bead)
                .with("old_status", before.as_str())
                .with("status", bead.status.as_str())
                .with("reason", "imported");
            events.push(changed);
            if bead.status == BeadStatus::Closed {
                events.push(about(EventKind::BeadCompleted, bead).with("reason", "imported"));
            }
        }
    }
    for chunk in events.chunks(CHUNK) {
        event::append_many(change.tx, change.actor, change.now, chunk).await?;
    }
    Ok(())
}
