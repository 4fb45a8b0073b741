//! What other parts tell an execution: its run ended, its bead was closed or opened, a child closed, time passed.

use loom_domain::{
    Refusal,
    bead::Bead,
    run::{EndReason, Run},
    workflow::{Command, ExecutionStatus, Outcome, Stand, Wait, stand},
};
use loom_platform::{Random, Statements};

use super::{
    advance::{Asked, advance},
    boxed::Boxed,
    execution::{get, live_of_bead, node_of, save},
    held::postpone,
    place::{hold, is_there, release},
    plan::open_held,
    question::of_stay,
};
use crate::{StoreError, bead, change::Change, decision};

/// Tells the execution of a run's bead what the run came to. The run has ended and its bead is free.
pub(crate) fn run_ended<'a, S: Statements, R: Random>(
    change: &'a Change<'a, S, R>,
    execution_id: &'a str,
    run: &'a Run,
    reason: &'a EndReason,
) -> Boxed<'a, ()> {
    Box::pin(async move {
        let agent_id = Some(run.agent_id.clone());
        let mut asked = None;
        let command = match reason {
            EndReason::NodeConcluded { outcome, note, .. } => Command::Conclude {
                outcome: *outcome,
                agent_id,
                note: note.clone(),
            },
            EndReason::NodeEscalated {
                question,
                options,
                recommendation,
            } => {
                asked = Some(Asked {
                    options: options.clone(),
                    recommendation: recommendation.clone(),
                    returned_to: Some(run.agent_id.clone()),
                });
                Command::Conclude {
                    outcome: Outcome::Escalated,
                    agent_id,
                    note: question.clone(),
                }
            }
            EndReason::Failed { code, message } => Command::FailAttempt {
                agent_id,
                code: code.clone(),
                note: message.clone(),
            },
            _ => {
                let execution = get(change.tx, execution_id).await?;
                if execution.is_paused && execution.status == ExecutionStatus::Active {
                    let bead = bead::get(change.tx, &execution.bead_id).await?;
                    hold(change, &bead, "workflow_paused").await?;
                }
                return Ok(());
            }
        };
        let before = get(change.tx, execution_id).await?;
        let after = advance(change, execution_id, command, asked.as_ref(), None).await?;
        let (_, node) = node_of(change.tx, &before).await?;
        let is_planned = node.is_some_and(|node| node.is_set("holds_children"));
        if is_planned && after.last_outcome == Some(Outcome::Success) && after.stay > before.stay {
            open_held(change, &before.bead_id).await?;
        }
        Ok(())
    })
}

/// Ends the execution of a bead that was closed by something else than the execution itself.
pub(crate) fn bead_closed<'a, S: Statements, R: Random>(
    change: &'a Change<'a, S, R>,
    bead_id: &'a str,
    reason: &'a str,
) -> Boxed<'a, ()> {
    Box::pin(async move {
        if let Some(live) = live_of_bead(change.tx, bead_id).await? {
            give_up(change, &live.id, &format!("The bead was closed: {reason}")).await?;
        }
        Ok(())
    })
}

/// Cancels an execution without moving its bead.
pub(super) async fn give_up<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    execution_id: &str,
    reason: &str,
) -> Result<(), StoreError> {
    let before = get(change.tx, execution_id).await?;
    let record = loom_domain::workflow::Record::Cancelled {
        reason: reason.to_owned(),
    };
    let mut execution = before.clone();
    execution.apply(&record, change.now);
    save(
        change,
        before.version,
        &execution,
        std::slice::from_ref(&record),
    )
    .await?;
    super::advance::tell(change, &execution, &record).await?;
    release(change, &before).await
}

/// The code of the refusal to open a bead past where its workflow waits.
pub(crate) const WORKFLOW_WAITS: &str = "workflow_waits";

/// Lets an execution go on whose bead a person opens again, or refuses: where the execution waits for something, the
/// bead cannot be opened past it.
pub(crate) fn bead_reopened<'a, S: Statements, R: Random>(
    change: &'a Change<'a, S, R>,
    bead: &'a Bead,
) -> Boxed<'a, ()> {
    Box::pin(async move {
        let Some(live) = live_of_bead(change.tx, &bead.id).await? else {
            return Ok(());
        };
        if live.status == ExecutionStatus::Escalated || live.is_paused {
            let note = format!("{} opened the bead again.", change.actor);
            advance(change, &live.id, Command::Resume { note }, None, None).await?;
            return Ok(());
        }
        let (definition, _) = node_of(change.tx, &live).await?;
        let is_asked = decision::is_open(change.tx, &of_stay(&live)).await?;
        let waits = match stand(&definition, &live) {
            _ if is_asked => "a person's decision",
            Stand::Wait(_) => "something outside",
            _ => return Ok(()),
        };
        Err(Refusal::conflict(
            WORKFLOW_WAITS,
            format!(
                "Bead {} follows execution {}, which waits for {waits} at node {}. Decide it, signal it, or restart the execution from another node.",
                bead.id, live.id, live.node
            ),
        )
        .detail("execution_id", live.id)
        .into())
    })
}

/// Moves executions on that wait for beads below theirs, after such a bead closed or was moved: `parent_id` is where it
/// is or was. The nearest goes first, because with it the next may close too.
pub(crate) fn below_changed<'a, S: Statements, R: Random>(
    change: &'a Change<'a, S, R>,
    parent_id: &'a str,
) -> Boxed<'a, ()> {
    Box::pin(async move {
        let sql = "WITH RECURSIVE above (id, distance) AS ( \
                       SELECT ?1, 0 \
                       UNION SELECT bead.parent, distance + 1 FROM bead JOIN above ON bead.id = above.id \
                       WHERE bead.parent IS NOT NULL AND distance < 100 \
                   ) SELECT bead.execution_id FROM bead JOIN above ON bead.id = above.id \
                   WHERE bead.execution_id IS NOT NULL ORDER BY distance";
        for row in change.tx.query(sql, vec![parent_id.into()]).await? {
            let live = get(change.tx, &row.text(0)?).await?;
            if live.status != ExecutionStatus::Active {
                continue;
            }
            let (definition, _) = node_of(change.tx, &live).await?;
            let Stand::Wait(wait @ (Wait::Children(_) | Wait::Mvp(_))) = stand(&definition, &live)
            else {
                continue;
            };
            if is_there(change, &live, &wait).await? {
                advance(change, &live.id, Command::EndWait, None, None).await?;
            }
        }
        Ok(())
    })
}

/// Tells an execution that the time of a stay ran out; `subject` is that of the timer.
pub async fn timed_out<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    subject: &str,
) -> Result<(), StoreError> {
    let Some((execution_id, stay)) = subject.rsplit_once(':') else {
        return Err(StoreError::Corrupt(format!("a timer of node {subject:?}")));
    };
    let stay = stay
        .parse()
        .map_err(|_| StoreError::Corrupt(format!("a timer of node {subject:?}")))?;
    if postpone(change, execution_id, stay, subject).await? {
        return Ok(());
    }
    advance(change, execution_id, Command::TimeOut { stay }, None, None).await?;
    Ok(())
}
