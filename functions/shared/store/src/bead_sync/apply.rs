use std::collections::BTreeSet;

use loom_domain::{
    bead_file::BeadFile,
    event::{EventKind, NewEvent},
    project::Project,
};
use loom_platform::{Random, Statements};
use serde_json::{Value, json};

use super::{Settled, place, plan::Plan, references};
use crate::{StoreError, bead::bulk, change::Change, event};

/// Writes what differs into the database. Returns what was brought together; what could not be is a problem, and left
/// as it is on both sides.
pub(super) async fn apply<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project: &Project,
    mut plans: Vec<Plan>,
    unreadable: &BTreeSet<String>,
    settled: &mut Settled,
) -> Result<Vec<Plan>, StoreError> {
    references::check_parents(change.tx, project, &mut plans, unreadable, settled).await?;
    references::check_comments(change.tx, &mut plans).await?;
    references::cut_cycles(change.tx, &mut plans).await?;
    let mut fresh = Vec::new();
    let mut changed = Vec::new();
    let mut events = Vec::new();
    for plan in &plans {
        match plan.ours() {
            None => {
                events.push(bulk::created(project, &plan.merged).with("synced", true));
                fresh.push(&plan.merged);
            }
            Some(ours) if ours != plan.merged => {
                let names = differences(&ours, &plan.merged);
                if !names.is_empty() {
                    let updated = NewEvent::new(EventKind::BeadUpdated)
                        .project(&project.id)
                        .bead(&plan.id)
                        .with("synced", true)
                        .with("fields", names);
                    events.push(updated);
                }
                changed.push(&plan.merged);
            }
            Some(_) => {}
        }
    }
    settled.counts.created += fresh.len();
    settled.counts.updated += changed.len();
    write(change, project, &fresh, &changed).await?;
    event::append_many(change.tx, change.actor, change.now, &events).await?;
    for plan in &mut plans {
        place::place(change, plan, settled).await?;
    }
    Ok(plans)
}

/// Writes all of the beads that are new, and of the others everything but where they stand. Where a bead follows a
/// workflow, the node says whose it is.
async fn write<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project: &Project,
    fresh: &[&BeadFile],
    changed: &[&BeadFile],
) -> Result<(), StoreError> {
    if fresh.is_empty() && changed.is_empty() {
        return Ok(());
    }
    let placing = ["status", "close_reason", "closed_at", "wanted_role"];
    let sets = format!(
        "{}, wanted_role = CASE WHEN execution_id IS NULL THEN json_extract(value, '$.wanted_role') ELSE wanted_role END",
        bulk::sets(|name| !placing.contains(&name))
    );
    bulk::write(change, project, fresh, changed, &sets).await
}

/// The names of the fields that differ, but for those that tell where a bead stands: other events tell of these.
fn differences(one: &BeadFile, other: &BeadFile) -> Vec<String> {
    let fields = |file: &BeadFile| match json!(file) {
        Value::Object(fields) => fields,
        _ => serde_json::Map::new(),
    };
    let (one, other) = (fields(one), fields(other));
    let placing = [
        "status",
        "closed_at",
        "close_reason",
        "updated_at",
        "deleted_at",
    ];
    one.into_iter()
        .filter(|(name, value)| other.get(name) != Some(value) && !placing.contains(&name.as_str()))
        .map(|(name, _)| name)
        .collect()
}
