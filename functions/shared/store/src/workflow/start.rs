use loom_domain::{
    Refusal,
    bead::{Bead, BeadStatus},
    workflow::{Execution, Record},
};
use loom_platform::{Random, Statements};

use super::{advance::tell, definition, execution::insert, place::place};
use crate::{StoreError, bead, change::Change};

/// Starts a workflow for a bead, and places the bead at its first node.
///
/// Refuses a closed bead, one that is being worked on, and one that follows a workflow already.
pub async fn start<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    bead: &Bead,
    workflow_id: &str,
) -> Result<Execution, StoreError> {
    if bead.status == BeadStatus::Closed {
        return Err(Refusal::conflict(
            "bead_closed",
            format!(
                "Bead {} is closed. Open it before a workflow is started.",
                bead.id
            ),
        )
        .into());
    }
    if let Some(run_id) = &bead.run_id {
        return Err(Refusal::conflict(
            "already_claimed",
            format!(
                "Bead {} is being worked on by run {run_id}. Start a workflow when that has ended.",
                bead.id
            ),
        )
        .detail("run_id", run_id.clone())
        .into());
    }
    let found = definition::get(change.tx, workflow_id, None).await?;
    if let Some(project_id) = found
        .project_id
        .as_deref()
        .filter(|id| *id != bead.project_id)
    {
        return Err(Refusal::conflict(
            "workflow_of_other_project",
            format!(
                "Workflow {workflow_id} belongs to project {project_id}; bead {} does not.",
                bead.id
            ),
        )
        .into());
    }
    let definition = found.definition;
    let Some(first) = definition.start() else {
        return Err(StoreError::Corrupt(format!(
            "workflow {workflow_id} has no first node"
        )));
    };
    let record = Record::Started {
        node: first.node_key.clone(),
    };
    let workflow = (workflow_id, found.version);
    let mut execution = Execution::new(&change.new_id(), workflow, &bead.id, &bead.project_id);
    execution.apply(&record, change.now);
    insert(change, &execution, &definition.workflow_type, &record).await?;
    let sql = "UPDATE bead SET execution_id = ?2, version = version + 1 WHERE id = ?1";
    change
        .tx
        .execute(sql, vec![(&bead.id).into(), (&execution.id).into()])
        .await?;
    tell(change, &execution, &record).await?;
    place(change, &definition, None, &execution, None).await?;
    Ok(execution)
}

/// Starts the workflow that is for beads of this kind and these tags, if there is one.
pub async fn start_matching<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    bead: &Bead,
) -> Result<Option<Execution>, StoreError> {
    let workflow =
        definition::matching(change.tx, &bead.project_id, &bead.kind, &bead.tags).await?;
    match workflow {
        None => Ok(None),
        Some(workflow) => start(change, bead, &workflow).await.map(Some),
    }
}

/// Selects anew for a bead whose type or tags changed before anybody worked on it.
pub(crate) async fn reselect<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    bead_id: &str,
) -> Result<(), StoreError> {
    let bead = bead::get(change.tx, bead_id).await?;
    let has_begun = bead.dispatch_count > 0 || bead.run_id.is_some();
    if has_begun || bead.status != BeadStatus::Open {
        return Ok(());
    }
    let wanted = definition::matching(change.tx, &bead.project_id, &bead.kind, &bead.tags).await?;
    if let Some(live) = super::live_of_bead(change.tx, bead_id).await? {
        if wanted.as_deref() == Some(live.workflow_id.as_str()) || live.version > 1 {
            return Ok(());
        }
        super::hooks::give_up(change, &live.id, "the bead's type or tags changed").await?;
    }
    if let Some(workflow) = wanted {
        let bead = bead::get(change.tx, bead_id).await?;
        start(change, &bead, &workflow).await?;
    }
    Ok(())
}
