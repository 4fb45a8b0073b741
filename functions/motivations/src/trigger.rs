use axum::extract::State;
use loom_api::{Caller, Error, Json, Path};
use loom_domain::{
    Refusal,
    motivation::{Due, MotivationStatus, Occurrence, Trigger, TriggerResult},
};
use loom_platform::{Database, Platform, Transaction};
use loom_store::{
    Change,
    motivation::{self, Fired},
};
use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Reason {
    /// Why, for the bead and the history.
    reason: Option<String>,
}

/// Fires an active motivation now, whatever its condition, its cool-down and its breaker say; the caps of the day hold,
/// and while the bead that it filed before is open there is no other.
pub(crate) async fn trigger<P: Platform>(
    State(platform): State<P>,
    caller: Caller,
    Path(id): Path<String>,
    Json(body): Json<Reason>,
) -> Result<Json<Trigger>, Error> {
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), &caller.name).await?;
    let motivation = motivation::own(&tx, &id).await?;
    if motivation.status != MotivationStatus::Active {
        return Err(Refusal::conflict(
            "motivation_disabled",
            format!("Motivation {id} is disabled. Enable it first: POST /api/v1/motivations/{id}/enable."),
        )
        .into());
    }
    let mut reason = format!("{} triggered it.", caller.name);
    if let Some(text) = body.reason.as_deref().map(str::trim)
        && !text.is_empty()
    {
        if text.len() > 2_000 {
            return Err(Error::invalid_fields().field("reason", "must be at most 2,000 bytes"));
        }
        reason = format!("{} triggered it: {text}", caller.name);
    }
    let due = Due {
        occurrences: vec![Occurrence {
            key: format!("manual:{}", change.new_id()),
            summary: reason.clone(),
            bead_id: None,
            at: change.now,
        }],
        reason,
        missed: 0,
    };
    match motivation::fire(&change, &motivation, &due, true).await? {
        Fired::Done(trigger) => {
            tx.commit().await?;
            loom_api::nudge(&platform);
            Ok(Json(trigger))
        }
        Fired::Held(held) => {
            let code = match held.result {
                TriggerResult::Skipped => "motivation_bead_open",
                _ => "motivation_capped",
            };
            let mut refusal = Refusal::conflict(code, held.reason);
            if let Some(bead) = held.bead_id {
                refusal = refusal.detail("bead_id", bead);
            }
            Err(refusal.into())
        }
        Fired::Lost => Err(Refusal::conflict(
            "version_conflict",
            format!("Motivation {id} fired or was changed meanwhile. Read it again."),
        )
        .into()),
    }
}
