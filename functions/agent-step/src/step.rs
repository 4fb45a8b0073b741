//! One step: the reply, the actions, and what they come to.

use loom_api::Settings;
use loom_domain::{
    action::{Action, ActionOutcome},
    conversation::{Message, Reply, Speaker},
    loop_detection::{self, Observation, Verdict},
    prompt,
    reply::{self, Call},
    run::{EndReason, Hold, MAX_PARSE_FAILURES, MAX_STEPS, Wait},
};
use loom_platform::{Database, Platform, Transaction};
use loom_store::{
    Change,
    run::{self, Leased},
};

use crate::{
    checks, ending,
    journal::{self, Brought, Effect},
    model,
    next::Next,
    perform::{self, Worker},
    stop::Stop,
};

/// Takes the next step of a leased run.
pub(crate) async fn take<P: Platform>(
    platform: &P,
    settings: &Settings,
    leased: &Leased,
) -> Result<Next, Stop> {
    let hold = &leased.hold;
    let number = leased.run.steps + 1;
    if number > MAX_STEPS {
        return Err(Stop::End(EndReason::Failed {
            code: "step_limit".to_owned(),
            message: format!("The run took {MAX_STEPS} steps without coming to an end."),
        }));
    }
    if leased.run.branch.is_none() {
        perform::open_workspace(platform, settings, hold).await?;
    }
    if let Some(next) = checks::look(platform, settings, hold, number).await? {
        return Ok(next);
    }
    let reply = model::reply(platform, settings, hold, number).await?;
    let worker = Worker::load(platform, settings, hold, number).await?;
    match reply::parse(&reply, worker.context.allowed_actions()) {
        Ok(calls) => carry_out(&worker, &reply, calls).await,
        Err(error) => {
            let mut messages = vec![reply::assistant_message(&reply)];
            messages.extend(error.messages());
            let limit = EndReason::Failed {
                code: "parse_failures".to_owned(),
                message: format!(
                    "{MAX_PARSE_FAILURES} replies in a row could not be carried out; the last: {}",
                    error.kind.code()
                ),
            };
            finish(&worker, &messages, Usable::No { limit }).await
        }
    }
}

/// Performs the actions of a reply in order, each journalled before the next (invariant I7).
async fn carry_out<P: Platform>(
    worker: &Worker<'_, P>,
    reply: &Reply,
    calls: Vec<Call>,
) -> Result<Next, Stop> {
    let done =
        run::actions_of_step(worker.platform.database(), &worker.hold.run_id, worker.step).await?;
    let mut results: Vec<(Option<String>, String)> = Vec::new();
    let mut failed = false;
    let mut end: Option<EndReason> = None;
    let mut waits: Vec<Wait> = Vec::new();
    for (position, call) in calls.into_iter().enumerate() {
        let known = done
            .iter()
            .find(|record| usize::try_from(record.position) == Ok(position))
            .map(journal::brought);
        let text = match &call.action {
            Err(error) => {
                let brought = match known {
                    Some(brought) => brought,
                    None => {
                        let brought =
                            Brought::from(ActionOutcome::refused(error.code(), error.to_string()));
                        perform::journal_only(worker, position, None, &brought).await?;
                        brought
                    }
                };
                failed = true;
                format!("Not carried out. {}", brought.outcome.text)
            }
            Ok(action) => {
                let brought = match known {
                    Some(brought) => brought,
                    None if end.is_some() => already_over(worker, position, action).await?,
                    None if !waits.is_empty() && action.ends_run(&worker.hold.bead_id) => {
                        not_while_waiting(worker, position, action, &waits).await?
                    }
                    None if failed && action.concludes() => {
                        not_tried(worker, position, action).await?
                    }
                    None => perform::perform(worker, position, action).await?,
                };
                failed = failed || !brought.outcome.is_ok();
                if let Some(Effect::Awaits(wait)) = &brought.effect {
                    waits.push(wait.clone());
                }
                if end.is_none() {
                    end = ending::reason(worker, action, &brought);
                }
                prompt::format_result(action, &brought.outcome)
            }
        };
        results.push((call.call_id, text));
    }
    let mut messages = vec![reply::assistant_message(reply)];
    messages.extend(prompt::result_messages(&results));
    if end.is_none() {
        let log = journal::performed(
            &run::action_log(worker.platform.database(), &worker.hold.run_id).await?,
        );
        let history: Vec<Observation> = log.iter().map(Observation::from).collect();
        match loop_detection::assess(&history) {
            Verdict::Progress => {}
            Verdict::Warn { message } => messages.push(Message::text(Speaker::User, message)),
            Verdict::Stop { message } => {
                end = Some(EndReason::Failed {
                    code: "inner_loop".to_owned(),
                    message,
                })
            }
        }
    }
    finish(worker, &messages, Usable::Yes { end, waits }).await
}

/// An action after the one that ended the run.
async fn already_over<P: Platform>(
    worker: &Worker<'_, P>,
    position: usize,
    action: &Action,
) -> Result<Brought, Stop> {
    let brought = Brought::from(ActionOutcome::refused(
        "run_over",
        "Not tried: an earlier action of this reply ended the run.",
    ));
    perform::journal_only(worker, position, Some(action), &brought).await?;
    Ok(brought)
}

/// An action that would end a run which waits for what an earlier one of the same reply asked for.
async fn not_while_waiting<P: Platform>(
    worker: &Worker<'_, P>,
    position: usize,
    action: &Action,
    waits: &[Wait],
) -> Result<Brought, Stop> {
    let ids: Vec<&str> = waits.iter().map(|wait| wait.id.as_str()).collect();
    let brought = Brought::from(ActionOutcome::refused(
        "waits_for_answer",
        format!(
            "Not tried: an earlier action of this reply waits for {}. You are called again when that is closed or \
             answered; look at what came of it, and then use {}.",
            ids.join(", "),
            action.name()
        ),
    ));
    perform::journal_only(worker, position, Some(action), &brought).await?;
    Ok(brought)
}

/// An action that concludes work which an earlier one of the same reply failed to do.
async fn not_tried<P: Platform>(
    worker: &Worker<'_, P>,
    position: usize,
    action: &Action,
) -> Result<Brought, Stop> {
    let brought = Brought::from(ActionOutcome::refused(
        "not_tried",
        prompt::not_tried(action),
    ));
    perform::journal_only(worker, position, Some(action), &brought).await?;
    Ok(brought)
}

/// Whether a reply could be carried out, and what then follows from it.
enum Usable {
    Yes {
        end: Option<EndReason>,
        waits: Vec<Wait>,
    },
    No {
        limit: EndReason,
    },
}

/// Ends the step in one transaction: its messages, its count, and the end of the run, its wait, or its return
/// to the queue.
async fn finish<P: Platform>(
    worker: &Worker<'_, P>,
    messages: &[Message],
    usable: Usable,
) -> Result<Next, Stop> {
    let (platform, hold): (&P, &Hold) = (worker.platform, worker.hold);
    let actor = worker.actor();
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), &actor).await?;
    let is_usable = matches!(usable, Usable::Yes { .. });
    let parse_failures = run::end_step(&change, hold, worker.step, messages, is_usable).await?;
    let (end, waits) = match usable {
        Usable::Yes { end, waits } => (end, waits),
        Usable::No { limit } => {
            let end = (parse_failures >= MAX_PARSE_FAILURES).then_some(limit);
            (end, Vec::new())
        }
    };
    let next = match end {
        Some(reason) => {
            ending::apply(&change, worker.settings, hold, reason).await?;
            Next::Ended
        }
        None if !waits.is_empty() && run::wait(&change, hold, &waits).await? => Next::Waiting,
        None => {
            run::hand_over(&change, hold, worker.settings.hand_over_ms()).await?;
            Next::Step
        }
    };
    tx.commit().await?;
    Ok(next)
}
