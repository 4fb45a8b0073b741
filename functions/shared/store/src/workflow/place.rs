//! Where an execution stands, its bead is placed: open for the role that the node wants, blocked while something is
//! waited for, closed at the end.

use loom_domain::{
    bead::{Bead, BeadStatus, MAX_DISPATCHES},
    decision::{DecisionKind, NewDecision},
    project::GitStrategy,
    role::Role,
    routing,
    timer::TimerKind,
    workflow::{Definition, Execution, Node, Stand, Wait, stand},
};
use loom_platform::{Random, Statements};

use super::{
    advance::Asked,
    boxed::{cancel_run, end_wait},
    question,
};
use crate::{StoreError, agent, bead, change::Change, decision, project, timer};

/// Places the bead of an execution that has just come to where it stands.
pub(super) async fn place<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    definition: &Definition,
    before: Option<&Execution>,
    execution: &Execution,
    asked: Option<&Asked>,
) -> Result<(), StoreError> {
    if let Some(before) = before {
        let stays = before.stay == execution.stay
            && before.status == execution.status
            && before.is_paused == execution.is_paused;
        // A failed attempt or an early signal: the bead is where it belongs, unless it has to be held.
        if stays && !execution.is_paused {
            return Ok(());
        }
        leave(change, before).await?;
    }
    let bead = bead::get(change.tx, &execution.bead_id).await?;
    let node = definition.node(&execution.node);
    match stand(definition, execution) {
        Stand::Work { role, author } => {
            let is_new = before.is_none_or(|before| before.stay != execution.stay);
            let judge_is_missing = match &author {
                Some(author) => !somebody_else(change, &bead.project_id, author).await?,
                None => false,
            };
            set_timer(change, node, execution).await?;
            // A pause that ended before the run at work did: the run is still what the node wants.
            if !is_new && bead.run_id.is_some() && before.is_some_and(|before| before.is_paused) {
                return Ok(());
            }
            if judge_is_missing {
                return ask(change, definition, execution, bead).await;
            }
            work(change, &bead, role.as_ref(), author.as_deref(), is_new).await
        }
        Stand::Ask => ask(change, definition, execution, bead).await,
        Stand::Wait(wait) => {
            set_timer(change, node, execution).await?;
            hold(change, &bead, "workflow_waits").await?;
            if is_there(change, execution, &wait).await? {
                end_wait(change, &execution.id).await?;
            }
            Ok(())
        }
        // The run at work ends first; its outcome is kept, and only then the bead is held.
        Stand::Paused if bead.run_id.is_some() => Ok(()),
        Stand::Paused => hold(change, &bead, "workflow_paused").await,
        Stand::Escalated => {
            hold(change, &bead, "workflow_escalated").await?;
            question::escalation(change, definition, execution, &bead.id, asked).await
        }
        Stand::Completed | Stand::Failed => {
            release(change, execution).await?;
            finish(change, definition, execution).await
        }
        Stand::Cancelled => {
            release(change, execution).await?;
            let bead = bead::get(change.tx, &execution.bead_id).await?;
            if bead.status == BeadStatus::Closed {
                return Ok(());
            }
            hold(change, &bead, "workflow_cancelled").await
        }
    }
}

/// Ends what belonged to the stay that is left: its timer, its open question, and a run that is still at work.
async fn leave<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    before: &Execution,
) -> Result<(), StoreError> {
    timer::cancel(change.tx, TimerKind::WorkflowNode, &subject(before)).await?;
    for fingerprint in [
        question::of_stay(before),
        question::of_escalation(&before.id),
    ] {
        let why = "the workflow went on without it";
        decision::answer_fingerprint(change, &fingerprint, "withdrawn", why).await?;
    }
    Ok(())
}

/// The subject of a stay's timer.
fn subject(execution: &Execution) -> String {
    format!("{}:{}", execution.id, execution.stay)
}

async fn set_timer<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    node: Option<&Node>,
    execution: &Execution,
) -> Result<(), StoreError> {
    match node.and_then(|node| node.due_at(execution.entered_at)) {
        None => Ok(()),
        Some(at) => timer::set(change.tx, TimerKind::WorkflowNode, &subject(execution), at).await,
    }
}

/// Opens the bead for the role that the node wants. A new stay starts with a clean slate.
async fn work<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    bead: &Bead,
    role: Option<&Role>,
    author: Option<&str>,
    is_new: bool,
) -> Result<(), StoreError> {
    stop_run(change, bead, "the workflow went to another node").await?;
    let sql = "UPDATE bead SET wanted_role = ?2, author_agent = ?3, \
               assigned_to = CASE WHEN ?4 THEN NULL ELSE assigned_to END, \
               failed_runs = CASE WHEN ?4 THEN 0 ELSE failed_runs END, \
               retry_at = CASE WHEN ?4 THEN NULL ELSE retry_at END, \
               version = version + 1, updated_at = ?5 WHERE id = ?1";
    let parameters = vec![
        (&bead.id).into(),
        role.map(|role| role.as_str().to_owned()).into(),
        author.into(),
        is_new.into(),
        change.now.0.into(),
    ];
    change.tx.execute(sql, parameters).await?;
    if is_new {
        timer::cancel(change.tx, TimerKind::BeadRetry, &bead.id).await?;
    }
    let bead = bead::get(change.tx, &bead.id).await?;
    // Invariant I10 holds for workflows too: so many dispatches end in one question.
    if bead.dispatch_count >= MAX_DISPATCHES {
        let question = format!(
            "{} ({}) was dispatched {} times and its workflow is not at its end. What should happen?",
            bead.id, bead.title, bead.dispatch_count
        );
        let fingerprint = format!("attempts:{}", bead.id);
        let new = NewDecision::new(DecisionKind::AttemptsExhausted, fingerprint, question);
        hold(change, &bead, "attempts_exhausted").await?;
        decision::ask(change, &bead, &new, "").await?;
        return Ok(());
    }
    // A question that is open holds it without being blocked, as it does elsewhere: not every answer opens a bead.
    bead::change_status(change, &bead, BeadStatus::Open, "workflow_node").await
}

/// Puts the node's yes or no to a person.
async fn ask<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    definition: &Definition,
    execution: &Execution,
    bead: Bead,
) -> Result<(), StoreError> {
    timer::cancel(change.tx, TimerKind::WorkflowNode, &subject(execution)).await?;
    hold(change, &bead, "workflow_approval").await?;
    question::approval(change, definition, execution, &bead.id).await
}

/// Blocks the bead while its execution does not want it worked on.
pub(super) async fn hold<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    bead: &Bead,
    why: &str,
) -> Result<(), StoreError> {
    stop_run(change, bead, why).await?;
    let bead = bead::get(change.tx, &bead.id).await?;
    bead::change_status(change, &bead, BeadStatus::Blocked, why).await
}

async fn stop_run<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    bead: &Bead,
    why: &str,
) -> Result<(), StoreError> {
    if let Some(run_id) = &bead.run_id {
        cancel_run(change, run_id, why).await?;
    }
    Ok(())
}

/// Whether the project has an agent that could judge what `author` did.
async fn somebody_else<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project_id: &str,
    author: &str,
) -> Result<bool, StoreError> {
    Ok(agent::all(change.tx).await?.iter().any(|agent| {
        agent.id != author
            && agent
                .project_id
                .as_deref()
                .is_none_or(|id| id == project_id)
    }))
}

/// Whether what a wait node waits for is there already (invariant I12).
pub(super) async fn is_there<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    execution: &Execution,
    wait: &Wait,
) -> Result<bool, StoreError> {
    Ok(match wait {
        Wait::TimerMinutes(_) => false,
        Wait::Signal(name) => execution.signals.contains_key(name),
        Wait::Children(_) => children_are_closed(change.tx, &execution.bead_id).await?,
        Wait::Mvp(_) => mvp_is_closed(change.tx, &execution.bead_id).await?,
    })
}

/// Whether a bead has children, and all of them are closed.
async fn children_are_closed<S: Statements>(
    statements: &S,
    bead_id: &str,
) -> Result<bool, StoreError> {
    let sql = "SELECT COUNT(*), COALESCE(SUM(status <> 'closed'), 0) FROM bead \
               WHERE parent = ?1 AND deleted_at IS NULL";
    let row = statements.query_one(sql, vec![bead_id.into()]).await?;
    row.map_or(Ok(false), |row| {
        Ok(row.integer(0)? > 0 && row.integer(1)? == 0)
    })
}

/// Whether there is work of priority P1 or higher below a bead, and all of it is closed.
async fn mvp_is_closed<S: Statements>(statements: &S, bead_id: &str) -> Result<bool, StoreError> {
    let sql = "WITH RECURSIVE below (id) AS ( \
                   SELECT id FROM bead WHERE parent = ?1 AND deleted_at IS NULL \
                   UNION SELECT bead.id FROM bead JOIN below ON bead.parent = below.id WHERE bead.deleted_at IS NULL \
               ) SELECT COUNT(*), COALESCE(SUM(status <> 'closed'), 0) FROM bead JOIN below ON bead.id = below.id \
               WHERE bead.priority <= 1 AND bead.kind NOT IN ('epic', 'question', 'decision')";
    let row = statements.query_one(sql, vec![bead_id.into()]).await?;
    row.map_or(Ok(false), |row| {
        Ok(row.integer(0)? > 0 && row.integer(1)? == 0)
    })
}

/// Lets go of the bead of an execution that has ended: its role is again the one that its own text asks for.
pub(super) async fn release<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    execution: &Execution,
) -> Result<(), StoreError> {
    leave(change, execution).await?;
    let bead = bead::get(change.tx, &execution.bead_id).await?;
    let wanted = routing::wanted_role(
        &bead.title,
        &bead.description,
        &bead.tags,
        bead.fingerprint.is_some(),
    );
    let sql = "UPDATE bead SET execution_id = NULL, author_agent = NULL, wanted_role = ?2, version = version + 1 \
               WHERE id = ?1";
    let role = wanted.map(|wanted| wanted.role.as_str().to_owned());
    change
        .tx
        .execute(sql, vec![(&bead.id).into(), role.into()])
        .await?;
    Ok(())
}

/// Ends the bead with its workflow: closed, or in review where its branch was published for one.
async fn finish<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    definition: &Definition,
    execution: &Execution,
) -> Result<(), StoreError> {
    let bead = bead::get(change.tx, &execution.bead_id).await?;
    stop_run(change, &bead, "the workflow ended").await?;
    decision::withdraw(change, &bead.id, "the workflow ended").await?;
    let bead = bead::get(change.tx, &bead.id).await?;
    let is_good = execution.status == loom_domain::workflow::ExecutionStatus::Completed;
    if is_good && waits_for_review(change, execution).await? {
        return bead::hand_to_review(change, &bead).await;
    }
    let reason = if is_good {
        "done".to_owned()
    } else {
        format!(
            "workflow_failed: {} ended with {} at node {}",
            definition.name,
            execution
                .last_outcome
                .map_or("nothing", |outcome| outcome.as_str()),
            execution.node
        )
    };
    bead::change_status(change, &bead, BeadStatus::Closed, &reason).await
}

/// Whether the last work that was handed over in this execution is a branch that waits for a review.
async fn waits_for_review<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    execution: &Execution,
) -> Result<bool, StoreError> {
    let project = project::get(change.tx, &execution.project_id).await?;
    if project.git_strategy != GitStrategy::BranchPr {
        return Ok(false);
    }
    let sql = "SELECT 1 FROM run WHERE bead_id = ?1 AND created_at >= ?2 AND reason = 'in_review' LIMIT 1";
    let parameters = vec![(&execution.bead_id).into(), execution.started_at.0.into()];
    Ok(change.tx.query_one(sql, parameters).await?.is_some())
}
