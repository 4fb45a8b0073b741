use loom_domain::{
    budget::BudgetScope,
    conversation::{Message, Reply},
    event::{EventKind, NewEvent},
    run::{Hold, Run},
    time::Timestamp,
};
use loom_platform::{Random, Row, Statements};
use serde::Serialize;
use serde_json::Value as Json;

use super::{get, lease::guard};
use crate::{
    StoreError,
    budget::{self, Caps},
    change::Change,
    row::{json, optional_json, optional_time, time, to_json},
};

/// A step that is about to call the model.
#[derive(Debug, Clone)]
pub struct NewStep<'a> {
    /// Its number within the run, from 1.
    pub number: i64,
    /// What is sent, kept so that a repeated call sends the very same bytes and TokenHub can replay its answer.
    pub request: &'a str,
    /// What it may cost at most, in micro-US-dollars.
    pub reservation_micro_usd: i64,
    /// The caps that it must stay under.
    pub caps: Caps,
    /// Whom it calls.
    pub provider_id: &'a str,
    /// The model that it asks for.
    pub model_asked: Option<&'a str>,
}

/// How a step was opened.
#[derive(Debug, Clone, PartialEq)]
pub enum OpenedStep {
    /// The model is to be called with this request: that of an earlier try, if there was one.
    Call {
        /// What to send.
        request: String,
        /// Whom to call: the provider that the money was reserved for.
        provider_id: String,
        /// Calls that failed before.
        failures: i64,
        /// How often the idempotency key was renewed before.
        key_number: i64,
    },
    /// The reply is journalled already.
    Replied(Reply),
    /// The actions are journalled too.
    Ended,
    /// A budget would be exceeded; the transaction must not be committed.
    BudgetExceeded(BudgetScope),
}

/// Opens the call of a step: reserves its cost and notes its request in one transaction (invariants I7 and I11), or
/// finds what an earlier holder journalled.
pub async fn open_step<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    hold: &Hold,
    new: &NewStep<'_>,
) -> Result<OpenedStep, StoreError> {
    guard(change.tx, hold).await?;
    let run = get(change.tx, &hold.run_id).await?;
    if let Some(opened) = reopen_step(change, hold, new.number).await? {
        return Ok(opened);
    }
    if let Some(scope) = budget::reserve(
        change.tx,
        &run,
        new.reservation_micro_usd,
        new.caps,
        change.now,
    )
    .await?
    {
        return Ok(OpenedStep::BudgetExceeded(scope));
    }
    change
        .tx
        .execute(
            "INSERT INTO step (run_id, number, status, request, reserved_micro_usd, provider_id, model_asked, started_at) \
             VALUES (?1, ?2, 'calling', ?3, ?4, ?5, ?6, ?7)",
            vec![
                (&run.id).into(),
                new.number.into(),
                new.request.into(),
                new.reservation_micro_usd.into(),
                new.provider_id.into(),
                new.model_asked.into(),
                change.now.0.into(),
            ],
        )
        .await?;
    let event = about(&run, EventKind::StepStarted)
        .with("step", new.number)
        .with("reserved_micro_usd", new.reservation_micro_usd)
        .with("provider_id", new.provider_id);
    change.event(event).await?;
    Ok(OpenedStep::Call {
        request: new.request.to_owned(),
        provider_id: new.provider_id.to_owned(),
        failures: 0,
        key_number: 0,
    })
}

/// What an earlier holder left of a step: its open call, its journalled reply, or nothing more to do. `None` when the
/// step was never opened.
pub async fn reopen_step<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    hold: &Hold,
    number: i64,
) -> Result<Option<OpenedStep>, StoreError> {
    guard(change.tx, hold).await?;
    let sql = "SELECT status, request, reply, provider_id, failures, key_number FROM step WHERE run_id = ?1 AND number = ?2";
    let Some(row) = change
        .tx
        .query_one(sql, vec![(&hold.run_id).into(), number.into()])
        .await?
    else {
        return Ok(None);
    };
    Ok(Some(match row.text(0)?.as_str() {
        "calling" => {
            let sql = "UPDATE step SET calls = calls + 1 WHERE run_id = ?1 AND number = ?2";
            change
                .tx
                .execute(sql, vec![(&hold.run_id).into(), number.into()])
                .await?;
            OpenedStep::Call {
                request: row.text(1)?,
                provider_id: row.text(3)?,
                failures: row.integer(4)?,
                key_number: row.integer(5)?,
            }
        }
        "replied" => OpenedStep::Replied(json(&row, 2)?),
        _ => OpenedStep::Ended,
    }))
}

/// Notes that a call failed, and whether the next one needs another idempotency key, before it is made: one conditional
/// statement, so that it needs no transaction (invariant I2).
pub async fn record_failed_call<S: Statements>(
    statements: &S,
    hold: &Hold,
    number: i64,
    new_key: bool,
) -> Result<(), StoreError> {
    let sql = "UPDATE step SET failures = failures + 1, calls = calls + 1, key_number = key_number + ?4 \
               WHERE run_id = ?1 AND number = ?3 AND status = 'calling' \
               AND EXISTS (SELECT 1 FROM run WHERE id = ?1 AND fence = ?2 AND status = 'running')";
    let changed = statements
        .execute(
            sql,
            vec![
                (&hold.run_id).into(),
                hold.fence.into(),
                number.into(),
                new_key.into(),
            ],
        )
        .await?;
    if changed == 0 {
        Err(hold.stale().into())
    } else {
        Ok(())
    }
}

/// What the model answered, and what that cost.
#[derive(Debug, Clone)]
pub struct StepReply<'a> {
    /// The step.
    pub number: i64,
    /// The answer.
    pub reply: &'a Reply,
    /// The model that answered, by its provider's word.
    pub model_given: &'a str,
    /// Tokens of the prompt.
    pub prompt_tokens: i64,
    /// Tokens of the completion.
    pub completion_tokens: i64,
    /// Whether the tokens are Loom's own estimate, because the provider told none.
    pub is_estimated: bool,
    /// What it cost, in micro-US-dollars.
    pub cost_micro_usd: i64,
}

/// Journals a reply before any of its effects, settles its reservation and books its usage (invariants I7 and I11).
/// A reply that is journalled already stays as it is.
pub async fn record_reply<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    hold: &Hold,
    reply: &StepReply<'_>,
) -> Result<(), StoreError> {
    guard(change.tx, hold).await?;
    let run = get(change.tx, &hold.run_id).await?;
    let sql = "SELECT reserved_micro_usd, started_at, provider_id, model_asked FROM step \
               WHERE run_id = ?1 AND number = ?2 AND status = 'calling'";
    let Some(row) = change
        .tx
        .query_one(sql, vec![(&run.id).into(), reply.number.into()])
        .await?
    else {
        return Ok(());
    };
    let (reserved, started_at, provider_id) =
        (row.integer(0)?, Timestamp(row.integer(1)?), row.text(2)?);
    change
        .tx
        .execute(
            "UPDATE step SET status = 'replied', reply = ?3, request = NULL, reserved_micro_usd = 0, model_given = ?4, \
             prompt_tokens = ?5, completion_tokens = ?6, cost_micro_usd = ?7, replied_at = ?8 \
             WHERE run_id = ?1 AND number = ?2",
            vec![
                (&run.id).into(),
                reply.number.into(),
                to_json(reply.reply).into(),
                reply.model_given.into(),
                reply.prompt_tokens.into(),
                reply.completion_tokens.into(),
                reply.cost_micro_usd.into(),
                change.now.0.into(),
            ],
        )
        .await?;
    budget::settle(change.tx, &run, reserved, reply.cost_micro_usd, started_at).await?;
    change
        .tx
        .execute(
            "INSERT INTO usage (run_id, step, bead_id, project_id, agent_id, provider_id, model_asked, model_given, \
             prompt_tokens, completion_tokens, cost_micro_usd, is_estimated, latency_ms, day, created_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
            vec![
                (&run.id).into(),
                reply.number.into(),
                (&run.bead_id).into(),
                (&run.project_id).into(),
                (&run.agent_id).into(),
                (&provider_id).into(),
                row.optional_text(3)?.into(),
                reply.model_given.into(),
                reply.prompt_tokens.into(),
                reply.completion_tokens.into(),
                reply.cost_micro_usd.into(),
                reply.is_estimated.into(),
                (change.now.0 - started_at.0).into(),
                started_at.day().into(),
                change.now.0.into(),
            ],
        )
        .await?;
    // A journalled reply is progress: from here a crash costs nothing.
    change
        .tx
        .execute(
            "UPDATE run SET restarts = 0 WHERE id = ?1",
            vec![(&run.id).into()],
        )
        .await?;
    let event = about(&run, EventKind::StepReplied)
        .with("step", reply.number)
        .with("model", reply.model_given)
        .with("prompt_tokens", reply.prompt_tokens)
        .with("completion_tokens", reply.completion_tokens)
        .with("cost_micro_usd", reply.cost_micro_usd);
    change.event(event).await?;
    Ok(())
}

/// One action and its result.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ActionRecord {
    /// The step that it belongs to.
    pub step: i64,
    /// Its place among the actions of its step, from 0.
    pub position: i64,
    /// The action's name.
    pub name: String,
    /// The whole action.
    pub action: Json,
    /// What tells it from others, content included.
    pub fingerprint: String,
    /// `ok`, `refused` or `error`.
    pub status: String,
    /// Why it was refused or failed.
    pub code: Option<String>,
    /// What it brought.
    pub result: Json,
    /// When it was journalled.
    pub created_at: Timestamp,
}

/// Journals the result of one action, before the next is performed (invariant I7). One that is journalled already
/// stays as it is.
pub async fn record_action<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    hold: &Hold,
    record: &ActionRecord,
) -> Result<(), StoreError> {
    guard(change.tx, hold).await?;
    let run = get(change.tx, &hold.run_id).await?;
    let inserted = change
        .tx
        .execute(
            "INSERT OR IGNORE INTO action_result (run_id, step, position, name, action, fingerprint, status, code, result, created_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            vec![
                (&run.id).into(),
                record.step.into(),
                record.position.into(),
                (&record.name).into(),
                record.action.to_string().into(),
                (&record.fingerprint).into(),
                (&record.status).into(),
                record.code.as_ref().into(),
                record.result.to_string().into(),
                change.now.0.into(),
            ],
        )
        .await?;
    if inserted > 0 {
        change
            .tx
            .execute(
                "UPDATE run SET restarts = 0 WHERE id = ?1",
                vec![(&run.id).into()],
            )
            .await?;
        let event = about(&run, EventKind::ActionPerformed)
            .with("step", record.step)
            .with("position", record.position)
            .with("action", record.name.clone())
            .with("status", record.status.clone())
            .with("code", record.code.clone());
        change.event(event).await?;
    }
    Ok(())
}

/// The journalled actions of one step, in order.
pub async fn actions_of_step<S: Statements>(
    statements: &S,
    run_id: &str,
    step: i64,
) -> Result<Vec<ActionRecord>, StoreError> {
    actions(
        statements,
        "run_id = ?1 AND step = ?2",
        vec![run_id.into(), step.into()],
    )
    .await
}

/// All journalled actions of a run, in order.
pub async fn action_log<S: Statements>(
    statements: &S,
    run_id: &str,
) -> Result<Vec<ActionRecord>, StoreError> {
    actions(statements, "run_id = ?1", vec![run_id.into()]).await
}

async fn actions<S: Statements>(
    statements: &S,
    condition: &str,
    parameters: Vec<loom_platform::Value>,
) -> Result<Vec<ActionRecord>, StoreError> {
    let sql = format!(
        "SELECT step, position, name, action, fingerprint, status, code, result, created_at FROM action_result \
         WHERE {condition} ORDER BY step, position"
    );
    statements
        .query(&sql, parameters)
        .await?
        .iter()
        .map(action_from_row)
        .collect()
}

fn action_from_row(row: &Row) -> Result<ActionRecord, StoreError> {
    Ok(ActionRecord {
        step: row.integer(0)?,
        position: row.integer(1)?,
        name: row.text(2)?,
        action: json(row, 3)?,
        fingerprint: row.text(4)?,
        status: row.text(5)?,
        code: row.optional_text(6)?,
        result: json(row, 7)?,
        created_at: time(row, 8)?,
    })
}

/// Ends a step: appends its messages to the conversation, and counts it. Whether the reply could be used at all
/// decides on the count of unusable replies in a row, which is returned.
pub async fn end_step<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    hold: &Hold,
    number: i64,
    messages: &[Message],
    usable: bool,
) -> Result<i64, StoreError> {
    guard(change.tx, hold).await?;
    let run = get(change.tx, &hold.run_id).await?;
    for (position, message) in messages.iter().enumerate() {
        change
            .tx
            .execute(
                "INSERT OR REPLACE INTO conversation_message (run_id, step, position, message) VALUES (?1, ?2, ?3, ?4)",
                vec![(&run.id).into(), number.into(), i64::try_from(position).unwrap_or(i64::MAX).into(), to_json(message).into()],
            )
            .await?;
    }
    change
        .tx
        .execute(
            "UPDATE step SET status = 'ended', ended_at = ?3 WHERE run_id = ?1 AND number = ?2",
            vec![(&run.id).into(), number.into(), change.now.0.into()],
        )
        .await?;
    let parse_failures = if usable { 0 } else { run.parse_failures + 1 };
    change
        .tx
        .execute(
            "UPDATE run SET steps = ?2, parse_failures = ?3 WHERE id = ?1",
            vec![(&run.id).into(), number.into(), parse_failures.into()],
        )
        .await?;
    change
        .event(
            about(&run, EventKind::StepEnded)
                .with("step", number)
                .with("usable", usable),
        )
        .await?;
    Ok(parse_failures)
}

/// The conversation of a run so far, in order.
pub async fn conversation<S: Statements>(
    statements: &S,
    run_id: &str,
) -> Result<Vec<Message>, StoreError> {
    let sql = "SELECT message FROM conversation_message WHERE run_id = ?1 ORDER BY step, position";
    statements
        .query(sql, vec![run_id.into()])
        .await?
        .iter()
        .map(|row| json(row, 0))
        .collect()
}

/// A step as people see it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepRecord {
    /// Its number within the run, from 1.
    pub number: i64,
    /// `calling`, `replied` or `ended`.
    pub status: String,
    /// How often the model was called for it.
    pub calls: i64,
    /// What the model answered.
    pub reply: Option<Reply>,
    /// The model that was asked for.
    pub model_asked: Option<String>,
    /// The model that answered.
    pub model_given: Option<String>,
    /// Tokens of the prompt.
    pub prompt_tokens: Option<i64>,
    /// Tokens of the completion.
    pub completion_tokens: Option<i64>,
    /// What it cost, in micro-US-dollars.
    pub cost_micro_usd: Option<i64>,
    /// When it was opened.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

const STEP_COLUMNS: &str = "number, status, calls, reply, model_asked, model_given, prompt_tokens, completion_tokens, \
    cost_micro_usd, started_at, ended_at";

/// The steps of a run, in order.
pub async fn steps<S: Statements>(
    statements: &S,
    run_id: &str,
) -> Result<Vec<StepRecord>, StoreError> {
    let sql = format!("SELECT {STEP_COLUMNS} FROM step WHERE run_id = ?1 ORDER BY number");
    statements
        .query(&sql, vec![run_id.into()])
        .await?
        .iter()
        .map(step_from_row)
        .collect()
}

/// One step of a run, if it was opened.
pub async fn step<S: Statements>(
    statements: &S,
    run_id: &str,
    number: i64,
) -> Result<Option<StepRecord>, StoreError> {
    let sql = format!("SELECT {STEP_COLUMNS} FROM step WHERE run_id = ?1 AND number = ?2");
    statements
        .query_one(&sql, vec![run_id.into(), number.into()])
        .await?
        .as_ref()
        .map(step_from_row)
        .transpose()
}

fn step_from_row(row: &Row) -> Result<StepRecord, StoreError> {
    Ok(StepRecord {
        number: row.integer(0)?,
        status: row.text(1)?,
        calls: row.integer(2)?,
        reply: optional_json(row, 3)?,
        model_asked: row.optional_text(4)?,
        model_given: row.optional_text(5)?,
        prompt_tokens: row.optional_integer(6)?,
        completion_tokens: row.optional_integer(7)?,
        cost_micro_usd: row.optional_integer(8)?,
        started_at: time(row, 9)?,
        ended_at: optional_time(row, 10)?,
    })
}

fn about(run: &Run, kind: EventKind) -> NewEvent {
    NewEvent::new(kind)
        .project(&run.project_id)
        .bead(&run.bead_id)
        .run(&run.id)
        .agent(&run.agent_id)
}
