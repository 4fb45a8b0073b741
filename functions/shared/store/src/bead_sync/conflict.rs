use loom_domain::{
    bead_file::{Conflict, Kept},
    event::{EventKind, NewEvent},
    time::Timestamp,
};
use loom_platform::{Random, Statements};
use serde::Serialize;
use serde_json::Value;

use crate::{
    StoreError,
    change::Change,
    row::{json, time},
};

/// How much of a value stands in a comment, in characters.
const SHOWN: usize = 2000;

/// A conflict, as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RecordedConflict {
    /// UUIDv7.
    pub id: String,
    /// The bead.
    pub bead_id: String,
    /// The field, both values, and which was kept.
    #[serde(flatten)]
    pub conflict: Conflict,
    /// When they met.
    pub created_at: Timestamp,
}

/// The latest conflicts of a project, newest first.
pub async fn conflicts<S: Statements>(
    statements: &S,
    project_id: &str,
    limit: i64,
) -> Result<Vec<RecordedConflict>, StoreError> {
    let sql = "SELECT id, bead_id, field, base, ours, theirs, kept, created_at FROM bead_sync_conflict \
               WHERE project_id = ?1 ORDER BY created_at DESC, id DESC LIMIT ?2";
    let rows = statements
        .query(sql, vec![project_id.into(), limit.into()])
        .await?;
    rows.iter()
        .map(|row| {
            let kept = match row.text(6)?.as_str() {
                "theirs" => Kept::Theirs,
                _ => Kept::Ours,
            };
            Ok(RecordedConflict {
                id: row.text(0)?,
                bead_id: row.text(1)?,
                conflict: Conflict {
                    field: row.text(2)?,
                    base: json(row, 3)?,
                    ours: json(row, 4)?,
                    theirs: json(row, 5)?,
                    kept,
                },
                created_at: time(row, 7)?,
            })
        })
        .collect()
}

/// Records conflicts of a bead: as rows, as events, and as a comment with both values, which goes into its file too.
pub(super) async fn record<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project_id: &str,
    bead_id: &str,
    found: &[Conflict],
) -> Result<(), StoreError> {
    let mut text = String::from(
        "Two values met when this bead was synced with the repository. One was kept; the other is here.\n",
    );
    for conflict in found {
        let (kept, word) = match conflict.kept {
            Kept::Ours => ("that of the database", "ours"),
            Kept::Theirs => ("that of the repository", "theirs"),
        };
        let sql = "INSERT INTO bead_sync_conflict (id, project_id, bead_id, field, base, ours, theirs, kept, created_at) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
        let values = vec![
            change.new_id().into(),
            project_id.into(),
            bead_id.into(),
            (&conflict.field).into(),
            conflict.base.to_string().into(),
            conflict.ours.to_string().into(),
            conflict.theirs.to_string().into(),
            word.into(),
            change.now.0.into(),
        ];
        change.tx.execute(sql, values).await?;
        let event = NewEvent::new(EventKind::BeadSyncConflict)
            .project(project_id)
            .bead(bead_id)
            .with("field", conflict.field.clone())
            .with("ours", shown(&conflict.ours))
            .with("theirs", shown(&conflict.theirs))
            .with("kept", word);
        change.event(event).await?;
        text.push_str(&format!(
            "\n`{}`: kept is {kept}.\n\n- Database: {}\n- Repository: {}\n",
            conflict.field,
            shown(&conflict.ours),
            shown(&conflict.theirs)
        ));
    }
    let mut end = text.len().min(60 * 1024);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    let sql = "INSERT INTO comment (id, bead_id, author, content, created_at) VALUES (?1, ?2, ?3, ?4, ?5)";
    let id = change.new_id();
    let values = vec![
        (&id).into(),
        bead_id.into(),
        change.actor.into(),
        text.into(),
        change.now.0.into(),
    ];
    change.tx.execute(sql, values).await?;
    let event = NewEvent::new(EventKind::CommentCreated)
        .project(project_id)
        .bead(bead_id)
        .with("comment_id", id);
    change.event(event).await?;
    Ok(())
}

fn shown(value: &Value) -> String {
    let text = value.to_string();
    let mut short: String = text.chars().take(SHOWN).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
