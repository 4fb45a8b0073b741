use axum::extract::State;
use loom_api::{Error, Json};
use loom_domain::{
    Refusal,
    motivation::{
        ACTOR, Due, MAX_FIRED_PER_SWEEP, Motivation, TriggerResult, Verdict, by_urgency, evaluate,
    },
    time::Timestamp,
};
use loom_platform::{Database, Platform, Transaction};
use loom_store::{
    Change, StoreError,
    motivation::{self, Fired, Held},
};
use serde::Serialize;

/// How many batches of events one sweep looks at; more wait for the next.
const BATCHES: usize = 20;

/// What a sweep did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether one was due; if not, nothing was looked at.
    pub was_due: bool,
    /// Motivations that were made because a project lacked them.
    pub adopted: usize,
    /// Motivations that were looked at.
    pub looked_at: usize,
    /// Motivations that fired.
    pub fired: Vec<String>,
    /// Beads that were filed.
    pub filed: Vec<String>,
    /// Motivations that were due and held, skipped, refused or missed.
    pub held: Vec<String>,
    /// Motivations that are due and fire in a later sweep, because enough fired in this one.
    pub left: usize,
}

/// One sweep, if one is due. Any number may be asked for at once: one of them gets it.
pub(crate) async fn sweep<P: Platform>(State(platform): State<P>) -> Result<Json<Report>, Error> {
    let Some(now) = motivation::take(platform.database()).await? else {
        return Ok(Json(Report::default()));
    };
    let mut report = pass(&platform, now).await?;
    report.was_due = true;
    if !report.fired.is_empty() {
        // A bead was filed, or a role is to be looked at.
        loom_api::nudge(&platform);
    }
    Ok(Json(report))
}

/// One pass over all motivations, as of `now`.
///
/// It may run any number of times at once: each firing is one transaction that only one of them wins.
pub async fn pass<P: Platform>(platform: &P, now: Timestamp) -> Result<Report, Error> {
    let database = platform.database();
    let mut report = Report::default();
    for _ in 0..BATCHES {
        if !motivation::events_wait(database).await? {
            break;
        }
        let tx = database.transaction().await?;
        let more = motivation::take_in(&change(platform, &tx, now)).await?;
        tx.commit().await?;
        if !more {
            break;
        }
    }
    if motivation::outcomes_wait(database).await? {
        let tx = database.transaction().await?;
        motivation::settle(&change(platform, &tx, now)).await?;
        tx.commit().await?;
    }
    if motivation::any_lacks_defaults(database).await? {
        let tx = database.transaction().await?;
        report.adopted = motivation::adopt(&change(platform, &tx, now), None).await?;
        tx.commit().await?;
    }
    let motivations = motivation::due(database, now).await?;
    report.looked_at = motivations.len();
    let mut facts = motivation::facts(database, &motivations, now).await?;
    // What was handled before is read for those alone that would be due without it.
    let candidates: Vec<&str> = motivations
        .iter()
        .filter(|motivation| matches!(evaluate(motivation, &facts, now), Verdict::Due(_)))
        .map(|motivation| motivation.id.as_str())
        .collect();
    facts.handled = motivation::handled(database, &candidates).await?;
    let mut pauses = Vec::new();
    let mut due = Vec::new();
    for motivation in motivations {
        match evaluate(&motivation, &facts, now) {
            Verdict::NotDue => {
                if let Some(pause) = motivation.condition.pause() {
                    pauses.push((motivation.id, Timestamp(now.0 + pause)));
                }
            }
            Verdict::Due(found) => due.push((motivation, found)),
            verdict => {
                hold(platform, &motivation, &passed(&verdict), now).await?;
                report.held.push(motivation.id);
            }
        }
    }
    motivation::postpone(database, &pauses).await?;
    due.sort_by_key(|(motivation, _)| by_urgency(motivation));
    for (motivation, found) in due {
        if report.fired.len() >= MAX_FIRED_PER_SWEEP {
            report.left += 1;
            continue;
        }
        fire(platform, &motivation, &found, now, &mut report).await?;
    }
    Ok(report)
}

fn change<'a, P: Platform, S>(
    platform: &'a P,
    tx: &'a S,
    now: Timestamp,
) -> Change<'a, S, P::Random> {
    Change {
        tx,
        random: platform.random(),
        actor: ACTOR,
        now,
    }
}

/// What is recorded of an occurrence of time that passes.
fn passed(verdict: &Verdict) -> Held {
    let (result, reason, occurrences) = match verdict {
        Verdict::Missed(occurrences) => (
            TriggerResult::Missed,
            "Nobody looked while it could have been acted on; it is not made up for.",
            *occurrences,
        ),
        _ => (
            TriggerResult::Cooldown,
            "It fired so lately that this occurrence falls into its cool-down.",
            1,
        ),
    };
    Held {
        result,
        reason: reason.to_owned(),
        until: None,
        bead_id: None,
        occurrences,
    }
}

async fn fire<P: Platform>(
    platform: &P,
    motivation: &Motivation,
    due: &Due,
    now: Timestamp,
    report: &mut Report,
) -> Result<(), Error> {
    let tx = platform.database().transaction().await?;
    let fired = motivation::fire(&change(platform, &tx, now), motivation, due, false).await;
    match fired {
        Ok(Fired::Done(trigger)) => {
            tx.commit().await?;
            report.fired.push(motivation.id.clone());
            report.filed.extend(trigger.bead_id);
            Ok(())
        }
        Ok(Fired::Lost) => Ok(()),
        Ok(Fired::Held(held)) => {
            drop(tx);
            report.held.push(motivation.id.clone());
            hold(platform, motivation, &held, now).await
        }
        Err(StoreError::Refused(refusal)) => {
            drop(tx);
            report.held.push(motivation.id.clone());
            refused(platform, motivation, &refusal, now).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn hold<P: Platform>(
    platform: &P,
    motivation: &Motivation,
    held: &Held,
    now: Timestamp,
) -> Result<(), Error> {
    let tx = platform.database().transaction().await?;
    motivation::hold(&change(platform, &tx, now), motivation, held).await?;
    tx.commit().await?;
    Ok(())
}

async fn refused<P: Platform>(
    platform: &P,
    motivation: &Motivation,
    refusal: &Refusal,
    now: Timestamp,
) -> Result<(), Error> {
    let tx = platform.database().transaction().await?;
    motivation::fail(&change(platform, &tx, now), motivation, refusal).await?;
    tx.commit().await?;
    Ok(())
}
