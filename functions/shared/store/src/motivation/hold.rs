use loom_domain::{
    Refusal,
    motivation::{Motivation, TriggerResult, next_fire_at},
    time::{MINUTE, Timestamp},
};
use loom_platform::{Random, Statements};

use super::history::{self, Record};
use crate::{StoreError, change::Change};

/// The shortest pause after something that did not work, in milliseconds.
const SHORTEST_PAUSE: i64 = 5 * MINUTE;

/// Why a motivation that was due did not fire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// What held it.
    pub result: TriggerResult,
    /// That in a sentence.
    pub reason: String,
    /// It need not be looked at before; none = as usual.
    pub until: Option<Timestamp>,
    /// The bead that is still open.
    pub bead_id: Option<String>,
    /// How many occurrences that concerns.
    pub occurrences: i64,
}

impl Held {
    /// The bead of an earlier firing is still open; what it is due for waits.
    pub fn still_open(motivation: &Motivation, bead_id: &str, now: Timestamp) -> Self {
        let pause = (motivation.cooldown_minutes * MINUTE).clamp(SHORTEST_PAUSE, 60 * MINUTE);
        Self {
            result: TriggerResult::Skipped,
            reason: format!("Bead {bead_id}, which it filed before, is still open."),
            until: Some(Timestamp(now.0 + pause)),
            bead_id: Some(bead_id.to_owned()),
            occurrences: 1,
        }
    }

    /// What makes it the same as the one before: a repetition is not recorded again.
    fn key(&self) -> String {
        let bead = self.bead_id.as_deref().unwrap_or_default();
        let until = match self.result {
            TriggerResult::Capped | TriggerResult::BreakerOpen => {
                self.until.map_or(String::new(), Timestamp::day)
            }
            _ => String::new(),
        };
        format!("{}:{bead}:{until}", self.result.as_str())
    }
}

/// Records that a motivation was due and did not fire. An occurrence of time passes by that; others stay waiting.
///
/// The same again is not recorded again, apart from occurrences of time that were missed. Says whether it was recorded.
pub async fn hold<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    motivation: &Motivation,
    held: &Held,
) -> Result<bool, StoreError> {
    let key = held.key();
    let is_new = held.result == TriggerResult::Missed
        || motivation.last_skip.as_deref() != Some(key.as_str());
    let mut next = motivation.clone();
    next.last_skip = Some(key);
    next.not_before = held.until;
    next.next_fire_at = passed(motivation, change.now);
    if !write(change, motivation, &next).await? || !is_new {
        return Ok(false);
    }
    let row = Record {
        reason: &held.reason,
        bead_id: held.bead_id.as_deref(),
        occurrences: held.occurrences,
        ..Record::default()
    };
    history::record(change, motivation, held.result, &row).await?;
    Ok(true)
}

/// Records that the bead of a motivation was refused: its breaker counts that, and it pauses.
///
/// A refusal for the rate of self-filed work is a cap and no failure.
pub async fn fail<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    motivation: &Motivation,
    refusal: &Refusal,
) -> Result<(), StoreError> {
    if refusal.code == "auto_file_rate" {
        let held = Held {
            result: TriggerResult::Capped,
            reason: refusal.message.clone(),
            until: Some(Timestamp(change.now.0 + 60 * MINUTE)),
            bead_id: None,
            occurrences: 1,
        };
        hold(change, motivation, &held).await?;
        return Ok(());
    }
    let mut next = motivation.clone();
    // A trial that is refused is a trial that failed.
    next.breaker = motivation.breaker.fired().failed(change.now);
    next.last_skip = None;
    let pause = (motivation.cooldown_minutes * MINUTE).max(SHORTEST_PAUSE);
    next.not_before = Some(Timestamp(change.now.0 + pause));
    next.next_fire_at = passed(motivation, change.now);
    if !write(change, motivation, &next).await? {
        return Ok(());
    }
    let reason = format!("{} ({})", refusal.message, refusal.code);
    let row = Record {
        reason: &reason,
        occurrences: 1,
        ..Record::default()
    };
    history::record(change, motivation, TriggerResult::Error, &row).await?;
    Ok(())
}

/// The next occurrence of time, when the planned one has come.
pub(super) fn passed(motivation: &Motivation, now: Timestamp) -> Option<Timestamp> {
    match motivation.next_fire_at {
        Some(planned) if planned <= now => next_fire_at(&motivation.condition, Some(planned), now),
        other => other,
    }
}

/// Writes what a sweep changes of a motivation, if it still is as `before`: neither changed, fired nor held meanwhile.
pub(super) async fn write<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    before: &Motivation,
    next: &Motivation,
) -> Result<bool, StoreError> {
    let sql = "UPDATE motivation SET next_fire_at = ?2, not_before = ?3, last_triggered_at = ?4, trigger_count = ?5, \
               last_skip = ?6, breaker = ?7, breaker_failures = ?8, breaker_wait_ms = ?9, breaker_retry_at = ?10 \
               WHERE id = ?1 AND status = 'active' AND version = ?11 AND trigger_count = ?12 AND last_skip IS ?13";
    let changed = change
        .tx
        .execute(
            sql,
            vec![
                (&next.id).into(),
                next.next_fire_at.map(|at| at.0).into(),
                next.not_before.map(|at| at.0).into(),
                next.last_triggered_at.map(|at| at.0).into(),
                next.trigger_count.into(),
                next.last_skip.as_ref().into(),
                next.breaker.state.as_str().into(),
                next.breaker.failures.into(),
                next.breaker.wait_ms.into(),
                next.breaker.retry_at.map(|at| at.0).into(),
                before.version.into(),
                before.trigger_count.into(),
                before.last_skip.as_ref().into(),
            ],
        )
        .await?;
    Ok(changed > 0)
}
