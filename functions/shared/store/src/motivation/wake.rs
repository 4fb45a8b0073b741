use loom_domain::{
    event::{EventKind, NewEvent},
    motivation::{Due, Motivation},
    role::Role,
};
use loom_platform::{Random, Statements};

use crate::{StoreError, change::Change};

/// Wakes the role of a motivation, and says how many of its agents are idle.
///
/// The role gets a message, which the next run of one of its agents in the project reads in its prompt; an earlier
/// message of the same motivation that nobody has read is replaced, so they never pile up. The function then has the
/// dispatcher look at the idle agents at once. A role without a bead gets no run by this, and a person's seat gets no
/// message: the event tells people.
pub(super) async fn wake<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    motivation: &Motivation,
    due: &Due,
    bead_id: Option<&str>,
) -> Result<i64, StoreError> {
    let project = motivation.project_id.as_deref().unwrap_or_default();
    let sql = "SELECT COUNT(*) FROM agent WHERE status = 'idle' AND role = ?1 AND (project_id IS NULL OR project_id = ?2)";
    let row = change
        .tx
        .query_one(sql, vec![(&motivation.role).into(), project.into()])
        .await?;
    let idle = row.map_or(Ok(0), |row| row.integer(0))?;
    if Role::parse_any(&motivation.role).is_ok_and(|role| role.is_human_seat()) {
        return Ok(idle);
    }
    let from = motivation.fingerprint();
    let sql = "DELETE FROM message WHERE project_id = ?1 AND to_role = ?2 AND read_by_run IS NULL AND from_agent = ?3";
    let values = vec![project.into(), (&motivation.role).into(), (&from).into()];
    change.tx.execute(sql, values).await?;
    let about = bead_id.or_else(|| {
        due.occurrences
            .iter()
            .find_map(|occurrence| occurrence.bead_id.as_deref())
    });
    change
        .tx
        .execute(
            "INSERT INTO message (id, project_id, to_role, from_agent, bead_id, subject, body, created_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            vec![
                change.new_id().into(),
                project.into(),
                (&motivation.role).into(),
                from.into(),
                about.unwrap_or_default().into(),
                (&motivation.name).into(),
                format!("{} {}", motivation.description, due.reason).into(),
                change.now.0.into(),
            ],
        )
        .await?;
    let mut event = NewEvent::new(EventKind::MessageSent)
        .project(project)
        .with("to_role", motivation.role.clone())
        .with("subject", motivation.name.clone())
        .with("motivation_id", motivation.id.clone());
    event.bead_id = about.map(str::to_owned);
    change.event(event).await?;
    Ok(idle)
}
