//! Runs that wait for beads and decisions: how the wait begins, and how it is answered.

use std::collections::HashMap;

use loom_domain::{
    bead::BeadStatus,
    conversation::{Message, Speaker},
    event::{EventKind, NewEvent},
    run::{
        BeadResult, Hold, Run, RunStatus, Wait, WaitKind, answer_text, bead_result,
        question_answer, transition,
    },
};
use loom_platform::{Random, Statements};

use super::{
    checks, get,
    lease::{guard, tell},
};
use crate::{
    StoreError, bead,
    change::Change,
    decision,
    row::{json, to_json, word},
};

/// How many of an awaited bead's last comments the waiting run is told.
const COMMENTS: i64 = 5;

/// Lets the run wait for `waits` instead of giving it back to the queue, in the transaction that ends its step: its
/// agent is free meanwhile, and it takes up no capacity. Returns whether it waits.
///
/// What is there already is told at once and not waited for (invariant I12), and neither is a bead that waits itself
/// for this run's, directly or through others: that would never end.
pub async fn wait<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    hold: &Hold,
    waits: &[Wait],
) -> Result<bool, StoreError> {
    guard(change.tx, hold).await?;
    let run = get(change.tx, &hold.run_id).await?;
    let mut open: Vec<&Wait> = Vec::new();
    for wait in waits {
        match there(change.tx, &run, wait).await? {
            Some(text) => say(change.tx, &run, &text).await?,
            None => open.push(wait),
        }
    }
    if open.is_empty() {
        return Ok(false);
    }
    transition(&run.id, run.status, RunStatus::Waiting)?;
    for wait in &open {
        let sql = "INSERT OR IGNORE INTO run_wait (run_id, kind, subject, created_at) VALUES (?1, ?2, ?3, ?4)";
        let values = vec![
            (&run.id).into(),
            wait.kind.as_str().into(),
            (&wait.id).into(),
            change.now.0.into(),
        ];
        change.tx.execute(sql, values).await?;
        if wait.kind == WaitKind::Checks {
            checks::begin(change, &run, wait).await?;
        }
    }
    let sql = "UPDATE run SET status = 'waiting', resumable_at = NULL, restarts = 0 WHERE id = ?1";
    change.tx.execute(sql, vec![(&run.id).into()]).await?;
    let sql = "UPDATE agent SET status = 'idle', current_run = NULL, current_bead = NULL, last_active_at = ?2 \
               WHERE current_run = ?1";
    change
        .tx
        .execute(sql, vec![(&run.id).into(), change.now.0.into()])
        .await?;
    let ids: Vec<String> = open.iter().map(|wait| wait.to_string()).collect();
    let waiting = get(change.tx, &run.id).await?;
    let reason = format!("waits for {}", ids.join(", "));
    tell(change, &waiting, run.status, Some(&reason)).await?;
    change
        .event(
            about(EventKind::AgentStatusChanged, &run)
                .with("old_status", "busy")
                .with("new_status", "idle"),
        )
        .await?;
    Ok(true)
}

/// What there is to say about something that need not be waited for; `None` when it must be.
async fn there<S: Statements>(
    tx: &S,
    run: &Run,
    wait: &Wait,
) -> Result<Option<String>, StoreError> {
    match wait.kind {
        WaitKind::Bead => {
            let status = bead::find(tx, &wait.id).await?.map(|bead| bead.status);
            if status.is_none_or(|status| status == BeadStatus::Closed) {
                return Ok(Some(result_of(tx, &wait.id, None).await?));
            }
            let path = bead::wait_path(tx, &run.bead_id, &wait.id).await?;
            Ok(path.map(|path| {
                format!(
                    "Loom does not wait for bead {}, because it waits for this one: {}. Go on without it, or take the \
                     link away with update_bead.",
                    wait.id,
                    path.join(" → ")
                )
            }))
        }
        WaitKind::Decision => {
            let sql = "SELECT question, decision, decider, rationale FROM decision WHERE id = ?1 AND status <> 'open'";
            let Some(row) = tx.query_one(sql, vec![(&wait.id).into()]).await? else {
                return Ok(None);
            };
            let answer = answer_text(
                row.optional_text(1)?.as_deref().unwrap_or("no answer"),
                row.optional_text(2)?.as_deref().unwrap_or("nobody"),
                row.optional_text(3)?.as_deref().unwrap_or_default(),
            );
            Ok(Some(question_answer(&row.text(0)?, &answer)))
        }
        // Whether they are over is known to GitHub only: the run looks when its timer is due, if no webhook comes.
        WaitKind::Checks => Ok(None),
    }
}

/// Tells the runs that wait for a bead that it was closed. Called by whatever closes it, in the same transaction, and
/// harmless when nobody waits.
pub(crate) async fn answered_bead<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    bead_id: &str,
    reason: &str,
) -> Result<(), StoreError> {
    let runs = take(change.tx, WaitKind::Bead, bead_id).await?;
    if runs.is_empty() {
        return Ok(());
    }
    let text = result_of(change.tx, bead_id, Some(reason)).await?;
    for run_id in runs {
        answered(change, &run_id, &Wait::bead(bead_id), &text).await?;
    }
    Ok(())
}

/// Tells the run that waits for a decision what was answered: `text` is the answer with its decider and rationale (see
/// [`answer_text`]), or that it expired. Called by whatever ends a decision, in the same transaction, and harmless when
/// nobody waits.
pub async fn answered_decision<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    decision_id: &str,
    text: &str,
) -> Result<(), StoreError> {
    let runs = take(change.tx, WaitKind::Decision, decision_id).await?;
    if runs.is_empty() {
        return Ok(());
    }
    let sql = "SELECT question FROM decision WHERE id = ?1";
    let row = change.tx.query_one(sql, vec![decision_id.into()]).await?;
    let question = row.map_or(Ok(String::new()), |row| row.text(0))?;
    let text = question_answer(&question, text);
    for run_id in runs {
        answered(change, &run_id, &Wait::decision(decision_id), &text).await?;
    }
    Ok(())
}

/// Removes the waits for one thing, and returns whose they were.
pub(super) async fn take<S: Statements>(
    tx: &S,
    kind: WaitKind,
    id: &str,
) -> Result<Vec<String>, StoreError> {
    let sql = "DELETE FROM run_wait WHERE kind = ?1 AND subject = ?2 RETURNING run_id";
    let rows = tx.query(sql, vec![kind.as_str().into(), id.into()]).await?;
    rows.iter().map(|row| Ok(row.text(0)?)).collect()
}

async fn answered<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    run_id: &str,
    wait: &Wait,
    text: &str,
) -> Result<(), StoreError> {
    let run = get(change.tx, run_id).await?;
    say(change.tx, &run, text).await?;
    resume_if_answered(change, &run, wait).await
}

/// Records that a run need not wait for one thing any more, and lets it go on when that was the last.
pub(super) async fn resume_if_answered<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    run: &Run,
    wait: &Wait,
) -> Result<(), StoreError> {
    let left = of_run(change.tx, &run.id).await?.len();
    if left == 0 {
        let sql = "UPDATE run SET resumable_at = ?2 WHERE id = ?1 AND status = 'waiting'";
        change
            .tx
            .execute(sql, vec![(&run.id).into(), change.now.0.into()])
            .await?;
    }
    let event = about(EventKind::RunAnswered, run)
        .with("kind", wait.kind.as_str())
        .with("id", wait.id.clone())
        .with("waits_left", left);
    change.event(event).await?;
    Ok(())
}

/// Forgets what a run that has ended waited for, and takes its open questions back: nobody would read the answers.
pub(super) async fn forget<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    run: &Run,
) -> Result<(), StoreError> {
    let sql = "DELETE FROM run_wait WHERE run_id = ?1";
    change.tx.execute(sql, vec![(&run.id).into()]).await?;
    checks::forget(change.tx, &run.id).await?;
    // A range of the index of open decisions: ';' follows ':'.
    let range = vec![
        format!("question:{}:", run.id).into(),
        format!("question:{};", run.id).into(),
    ];
    let sql = "SELECT fingerprint FROM decision WHERE fingerprint > ?1 AND fingerprint < ?2 AND status = 'open'";
    for row in change.tx.query(sql, range).await? {
        let why = "the run that asked has ended";
        decision::answer_fingerprint(change, &row.text(0)?, "withdrawn", why).await?;
    }
    Ok(())
}

/// Appends what Loom tells the run to its conversation. Two messages of one speaker in a row become one, because some
/// chat templates refuse them.
pub(super) async fn say<S: Statements>(tx: &S, run: &Run, text: &str) -> Result<(), StoreError> {
    let sql = "SELECT position, message FROM conversation_message WHERE run_id = ?1 AND step = ?2 \
               ORDER BY position DESC LIMIT 1";
    let last = tx
        .query_one(sql, vec![(&run.id).into(), run.steps.into()])
        .await?;
    let mut position = 0;
    if let Some(row) = last {
        position = row.integer(0)?;
        let mut message: Message = json(&row, 1)?;
        if message.role == Speaker::User {
            message.content.push_str("\n\n");
            message.content.push_str(text);
            let sql = "UPDATE conversation_message SET message = ?4 WHERE run_id = ?1 AND step = ?2 AND position = ?3";
            let values = vec![
                (&run.id).into(),
                run.steps.into(),
                position.into(),
                to_json(&message).into(),
            ];
            tx.execute(sql, values).await?;
            return Ok(());
        }
        position += 1;
    }
    let sql = "INSERT INTO conversation_message (run_id, step, position, message) VALUES (?1, ?2, ?3, ?4)";
    let values = vec![
        (&run.id).into(),
        run.steps.into(),
        position.into(),
        to_json(&Message::text(Speaker::User, text)).into(),
    ];
    tx.execute(sql, values).await?;
    Ok(())
}

/// What there is to tell of a closed or deleted bead.
async fn result_of<S: Statements>(
    tx: &S,
    bead_id: &str,
    reason: Option<&str>,
) -> Result<String, StoreError> {
    let sql = "SELECT bead.title, bead.close_reason, run.summary, \
               (SELECT json_extract(action, '$.summary') FROM action_result WHERE run_id = run.id AND name = 'done' \
                AND status = 'ok' ORDER BY step DESC, position DESC LIMIT 1) \
               FROM bead LEFT JOIN run ON run.id = (SELECT id FROM run WHERE bead_id = bead.id \
                ORDER BY created_at DESC, id DESC LIMIT 1) WHERE bead.id = ?1";
    let Some(row) = tx.query_one(sql, vec![bead_id.into()]).await? else {
        return Ok(format!(
            "Bead {bead_id} that you waited for does not exist."
        ));
    };
    let close_reason = row.optional_text(1)?;
    let comments: Vec<(String, String)> = bead::comments(tx, bead_id, COMMENTS)
        .await?
        .into_iter()
        .map(|comment| (comment.author, comment.content))
        .collect();
    Ok(bead_result(&BeadResult {
        id: bead_id,
        title: &row.text(0)?,
        close_reason: close_reason
            .as_deref()
            .or(reason)
            .unwrap_or("no reason given"),
        ending: row.optional_text(2)?.as_deref(),
        summary: row.optional_text(3)?.as_deref(),
        comments: &comments,
    }))
}

/// What a run waits for.
pub async fn of_run<S: Statements>(statements: &S, run_id: &str) -> Result<Vec<Wait>, StoreError> {
    let sql = "SELECT kind, subject FROM run_wait WHERE run_id = ?1 ORDER BY kind, subject";
    let rows = statements.query(sql, vec![run_id.into()]).await?;
    rows.iter()
        .map(|row| {
            Ok(Wait {
                kind: word(row, 0, WaitKind::parse)?,
                id: row.text(1)?,
            })
        })
        .collect()
}

/// What the waiting run of a bead waits for, by run: at most one run.
pub async fn of_bead<S: Statements>(
    statements: &S,
    bead_id: &str,
) -> Result<HashMap<String, Vec<Wait>>, StoreError> {
    let sql = "SELECT run.id, run_wait.kind, run_wait.subject FROM run JOIN run_wait ON run_wait.run_id = run.id \
               WHERE run.bead_id = ?1 ORDER BY run_wait.kind, run_wait.subject";
    let mut waits: HashMap<String, Vec<Wait>> = HashMap::new();
    for row in statements.query(sql, vec![bead_id.into()]).await? {
        waits.entry(row.text(0)?).or_default().push(Wait {
            kind: word(&row, 1, WaitKind::parse)?,
            id: row.text(2)?,
        });
    }
    Ok(waits)
}

pub(super) fn about(kind: EventKind, run: &Run) -> NewEvent {
    NewEvent::new(kind)
        .project(&run.project_id)
        .bead(&run.bead_id)
        .run(&run.id)
        .agent(&run.agent_id)
}
