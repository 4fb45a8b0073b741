//! Actions on beads and on what agents leave for each other: done in the transaction that journals them, so once.

use loom_domain::{
    Refusal,
    action::{Action, ActionOutcome},
    bead::{BeadInput, BeadStatus, Priority},
    decision::{DecisionKind, NewDecision, question_fingerprint},
    lesson::{Lesson, LessonCategory},
    role::Role,
    run::Wait,
};
use loom_platform::{Database, Platform, Random, Statements, Transaction};
use loom_store::{
    Change, StoreError,
    bead::{self, Origin},
    decision,
    knowledge::{self, ByAction},
    run, workflow,
};

use super::{Worker, decide};
use crate::{
    journal::{self, Brought, Effect},
    stop::Stop,
};

/// Performs an action and journals it, in one transaction. A rule's "no" is journalled for the model instead.
pub(crate) async fn perform<P: Platform>(
    worker: &Worker<'_, P>,
    position: usize,
    action: &Action,
) -> Result<Brought, Stop> {
    let actor = worker.actor();
    let tx = worker.platform.database().transaction().await?;
    let change = Change::new(&tx, worker.platform.random(), &actor).await?;
    run::guard(&tx, worker.hold).await?;
    let brought = match apply(worker, &change, position, action).await {
        Ok(brought) => brought,
        Err(StoreError::Refused(refusal)) => {
            // What was done before the refusal goes with the transaction.
            drop(tx);
            let brought = Brought::from(ActionOutcome::refused(refusal.code, explain(&refusal)));
            super::journal_only(worker, position, Some(action), &brought).await?;
            return Ok(brought);
        }
        Err(error) => return Err(error.into()),
    };
    run::record_action(
        &change,
        worker.hold,
        &journal::record(worker.step, position, Some(action), &brought),
    )
    .await?;
    tx.commit().await?;
    if matches!(action, Action::CloseBead { .. }) {
        // Whoever waits for the bead can go on, and what it blocks is ready.
        loom_api::nudge(worker.platform);
    }
    Ok(brought)
}

fn explain(refusal: &Refusal) -> String {
    refusal
        .fields
        .iter()
        .fold(refusal.message.clone(), |text, (field, problem)| {
            format!("{text} {field}: {problem}.")
        })
}

async fn apply<P: Platform, S: Statements, R: Random>(
    worker: &Worker<'_, P>,
    change: &Change<'_, S, R>,
    position: usize,
    action: &Action,
) -> Result<Brought, StoreError> {
    let own = &worker.context.bead;
    let own_run = &worker.context.run;
    let project = || Some(own.project_id.clone());
    let origin = || Origin {
        cause: Some(own.id.clone()),
        ..Origin::default()
    };
    match action.clone() {
        Action::CreateBead {
            title,
            description,
            bead_type,
            priority,
            tags,
            touches,
            blocked_by,
            parent,
            wait,
        } => {
            let input = BeadInput {
                project_id: project(),
                title: Some(title),
                description: Some(description),
                kind: bead_type,
                priority: priority.and_then(|number| Priority::new(i64::from(number))),
                tags: Some(tags),
                touches: Some(touches),
                blocked_by: Some(blocked_by),
                parent: parent.map(Some),
                ..BeadInput::default()
            };
            let is_plan = worker
                .context
                .stage
                .as_ref()
                .is_some_and(|stage| stage.node().is_set("holds_children"));
            let (filed, _) = bead::file(change, input, origin()).await?;
            if is_plan {
                workflow::hold_back(change, &filed, &own.id).await?;
                return Ok(ActionOutcome::ok(format!(
                    "Bead {} was filed. It is worked on once this stage ends with success.",
                    filed.id
                ))
                .into());
            }
            if !wait {
                return Ok(ActionOutcome::ok(format!("Bead {} was filed.", filed.id)).into());
            }
            if let Some(path) = bead::wait_path(change.tx, &own.id, &filed.id).await? {
                return Err(Refusal::conflict(
                    "wait_cycle",
                    format!(
                        "The new bead would wait for this one, and this one for it: {}. Leave out wait, or what leads back in blocked_by.",
                        path.join(" → ")
                    ),
                )
                .into());
            }
            Ok(awaits(
                Wait::bead(&filed.id),
                format!(
                    "Bead {} was filed. You are called again when it is closed.",
                    filed.id
                ),
            ))
        }
        Action::Delegate {
            role,
            title,
            description,
            priority,
        } => {
            let role = Role::parse(&role)?;
            let input = BeadInput {
                project_id: project(),
                title: Some(format!("[{}] {title}", role.as_str())),
                description: Some(description),
                priority: priority.map_or(Some(own.priority), |number| {
                    Priority::new(i64::from(number))
                }),
                parent: Some(Some(own.id.clone())),
                ..BeadInput::default()
            };
            let (filed, _) = bead::file(change, input, origin()).await?;
            Ok(awaits(
                Wait::bead(&filed.id),
                format!(
                    "Bead {} was filed for the role {}. You are called again when it is closed.",
                    filed.id,
                    role.as_str()
                ),
            ))
        }
        Action::Ask { role, question } => {
            let role = Role::parse(&role)?;
            if role.is_human_seat() {
                return ask_a_person(worker, change, position, question).await;
            }
            let short: String = question
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
                .chars()
                .take(120)
                .collect();
            let input = BeadInput {
                project_id: project(),
                kind: Some("question".to_owned()),
                title: Some(format!(
                    "[{}] Question about {}: {short}",
                    role.as_str(),
                    own.id
                )),
                description: Some(format!(
                    "{question}\n\nAnswer with a comment on this bead, then use done. Bead {} waits for it and is told.",
                    own.id
                )),
                priority: Some(own.priority),
                parent: Some(Some(own.id.clone())),
                ..BeadInput::default()
            };
            let (filed, _) = bead::file(change, input, origin()).await?;
            let now = bead::get(change.tx, &own.id).await?;
            let mut blocked_by = now.blocked_by.clone();
            blocked_by.push(filed.id.clone());
            let input = BeadInput {
                blocked_by: Some(blocked_by),
                ..BeadInput::default()
            };
            bead::update(change, &now, input).await?;
            Ok(awaits(
                Wait::bead(&filed.id),
                format!(
                    "Bead {} asks. You are called again when it is answered and closed.",
                    filed.id
                ),
            ))
        }
        Action::UpdateBead {
            bead_id,
            title,
            description,
            priority,
            tags,
            touches,
            blocked_by,
        } => {
            let target = same_project(worker, change, bead_id.as_deref()).await?;
            let input = BeadInput {
                title,
                description,
                priority: priority.and_then(|number| Priority::new(i64::from(number))),
                tags,
                touches,
                blocked_by,
                ..BeadInput::default()
            };
            let updated = bead::update(change, &target, input).await?;
            Ok(ActionOutcome::ok(format!("Bead {} was changed.", updated.id)).into())
        }
        Action::CloseBead { bead_id, reason } => {
            let target = same_project(worker, change, bead_id.as_deref()).await?;
            if target.id != own.id {
                if let Some(run_id) = &target.run_id {
                    return Err(Refusal::conflict("already_claimed", format!("Bead {} is being worked on by run {run_id}; it closes its bead itself.", target.id)).into());
                }
                if target.execution_id.is_some() && !target.context.contains_key(workflow::HELD_BY)
                {
                    return Err(Refusal::conflict("workflow_closes_it", format!("Bead {} follows a workflow, which closes it at its end. Comment on it instead.", target.id)).into());
                }
                bead::change_status(change, &target, BeadStatus::Closed, &reason).await?;
            }
            Ok(ActionOutcome::ok(format!("Bead {} is closed.", target.id)).into())
        }
        Action::Comment { bead_id, body } => {
            let target = same_project(worker, change, bead_id.as_deref()).await?;
            let by = by_action(worker, position);
            knowledge::comment(change, &target.id, &body, Some(by)).await?;
            Ok(ActionOutcome::ok(format!("The comment is on bead {}.", target.id)).into())
        }
        Action::Escalate {
            bead_id, question, ..
        } => {
            let target = same_project(worker, change, bead_id.as_deref()).await?;
            if target.id != own.id {
                return Err(Refusal::conflict(
                    "not_your_bead",
                    format!("Only the run that works on bead {} can escalate it. Comment on it instead.", target.id),
                )
                .into());
            }
            Ok(ActionOutcome::ok(format!("A person is asked: {question}")).into())
        }
        Action::Approve { reason, option, .. } => {
            let reason = reason.unwrap_or_default();
            decide::answer(change, own, true, option.as_deref(), &reason).await
        }
        Action::Reject { reason, .. } => decide::answer(change, own, false, None, &reason).await,
        Action::SendMessage { to, message } => {
            let role = Role::parse(&to)?;
            if role.is_human_seat() {
                // People read beads, not the messages of agents.
                let body = format!("@{}: {message}", role.as_str());
                knowledge::comment(change, &own.id, &body, Some(by_action(worker, position)))
                    .await?;
                let text = format!(
                    "The message is a comment on bead {}, where people read it.",
                    own.id
                );
                return Ok(ActionOutcome::ok(text).into());
            }
            let subject = format!("About bead {}", own.id);
            knowledge::send_message(change, own_run, role.as_str(), &subject, &message).await?;
            Ok(ActionOutcome::ok(format!(
                "The next agent of the role {} reads it.",
                role.as_str()
            ))
            .into())
        }
        Action::Remember { title, detail } => {
            let lesson = Lesson {
                category: LessonCategory::Note,
                title,
                detail,
            };
            let embedding = lesson.embedding().to_bytes();
            knowledge::remember(
                change,
                own_run,
                lesson.category.as_str(),
                &lesson.title,
                &lesson.detail,
                embedding,
            )
            .await?;
            Ok(ActionOutcome::ok("The lesson is kept.").into())
        }
        _ => Ok(
            ActionOutcome::refused("not_an_operation", "This action does not concern beads.")
                .into(),
        ),
    }
}

/// What the run waits for when the step has ended.
fn awaits(wait: Wait, text: String) -> Brought {
    Brought {
        outcome: ActionOutcome::ok(text),
        effect: Some(Effect::Awaits(wait)),
    }
}

fn by_action<'a, P>(worker: &Worker<'a, P>, position: usize) -> ByAction<'a> {
    ByAction {
        hold: worker.hold,
        step: worker.step,
        position: i64::try_from(position).unwrap_or(i64::MAX),
    }
}

/// Puts a question to a person, as a decision that the run waits for; the bead stays with the run.
async fn ask_a_person<P: Platform, S: Statements, R: Random>(
    worker: &Worker<'_, P>,
    change: &Change<'_, S, R>,
    position: usize,
    question: String,
) -> Result<Brought, StoreError> {
    let (own, agent) = (&worker.context.bead, &worker.context.agent);
    let position = i64::try_from(position).unwrap_or(i64::MAX);
    let fingerprint = question_fingerprint(&worker.hold.run_id, worker.step, position);
    // A person was asked, so no agent may answer.
    let new = NewDecision::new(DecisionKind::Question, fingerprint, question)
        .options(vec!["answered".to_owned()])
        .high_risk();
    let context = format!(
        "Agent {} ({}) asks while it works on {} ({}), and waits for the answer: say it in the rationale.",
        agent.name, agent.role, own.id, own.title
    );
    let now = bead::get(change.tx, &own.id).await?;
    match decision::ask(change, &now, &new, &context).await? {
        Some(id) => Ok(awaits(
            Wait::decision(&id),
            "A person is asked. You are called again with the answer.".to_owned(),
        )),
        None => Err(Refusal::conflict("question_open", "This question is open already.").into()),
    }
}

/// The bead that is meant, which must be of the run's own project.
async fn same_project<P: Platform, S: Statements, R: Random>(
    worker: &Worker<'_, P>,
    change: &Change<'_, S, R>,
    bead_id: Option<&str>,
) -> Result<loom_domain::bead::Bead, StoreError> {
    let own = &worker.context.bead;
    let target = bead::get(change.tx, bead_id.unwrap_or(&own.id)).await?;
    if target.project_id == own.project_id {
        Ok(target)
    } else {
        Err(Refusal::conflict(
            "other_project",
            format!("Bead {} belongs to another project.", target.id),
        )
        .into())
    }
}
