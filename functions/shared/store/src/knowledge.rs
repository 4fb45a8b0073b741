//! What agents leave for each other: comments on beads, messages between roles, lessons of a project.

use loom_domain::{
    event::{EventKind, NewEvent},
    run::{Hold, Run},
    time::Timestamp,
};
use loom_platform::{DatabaseError, Random, Statements, Value};

use crate::{StoreError, bead, change::Change};

/// The action that writes, so that repeating it writes once (invariant I7).
#[derive(Debug, Clone, Copy)]
pub struct ByAction<'a> {
    /// Whose action it is.
    pub hold: &'a Hold,
    /// Its step.
    pub step: i64,
    /// Its place within the step.
    pub position: i64,
}

/// Writes a comment on a bead.
pub async fn comment<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    bead_id: &str,
    content: &str,
    by: Option<ByAction<'_>>,
) -> Result<String, StoreError> {
    let bead = bead::get(change.tx, bead_id).await?;
    let id = change.new_id();
    let inserted = change
        .tx
        .execute(
            "INSERT OR IGNORE INTO comment (id, bead_id, author, content, run_id, step, position, created_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            vec![
                (&id).into(),
                bead_id.into(),
                change.actor.into(),
                content.into(),
                by.map(|by| by.hold.run_id.clone()).into(),
                by.map(|by| by.step).into(),
                by.map(|by| by.position).into(),
                change.now.0.into(),
            ],
        )
        .await?;
    if inserted > 0 {
        change
            .event(
                NewEvent::new(EventKind::CommentCreated)
                    .project(&bead.project_id)
                    .bead(bead_id)
                    .with("comment_id", id.clone()),
            )
            .await?;
    }
    Ok(id)
}

/// A message from an agent to whoever has a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// UUIDv7.
    pub id: String,
    /// The bead that it is about.
    pub bead_id: String,
    /// Who wrote it: an agent.
    pub from_agent: String,
    /// One line.
    pub subject: String,
    /// The rest.
    pub body: String,
}

/// Leaves a message for the next run of an agent with the role.
pub async fn send_message<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    run: &Run,
    to_role: &str,
    subject: &str,
    body: &str,
) -> Result<(), StoreError> {
    let id = change.new_id();
    change
        .tx
        .execute(
            "INSERT INTO message (id, project_id, to_role, from_agent, bead_id, subject, body, created_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            vec![
                (&id).into(),
                (&run.project_id).into(),
                to_role.into(),
                (&run.agent_id).into(),
                (&run.bead_id).into(),
                subject.into(),
                body.into(),
                change.now.0.into(),
            ],
        )
        .await?;
    let event = NewEvent::new(EventKind::MessageSent)
        .project(&run.project_id)
        .bead(&run.bead_id)
        .run(&run.id)
        .agent(&run.agent_id)
        .with("to_role", to_role)
        .with("subject", subject);
    change.event(event).await?;
    Ok(())
}

/// Up to `limit` messages for a role that this run reads, oldest first: those that nobody has read, and beside them
/// the newest that it read before. So a message that comes while it is at work is in its next prompt.
pub async fn messages_for<S: Statements>(
    statements: &S,
    run: &Run,
    role: &str,
    limit: i64,
) -> Result<Vec<Message>, StoreError> {
    let columns = "SELECT id, bead_id, from_agent, subject, body, rowid FROM message";
    let unread = format!(
        "{columns} WHERE project_id = ?1 AND to_role = ?2 AND read_by_run IS NULL ORDER BY created_at, rowid LIMIT ?3"
    );
    let parameters = vec![(&run.project_id).into(), role.into(), limit.into()];
    let mut rows = statements.query(&unread, parameters).await?;
    let room = limit - i64::try_from(rows.len()).unwrap_or(limit);
    if room > 0 {
        let read = format!(
            "{columns} WHERE read_by_run = ?1 ORDER BY created_at DESC, rowid DESC LIMIT ?2"
        );
        let parameters = vec![(&run.id).into(), room.into()];
        rows.extend(statements.query(&read, parameters).await?);
    }
    let mut messages = rows
        .iter()
        .map(|row| {
            let message = Message {
                id: row.text(0)?,
                bead_id: row.text(1)?,
                from_agent: row.text(2)?,
                subject: row.text(3)?,
                body: row.text(4)?,
            };
            Ok((row.integer(5)?, message))
        })
        .collect::<Result<Vec<_>, StoreError>>()?;
    messages.sort_by_key(|(row, _)| *row);
    Ok(messages.into_iter().map(|(_, message)| message).collect())
}

/// Notes that a run has read messages; those that another run read first stay that run's.
pub async fn mark_read<S: Statements>(
    tx: &S,
    run_id: &str,
    messages: &[Message],
) -> Result<(), StoreError> {
    for message in messages {
        let sql = "UPDATE message SET read_by_run = ?2 WHERE id = ?1 AND read_by_run IS NULL";
        tx.execute(sql, vec![(&message.id).into(), run_id.into()])
            .await?;
    }
    Ok(())
}

/// A lesson as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredLesson {
    /// UUIDv7.
    pub id: String,
    /// The word for its category.
    pub category: String,
    /// One line.
    pub title: String,
    /// The rest.
    pub detail: String,
    /// Its vector, as little-endian 32-bit floats.
    pub embedding: Vec<u8>,
    /// When it was learned.
    pub created_at: Timestamp,
}

/// Keeps a lesson for later runs in the project.
pub async fn remember<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    run: &Run,
    category: &str,
    title: &str,
    detail: &str,
    embedding: Vec<u8>,
) -> Result<(), StoreError> {
    let known = "SELECT 1 FROM lesson WHERE project_id = ?1 AND title = ?2 AND detail = ?3";
    if change
        .tx
        .query_one(
            known,
            vec![(&run.project_id).into(), title.into(), detail.into()],
        )
        .await?
        .is_some()
    {
        return Ok(());
    }
    change
        .tx
        .execute(
            "INSERT INTO lesson (id, project_id, category, title, detail, bead_id, run_id, embedding, created_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            vec![
                change.new_id().into(),
                (&run.project_id).into(),
                category.into(),
                title.into(),
                detail.into(),
                (&run.bead_id).into(),
                (&run.id).into(),
                Value::Blob(embedding),
                change.now.0.into(),
            ],
        )
        .await?;
    let event = NewEvent::new(EventKind::LessonCreated)
        .project(&run.project_id)
        .bead(&run.bead_id)
        .run(&run.id)
        .with("category", category)
        .with("title", title);
    change.event(event).await?;
    Ok(())
}

/// The newest `limit` lessons of a project, to be ranked by the caller.
pub async fn lessons<S: Statements>(
    statements: &S,
    project_id: &str,
    limit: i64,
) -> Result<Vec<StoredLesson>, StoreError> {
    let sql = "SELECT id, category, title, detail, embedding, created_at FROM lesson WHERE project_id = ?1 \
               ORDER BY created_at DESC, id DESC LIMIT ?2";
    let rows = statements
        .query(sql, vec![project_id.into(), limit.into()])
        .await?;
    rows.iter()
        .map(|row| -> Result<StoredLesson, DatabaseError> {
            Ok(StoredLesson {
                id: row.text(0)?,
                category: row.text(1)?,
                title: row.text(2)?,
                detail: row.text(3)?,
                embedding: row.blob(4)?,
                created_at: Timestamp(row.integer(5)?),
            })
        })
        .map(|lesson| Ok(lesson?))
        .collect()
}
