//! Many beads at once, as files have them: how an import and the sync with a repository write them.

mod comments;
mod links;
mod row;

use std::collections::HashSet;

use loom_domain::{
    Refusal,
    bead_file::BeadFile,
    event::{EventKind, NewEvent},
    project::Project,
};
use loom_platform::{DatabaseError, Random, Statements};

use crate::{StoreError, agent, change::Change, row::to_json};

pub(crate) use comments::comment_owners;
use comments::write_comments;
pub(crate) use links::{Cycle, cycle};
use links::{recount_blockers, write_links};
pub(crate) use row::sets;
use row::{FIELDS, Written};

/// How many beads one statement writes.
pub(crate) const CHUNK: usize = 500;

/// Writes beads with their links and comments: all of those that are new, and of those that are there the columns that
/// `sets` assigns. Nothing is checked here, and events are the caller's.
pub(crate) async fn write<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project: &Project,
    fresh: &[&BeadFile],
    changed: &[&BeadFile],
    sets: &str,
) -> Result<(), StoreError> {
    let tx = change.tx;
    let agents: HashSet<String> = agent::all(tx)
        .await?
        .into_iter()
        .map(|agent| agent.id)
        .collect();
    let value = |name: &str| format!("json_extract(value, '$.{name}')");
    let columns = FIELDS.join(", ");
    let values = FIELDS.map(value).join(", ");
    let insert = format!(
        "INSERT INTO bead (id, project_id, {columns}) SELECT json_extract(value, '$.id'), ?2, {values} FROM json_each(?1)"
    );
    let update = format!(
        "UPDATE bead SET {sets}, version = version + 1 FROM json_each(?1) \
         WHERE bead.id = json_extract(value, '$.id') AND project_id = ?2"
    );
    for (beads, sql) in [(fresh, &insert), (changed, &update)] {
        for chunk in beads.chunks(CHUNK) {
            let rows: Vec<Written<'_>> = chunk
                .iter()
                .map(|bead| Written::new(bead, &agents, change.actor, change.now))
                .collect();
            tx.execute(sql, vec![to_json(&rows).into(), (&project.id).into()])
                .await
                .map_err(open_double)?;
        }
    }
    let sql = "UPDATE project SET bead_count = bead_count + ?2 WHERE id = ?1";
    let count = i64::try_from(fresh.len()).unwrap_or(i64::MAX);
    tx.execute(sql, vec![(&project.id).into(), count.into()])
        .await?;
    let all: Vec<&BeadFile> = fresh.iter().chain(changed).copied().collect();
    // The links only now, when every bead that they name is there.
    for chunk in all.chunks(CHUNK) {
        let rows: Vec<Written<'_>> = chunk
            .iter()
            .map(|bead| Written::new(bead, &agents, change.actor, change.now))
            .collect();
        write_links(tx, &to_json(&rows)).await?;
    }
    for chunk in all.chunks(CHUNK) {
        write_comments(change, chunk).await?;
        recount_blockers(tx, chunk).await?;
    }
    Ok(())
}

/// Two open beads about one self-filed error cannot be (invariant I9).
fn open_double(error: DatabaseError) -> StoreError {
    match &error {
        DatabaseError::Constraint(text) if text.contains("bead.fingerprint") => Refusal::conflict(
            "fingerprint_taken",
            "The file opens a bead again that the system filed itself, and another open one is about the same. \
             Leave that bead out.",
        )
        .into(),
        _ => error.into(),
    }
}

/// The event that a bead was filed that comes from elsewhere.
pub(crate) fn created(project: &Project, bead: &BeadFile) -> NewEvent {
    NewEvent::new(EventKind::BeadCreated)
        .project(&project.id)
        .bead(&bead.id)
        .with("title", bead.title.clone())
        .with("type", bead.kind.clone())
        .with("priority", bead.priority.to_string())
        .with("status", bead.status.as_str())
}
