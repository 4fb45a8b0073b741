//! Rows of the table `motivation`.

use loom_domain::motivation::{
    Breaker, BreakerState, Condition, Motivation, MotivationKind, MotivationStatus,
};
use loom_platform::{Row, Value};

use crate::{
    StoreError,
    row::{json, optional_json, optional_time, time, to_json, word},
};

/// In the order of [`parameters`] and [`from_row`]; the id comes first.
pub(super) const COLUMNS: &str = "id, project_id, built_in, name, description, kind, condition, parameters, role, status, cooldown_minutes, priority, bead_template, wake_agent, is_perpetual, next_fire_at, not_before, last_triggered_at, trigger_count, last_skip, breaker, breaker_failures, breaker_wait_ms, breaker_retry_at, version, created_at, updated_at, enabled_at, disabled_at";

pub(super) fn parameters(motivation: &Motivation) -> Vec<Value> {
    let (condition, parameters) = motivation.condition.parts();
    vec![
        (&motivation.id).into(),
        motivation.project_id.as_ref().into(),
        motivation.built_in.as_ref().into(),
        (&motivation.name).into(),
        (&motivation.description).into(),
        motivation.kind.as_str().into(),
        condition.into(),
        parameters.to_string().into(),
        (&motivation.role).into(),
        motivation.status.as_str().into(),
        motivation.cooldown_minutes.into(),
        motivation.priority.into(),
        motivation.bead_template.as_ref().map(to_json).into(),
        motivation.wake_agent.into(),
        motivation.is_perpetual.into(),
        motivation.next_fire_at.map(|at| at.0).into(),
        motivation.not_before.map(|at| at.0).into(),
        motivation.last_triggered_at.map(|at| at.0).into(),
        motivation.trigger_count.into(),
        motivation.last_skip.as_ref().into(),
        motivation.breaker.state.as_str().into(),
        motivation.breaker.failures.into(),
        motivation.breaker.wait_ms.into(),
        motivation.breaker.retry_at.map(|at| at.0).into(),
        motivation.version.into(),
        motivation.created_at.0.into(),
        motivation.updated_at.0.into(),
        motivation.enabled_at.map(|at| at.0).into(),
        motivation.disabled_at.map(|at| at.0).into(),
    ]
}

pub(super) fn from_row(row: &Row) -> Result<Motivation, StoreError> {
    let condition = Condition::parse(&row.text(6)?, &json(row, 7)?)
        .map_err(|refusal| StoreError::Corrupt(format!("{refusal}: {:?}", refusal.fields)))?;
    let built_in = row.optional_text(2)?;
    Ok(Motivation {
        id: row.text(0)?,
        project_id: row.optional_text(1)?,
        is_built_in: built_in.is_some(),
        built_in,
        name: row.text(3)?,
        description: row.text(4)?,
        kind: word(row, 5, MotivationKind::parse)?,
        condition,
        role: row.text(8)?,
        status: word(row, 9, MotivationStatus::parse)?,
        cooldown_minutes: row.integer(10)?,
        priority: row.integer(11)?,
        bead_template: optional_json(row, 12)?,
        wake_agent: row.boolean(13)?,
        is_perpetual: row.boolean(14)?,
        next_fire_at: optional_time(row, 15)?,
        not_before: optional_time(row, 16)?,
        last_triggered_at: optional_time(row, 17)?,
        trigger_count: row.integer(18)?,
        last_skip: row.optional_text(19)?,
        breaker: Breaker {
            state: word(row, 20, BreakerState::parse)?,
            failures: row.integer(21)?,
            wait_ms: row.integer(22)?,
            retry_at: optional_time(row, 23)?,
        },
        version: row.integer(24)?,
        created_at: time(row, 25)?,
        updated_at: time(row, 26)?,
        enabled_at: optional_time(row, 27)?,
        disabled_at: optional_time(row, 28)?,
    })
}
