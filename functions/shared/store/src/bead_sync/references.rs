//! What files refer to and cannot have: parents and comments that are others', and links that close a cycle.

use std::collections::{BTreeSet, HashSet};

use loom_domain::{
    bead_file::{BeadFile, Conflict, Kept, is_named_after},
    project::Project,
};
use loom_platform::Statements;
use serde_json::{Value, json};

use super::{Settled, plan::Plan};
use crate::{StoreError, bead::bulk, row::to_json};

/// A parent that is nowhere is left out. One whose file is there and cannot be read is waited for.
pub(super) async fn check_parents<S: Statements>(
    tx: &S,
    project: &Project,
    plans: &mut Vec<Plan>,
    unreadable: &BTreeSet<String>,
    settled: &mut Settled,
) -> Result<(), StoreError> {
    let named: BTreeSet<&str> = plans
        .iter()
        .filter_map(|plan| plan.merged.parent.as_deref())
        .collect();
    let sql =
        "SELECT id FROM bead WHERE id IN (SELECT value FROM json_each(?1)) AND project_id = ?2";
    let mut there = HashSet::new();
    for row in tx
        .query(sql, vec![to_json(&named).into(), (&project.id).into()])
        .await?
    {
        there.insert(row.text(0)?);
    }
    let is_unreadable = |id: &str| unreadable.iter().any(|path| is_named_after(path, id));
    // One that is left alone may be the parent of the next.
    loop {
        let batch: HashSet<String> = plans.iter().map(|plan| plan.id.clone()).collect();
        let missing = |plan: &Plan| {
            let parent = plan.merged.parent.as_ref()?;
            (!there.contains(parent) && !batch.contains(parent)).then(|| parent.clone())
        };
        let before = plans.len();
        plans.retain(|plan| {
            let Some(parent) = missing(plan).filter(|parent| is_unreadable(parent)) else {
                return true;
            };
            let message = format!(
                "The file of its parent {parent} cannot be read, so this bead is left alone until it can be."
            );
            settled.problems.push(plan.problem("parent_unreadable", message));
            false
        });
        if plans.len() == before {
            break;
        }
    }
    let batch: HashSet<String> = plans.iter().map(|plan| plan.id.clone()).collect();
    for plan in plans {
        let Some(parent) = plan.merged.parent.clone() else {
            continue;
        };
        if there.contains(&parent) || batch.contains(&parent) {
            continue;
        }
        let message = format!(
            "Its parent {parent} is neither in the repository nor a bead of the project; it is left out."
        );
        settled
            .problems
            .push(plan.problem("unknown_parent", message));
        plan.merged.parent = plan.here.as_ref().and_then(|here| here.file.parent.clone());
    }
    Ok(())
}

/// Leaves out comments whose ids are those of other beads' comments.
pub(super) async fn check_comments<S: Statements>(
    tx: &S,
    plans: &mut [Plan],
) -> Result<(), StoreError> {
    let ids: Vec<&str> = plans
        .iter()
        .flat_map(|plan| &plan.merged.comments)
        .map(|comment| comment.id.as_str())
        .collect();
    if ids.is_empty() {
        return Ok(());
    }
    let owners = bulk::comment_owners(tx, &ids).await?;
    for plan in plans {
        let id = plan.id.clone();
        plan.merged
            .comments
            .retain(|comment| owners.get(&comment.id).is_none_or(|owner| *owner == id));
    }
    Ok(())
}

/// Takes links out until there is no cycle (invariant I5), each time one that the database does not have yet. That is a
/// conflict of the bead.
pub(super) async fn cut_cycles<S: Statements>(
    tx: &S,
    plans: &mut [Plan],
) -> Result<(), StoreError> {
    let has_links = |plan: &Plan| {
        let ours = plan.here.as_ref().map(|here| &here.file);
        ours.map(|file| (&file.blocked_by, &file.parent))
            != Some((&plan.merged.blocked_by, &plan.merged.parent))
    };
    loop {
        let beads: Vec<&BeadFile> = plans
            .iter()
            .filter(|plan| has_links(plan))
            .map(|plan| &plan.merged)
            .collect();
        let Some(cycle) = bulk::cycle(tx, &beads).await? else {
            return Ok(());
        };
        let edges = cycle.path.iter().zip(cycle.path.iter().skip(1));
        let new = edges.filter(|(from, to)| {
            plans.iter().any(|plan| {
                let old = plan.here.as_ref().map(|here| &here.file);
                plan.id == **from
                    && !old.is_some_and(|old| match cycle.is_of_parents {
                        true => old.parent.as_ref() == Some(*to),
                        false => old.blocked_by.contains(*to),
                    })
            })
        });
        let Some((from, to)) = new.max() else {
            // A cycle of the database alone is no affair of this round.
            return Ok(());
        };
        for plan in plans.iter_mut().filter(|plan| plan.id == *from) {
            cut(plan, to, cycle.is_of_parents);
        }
    }
}

fn cut(plan: &mut Plan, to: &str, is_parent: bool) {
    let old = plan.here.as_ref().map(|here| &here.file);
    let (field, ours, theirs) = if is_parent {
        let theirs = plan.merged.parent.take();
        plan.merged.parent = old.and_then(|old| old.parent.clone()).filter(|id| id != to);
        ("parent", json!(plan.merged.parent), json!(theirs))
    } else {
        let theirs = json!(plan.merged.blocked_by);
        plan.merged.blocked_by.retain(|id| id != to);
        ("blocked_by", json!(plan.merged.blocked_by), theirs)
    };
    plan.conflicts.push(Conflict {
        field: field.to_owned(),
        base: Value::Null,
        ours,
        theirs,
        kept: Kept::Ours,
    });
}
