use loom_domain::{
    Refusal,
    bead::{Bead, BeadInput, BeadStatus, HeldBy, REQUIRES_HUMAN_TAG, transition},
    event::{EventKind, NewEvent},
    routing,
};
use loom_platform::{Random, Statements};

use super::{
    blockers,
    file::{put_related, put_tags, refuse_unknown, unknown_reference, without_nulls},
    get,
    hold::{hold, release},
};
use crate::{StoreError, change::Change, decision, row::to_json, run, timer, workflow};

/// Changes a bead as a person asks. What is absent in `input` stays.
///
/// Closing it, opening it or blocking it ends its live run; opening it answers nothing by itself, but forgets its
/// failed runs, because a person has looked at it. What a person blocks stays blocked until a person says otherwise;
/// any other status releases it, even where its workflow waits and keeps it from being opened yet. The status that the
/// bead has already says nothing, because clients send whole beads back.
pub async fn update<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    bead: &Bead,
    input: BeadInput,
) -> Result<Bead, StoreError> {
    let input = input.checked()?;
    let mut names: Vec<&str> = Vec::new();
    if let Some(project_id) = &input.project_id
        && *project_id != bead.project_id
    {
        return Err(Refusal::invalid(
            "invalid_fields",
            "A bead stays in its project. File a new one in the other project.",
        )
        .field("project_id", "cannot change")
        .into());
    }
    if let Some(status) = input.status {
        transition(&bead.id, bead.status, status)?;
    }
    let mut next = bead.clone();
    macro_rules! take {
        ($($field:ident),*) => {$(
            if let Some(value) = input.$field.clone() {
                if next.$field != value {
                    next.$field = value;
                    names.push(stringify!($field));
                }
            }
        )*};
    }
    take!(
        kind,
        title,
        description,
        priority,
        parent,
        tags,
        blocked_by,
        related,
        touches,
        due_at,
        estimate_minutes,
        assigned_to
    );
    if let Some(changes) = input.context {
        let mut context = next.context.clone();
        context.extend(changes);
        next.context = without_nulls(context);
        names.push("context");
    }
    if let Some(parent) = &next.parent
        && next.parent != bead.parent
    {
        let known = get(change.tx, parent)
            .await
            .map_err(|_| unknown_reference("parent", parent))?;
        if known.project_id != bead.project_id {
            return Err(unknown_reference("parent", parent).into());
        }
        blockers::refuse_parent_cycle(change.tx, &bead.id, parent).await?;
    }
    if let Some(agent) = &next.assigned_to
        && next.assigned_to != bead.assigned_to
    {
        crate::agent::get(change.tx, agent)
            .await
            .map_err(|_| unknown_reference("assigned_to", agent))?;
    }
    if next.tags != bead.tags {
        put_tags(change.tx, &bead.id, &next.tags).await?;
    }
    if next.related != bead.related {
        put_related(change.tx, &bead.id, &next.related).await?;
    }
    let mut open_blockers = bead.open_blockers;
    if next.blocked_by != bead.blocked_by {
        let added: Vec<String> = next
            .blocked_by
            .iter()
            .filter(|id| !bead.blocked_by.contains(id))
            .cloned()
            .collect();
        refuse_unknown(change.tx, "blocked_by", &added).await?;
        open_blockers = blockers::replace(change.tx, &bead.id, &next.blocked_by).await?;
    }
    // Where the bead follows a workflow, the node says whose it is.
    let wanted_role = match &bead.execution_id {
        Some(_) => bead.wanted_role.clone(),
        None => routing::wanted_role(
            &next.title,
            &next.description,
            &next.tags,
            bead.fingerprint.is_some(),
        )
        .map(|wanted| wanted.role.as_str().to_owned()),
    };
    let is_other_work = names.contains(&"kind") || names.contains(&"tags");
    let is_elsewhere = is_other_work || names.contains(&"priority") || names.contains(&"parent");
    if !names.is_empty() {
        change
            .tx
            .execute(
                "UPDATE bead SET kind = ?2, title = ?3, description = ?4, priority = ?5, parent = ?6, touches = ?7, \
                 context = ?8, due_at = ?9, estimate_minutes = ?10, assigned_to = ?11, wanted_role = ?12, \
                 requires_human = ?13, open_blockers = ?14, version = version + 1, updated_at = ?15 WHERE id = ?1",
                vec![
                    (&bead.id).into(),
                    (&next.kind).into(),
                    (&next.title).into(),
                    (&next.description).into(),
                    next.priority.number().into(),
                    next.parent.as_ref().into(),
                    to_json(&next.touches).into(),
                    to_json(&next.context).into(),
                    next.due_at.map(|at| at.0).into(),
                    next.estimate_minutes.into(),
                    next.assigned_to.as_ref().into(),
                    wanted_role.into(),
                    next.tags.iter().any(|tag| tag == REQUIRES_HUMAN_TAG).into(),
                    open_blockers.into(),
                    change.now.0.into(),
                ],
            )
            .await?;
        let event = NewEvent::new(EventKind::BeadUpdated)
            .project(&bead.project_id)
            .bead(&bead.id)
            .with("fields", names);
        change.event(event).await?;
    }
    if is_other_work && input.status.is_none() {
        workflow::reselect(change, &bead.id).await?;
    }
    if is_elsewhere {
        for parent in [&bead.parent, &next.parent].into_iter().flatten() {
            workflow::below_changed(change, parent).await?;
        }
    }
    if let Some(status) = input.status
        && status != bead.status
    {
        if let Some(run_id) = &bead.run_id {
            run::cancel(
                change,
                run_id,
                &format!("{} set the bead {}.", change.actor, status.as_str()),
            )
            .await?;
        }
        let now = get(change.tx, &bead.id).await?;
        let is_released = status != BeadStatus::Blocked && release(change, &now).await?;
        if status == BeadStatus::Open {
            reopened(change, &now, is_released).await?;
        }
        let now = get(change.tx, &bead.id).await?;
        if status == BeadStatus::Closed {
            decision::withdraw(change, &bead.id, "the bead was closed").await?;
        }
        let reason = input.close_reason.as_deref().unwrap_or(match status {
            BeadStatus::Open => "opened by a person",
            BeadStatus::InProgress => "taken by a person",
            BeadStatus::Blocked => "blocked by a person",
            BeadStatus::Closed => "closed by a person",
        });
        refuse_second(change, &now, status).await?;
        // A workflow that a person put on its way again may wait at once: then it keeps its bead.
        if status != BeadStatus::Open || workflow::wants_work(change.tx, &bead.id).await? {
            change_status(change, &now, status, reason).await?;
        }
        match status {
            BeadStatus::Open => forget_failures(change, &bead.id).await?,
            BeadStatus::Blocked => {
                let person = HeldBy::Person(change.actor.to_owned());
                hold(change, &bead.id, &person, reason).await?;
            }
            _ => {}
        }
    }
    get(change.tx, &bead.id).await
}

/// Lets the workflow of a bead go on that a person opens. Where it waits, that is refused, unless the person has
/// released the bead by it: then it opens when the wait is over.
async fn reopened<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    bead: &Bead,
    is_released: bool,
) -> Result<(), StoreError> {
    match workflow::bead_reopened(change, bead).await {
        Err(StoreError::Refused(refusal))
            if is_released && refusal.code == workflow::WORKFLOW_WAITS =>
        {
            Ok(())
        }
        other => other,
    }
}

/// Gives a bead another chance at once: its failures are forgotten, its open decisions are answered by this, and its
/// retry time is now. What a person holds is released. A live run is left alone.
pub async fn redispatch<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    bead: &Bead,
    reason: &str,
) -> Result<Bead, StoreError> {
    if let Some(run_id) = &bead.run_id {
        return Err(Refusal::conflict("already_claimed", format!("Bead {} is being worked on by run {run_id}. It can be dispatched again when that run has ended.", bead.id))
            .detail("run_id", run_id.clone())
            .into());
    }
    transition(&bead.id, bead.status, BeadStatus::Open)?;
    let is_released = release(change, bead).await?;
    reopened(change, bead, is_released).await?;
    if !workflow::wants_work(change.tx, &bead.id).await? {
        return get(change.tx, &bead.id).await;
    }
    decision::answer_all(change, &bead.id, "redispatch", reason).await?;
    forget_failures(change, &bead.id).await?;
    let now = get(change.tx, &bead.id).await?;
    refuse_second(change, &now, BeadStatus::Open).await?;
    change_status(change, &now, BeadStatus::Open, reason).await?;
    let event = NewEvent::new(EventKind::BeadUpdated)
        .project(&bead.project_id)
        .bead(&bead.id)
        .with("fields", vec!["failed_runs", "dispatch_count", "retry_at"])
        .with("redispatch", reason);
    change.event(event).await?;
    get(change.tx, &bead.id).await
}

/// Refuses to open a bead that the system filed and closed, and has filed again since (invariant I9).
async fn refuse_second<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    bead: &Bead,
    status: BeadStatus,
) -> Result<(), StoreError> {
    let opens = bead.status == BeadStatus::Closed && status != BeadStatus::Closed;
    let Some(fingerprint) = bead.fingerprint.as_ref().filter(|_| opens) else {
        return Ok(());
    };
    let sql = "SELECT id FROM bead WHERE fingerprint = ?1 AND status <> 'closed'";
    let Some(row) = change.tx.query_one(sql, vec![fingerprint.into()]).await? else {
        return Ok(());
    };
    let other = row.text(0)?;
    let message = format!(
        "Bead {} was filed by the system, which has filed the same as {other} since. Work on that one, or close it \
         before you open this one.",
        bead.id
    );
    Err(Refusal::conflict("bead_filed_again", message)
        .detail("bead_id", other)
        .into())
}

/// Gives a bead its attempts anew, as only a person may (invariant I10).
pub(crate) async fn forget_failures<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    id: &str,
) -> Result<(), StoreError> {
    change
        .tx
        .execute("UPDATE bead SET failed_runs = 0, dispatch_count = 0, retry_at = NULL, version = version + 1 WHERE id = ?1", vec![id.into()])
        .await?;
    timer::cancel(change.tx, loom_domain::timer::TimerKind::BeadRetry, id).await
}

/// Makes a bead whose retry time has passed ready again; one whose time was moved meanwhile stays as it is.
pub async fn retry_is_due<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    id: &str,
) -> Result<(), StoreError> {
    let sql = "UPDATE bead SET retry_at = NULL, version = version + 1 WHERE id = ?1 AND retry_at <= ?2 RETURNING project_id";
    if let Some(row) = change
        .tx
        .query_one(sql, vec![id.into(), change.now.0.into()])
        .await?
    {
        let event = NewEvent::new(EventKind::BeadUpdated)
            .project(&row.text(0)?)
            .bead(id)
            .with("fields", vec!["retry_at"]);
        change.event(event).await?;
    }
    Ok(())
}

/// Moves a bead that has no live run to another status, keeps those that it blocks in step, and records the event.
///
/// A bead that a person's word holds is not opened by this, whoever asks for it: it is blocked, or stays so.
pub async fn change_status<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    bead: &Bead,
    status: BeadStatus,
    reason: &str,
) -> Result<(), StoreError> {
    let status = unless_held(bead, status);
    if bead.status == status && !bead.in_review {
        return Ok(());
    }
    transition(&bead.id, bead.status, status)?;
    let closes = status == BeadStatus::Closed;
    change
        .tx
        .execute(
            "UPDATE bead SET status = ?2, in_review = 0, close_reason = ?3, closed_at = ?4, version = version + 1, \
             updated_at = ?5, held_by = CASE WHEN ?2 = 'closed' THEN NULL ELSE held_by END WHERE id = ?1",
            vec![
                (&bead.id).into(),
                status.as_str().into(),
                closes.then(|| reason.to_owned()).into(),
                closes.then_some(change.now.0).into(),
                change.now.0.into(),
            ],
        )
        .await?;
    status_changed(change, bead, status, reason).await
}

/// The status that a bead gets instead of `status`: what is held is blocked where it would be open.
pub(crate) fn unless_held(bead: &Bead, status: BeadStatus) -> BeadStatus {
    match status {
        BeadStatus::Open if bead.held_by.is_some() => BeadStatus::Blocked,
        other => other,
    }
}

/// What follows from a change of status that is already written: blocked beads and the event.
pub(crate) async fn status_changed<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    before: &Bead,
    status: BeadStatus,
    reason: &str,
) -> Result<(), StoreError> {
    let step = match (
        before.status == BeadStatus::Closed,
        status == BeadStatus::Closed,
    ) {
        (false, true) => -1,
        (true, false) => 1,
        _ => 0,
    };
    if step != 0 {
        change
            .tx
            .execute(
                "UPDATE bead SET open_blockers = MAX(0, open_blockers + ?2), version = version + 1 \
                 WHERE id IN (SELECT bead_id FROM bead_blocker WHERE blocker_id = ?1)",
                vec![(&before.id).into(), step.into()],
            )
            .await?;
    }
    let event = NewEvent::new(EventKind::BeadStatusChanged)
        .project(&before.project_id)
        .bead(&before.id)
        .with("old_status", before.status.as_str())
        .with("status", status.as_str())
        .with("reason", reason);
    change.event(event).await?;
    if status == BeadStatus::Closed {
        decision::decider_ended(change, before).await?;
        run::wait::answered_bead(change, &before.id, reason).await?;
        if before.open_decisions > 0 {
            // A box, because the end of a decision may close the bead of its decider.
            Box::pin(decision::withdraw(
                change,
                &before.id,
                "the bead was closed",
            ))
            .await?;
        }
        if before.execution_id.is_some() {
            workflow::bead_closed(change, &before.id, reason).await?;
        }
        change
            .event(
                NewEvent::new(EventKind::BeadCompleted)
                    .project(&before.project_id)
                    .bead(&before.id)
                    .with("reason", reason),
            )
            .await?;
        if let Some(parent) = &before.parent {
            workflow::below_changed(change, parent).await?;
        }
    }
    Ok(())
}

/// Leaves a bead whose work is done to a review of its branch.
pub(crate) async fn hand_to_review<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    bead: &Bead,
) -> Result<(), StoreError> {
    transition(&bead.id, bead.status, BeadStatus::InProgress)?;
    let sql = "UPDATE bead SET status = 'in_progress', in_review = 1, version = version + 1, updated_at = ?2 \
               WHERE id = ?1";
    change
        .tx
        .execute(sql, vec![(&bead.id).into(), change.now.0.into()])
        .await?;
    status_changed(change, bead, BeadStatus::InProgress, "in_review").await
}

/// Deletes a bead: it is closed, no list shows it, and it blocks nobody. Its history stays in the event log.
pub async fn delete<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    bead: &Bead,
) -> Result<(), StoreError> {
    if let Some(run_id) = &bead.run_id {
        run::cancel(
            change,
            run_id,
            &format!("{} deleted the bead.", change.actor),
        )
        .await?;
    }
    decision::withdraw(change, &bead.id, "the bead was deleted").await?;
    let now = get(change.tx, &bead.id).await?;
    change_status(change, &now, BeadStatus::Closed, "deleted").await?;
    change
        .tx
        .execute(
            "UPDATE bead SET deleted_at = ?2 WHERE id = ?1",
            vec![(&bead.id).into(), change.now.0.into()],
        )
        .await?;
    change
        .event(
            NewEvent::new(EventKind::BeadDeleted)
                .project(&bead.project_id)
                .bead(&bead.id)
                .with("title", bead.title.clone()),
        )
        .await?;
    Ok(())
}
