use loom_domain::{
    Refusal,
    motivation::{Breaker, Condition, Motivation, MotivationStatus, built_in, next_fire_at},
    time::{MINUTE, Timestamp},
};
use loom_platform::{Random, Statements};

use super::{find, get, insert, known_project, own, tell, write};
use crate::{StoreError, change::Change};

/// Has a motivation fire from now on: a project's own, or the template `id` in the project `project_id`.
///
/// What happened before does not count, and its breaker is closed, because a person has looked at it. An interval
/// begins at once, unless it fired within its period.
pub async fn enable<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    id: &str,
    project_id: Option<&str>,
) -> Result<Motivation, StoreError> {
    let own = match built_in::find(id) {
        None => id.to_owned(),
        Some(template) => {
            let project = known_project(change.tx, project_id).await?;
            let own = built_in::instance_id(id, Some(&project));
            if find(change.tx, &own).await?.is_none() {
                let motivation = template.motivation(Some(&project), change.now)?;
                insert(change.tx, &motivation).await?;
                tell(change, &motivation, "enabled").await?;
                return Ok(motivation);
            }
            own
        }
    };
    let mut motivation = get(change.tx, &own).await?;
    if project_id.is_some_and(|wanted| Some(wanted) != motivation.project_id.as_deref()) {
        return Err(Refusal::invalid(
            "invalid_fields",
            format!("Motivation {own} belongs to another project."),
        )
        .field("project_id", "is not the motivation's project")
        .into());
    }
    if motivation.status == MotivationStatus::Active {
        return Ok(motivation);
    }
    motivation.status = MotivationStatus::Active;
    motivation.enabled_at = Some(change.now);
    motivation.disabled_at = None;
    motivation.not_before = motivation.cool_until();
    motivation.breaker = Breaker::default();
    motivation.last_skip = None;
    let last = motivation.last_triggered_at;
    motivation.next_fire_at = match (&motivation.condition, last) {
        (Condition::ScheduledInterval { minutes }, Some(last)) => {
            Some(Timestamp((last.0 + minutes * MINUTE).max(change.now.0)))
        }
        (condition, _) => next_fire_at(condition, None, change.now),
    };
    forget_waiting(change.tx, &own).await?;
    write(change, motivation, "enabled").await
}

/// Has a motivation fire no more; it stays with its history.
pub async fn disable<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    id: &str,
) -> Result<Motivation, StoreError> {
    let mut motivation = own(change.tx, id).await?;
    if motivation.status == MotivationStatus::Disabled {
        return Ok(motivation);
    }
    motivation.status = MotivationStatus::Disabled;
    motivation.disabled_at = Some(change.now);
    motivation.next_fire_at = None;
    motivation.not_before = None;
    forget_waiting(change.tx, id).await?;
    write(change, motivation, "disabled").await
}

async fn forget_waiting<S: Statements>(tx: &S, id: &str) -> Result<(), StoreError> {
    let sql = "DELETE FROM motivation_occurrence WHERE motivation_id = ?1 AND handled_at IS NULL";
    tx.execute(sql, vec![id.into()]).await?;
    Ok(())
}
