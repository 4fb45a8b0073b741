use std::collections::BTreeMap;

use loom_domain::{
    bead::{AUTO_FILED_TAG, Bead, BeadInput, MAX_CAUSE_DEPTH},
    motivation::{
        Admission, BeadTemplate, Caps, DayCounts, Due, Motivation, MotivationKind, Trigger,
        TriggerResult, admit,
    },
    time::DAY,
};
use loom_platform::{Random, Statements};
use serde_json::json;

use super::{
    history::{self, Record},
    hold::{Held, passed, write},
    wake::wake,
};
use crate::{
    StoreError,
    bead::{self, Origin},
    change::Change,
};

/// How long a handled occurrence is remembered, and how many of one motivation at most.
const HANDLED_FOR: i64 = 90 * DAY;
const HANDLED_KEPT: i64 = 2_000;
/// How long the counts of a day are kept.
const COUNTS_FOR: i64 = 8 * DAY;

/// What came of firing.
#[derive(Debug, Clone, PartialEq)]
pub enum Fired {
    /// It fired.
    Done(Trigger),
    /// It may not, or need not. Nothing was changed: the caller records it.
    Held(Held),
    /// Somebody else fired or changed it meanwhile. Nothing was changed.
    Lost,
}

/// Fires a motivation: files its bead, wakes its role, counts it, and remembers what it was due for, all at once.
///
/// The caps of the day are checked in the same transaction, so they hold whatever runs at the same time. The caller
/// commits after [`Fired::Done`] only.
///
/// Refuses what `bead::file` refuses; the caller drops the transaction and records that with [`fail`](super::fail).
pub async fn fire<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    motivation: &Motivation,
    due: &Due,
    is_manual: bool,
) -> Result<Fired, StoreError> {
    let now = change.now;
    let occurrences = i64::try_from(due.occurrences.len()).unwrap_or(i64::MAX);
    if motivation.bead_template.is_some()
        && let Some(open) = open_bead(change.tx, motivation).await?
    {
        let mut held = Held::still_open(motivation, &open, now);
        held.occurrences = occurrences;
        return Ok(Fired::Held(held));
    }
    let counts = counts(change, motivation).await?;
    if let Admission::Hold {
        result,
        reason,
        until,
    } = admit(motivation, counts, Caps::IN_FORCE, is_manual, now)
    {
        return Ok(Fired::Held(Held {
            result,
            reason,
            until: Some(until),
            bead_id: None,
            occurrences,
        }));
    }
    let mut next = motivation.clone();
    next.last_triggered_at = Some(now);
    next.trigger_count += 1;
    next.next_fire_at = passed(motivation, now);
    next.not_before = next.cool_until().filter(|until| {
        // An occurrence of time that falls into the cool-down must be seen to be recorded.
        motivation.condition.need().is_some() && *until > now
    });
    next.last_skip = None;
    next.breaker = motivation.breaker.fired();
    if motivation.bead_template.is_none() {
        // Nothing else can go wrong with it.
        next.breaker = next.breaker.succeeded();
    }
    if !write(change, motivation, &next).await? {
        return Ok(Fired::Lost);
    }
    count(change, motivation).await?;
    let filed = match &motivation.bead_template {
        Some(template) => Some(file(change, motivation, template, due).await?),
        None => None,
    };
    let bead_id = filed.as_ref().map(|bead| bead.id.as_str());
    let woken = if motivation.wake_agent {
        wake(change, motivation, due, bead_id).await?
    } else {
        0
    };
    remember(change, motivation, due).await?;
    if due.missed > 0 {
        let reason = "Nobody looked when they were due; they are not made up for.";
        history::missed(change, motivation, due.missed, reason).await?;
    }
    let row = Record {
        reason: &due.reason,
        is_manual,
        occurrences,
        bead_id,
        woken,
    };
    let trigger = history::record(change, motivation, TriggerResult::Fired, &row).await?;
    Ok(Fired::Done(trigger))
}

/// The open bead that the motivation filed before.
async fn open_bead<S: Statements>(
    tx: &S,
    motivation: &Motivation,
) -> Result<Option<String>, StoreError> {
    let sql = "SELECT id FROM bead WHERE fingerprint = ?1 AND status <> 'closed'";
    let row = tx
        .query_one(sql, vec![motivation.fingerprint().into()])
        .await?;
    row.map_or(Ok(None), |row| Ok(Some(row.text(0)?)))
}

async fn file<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    motivation: &Motivation,
    template: &BeadTemplate,
    due: &Due,
) -> Result<Bead, StoreError> {
    let mut tags = template.tags.clone();
    if !tags.iter().any(|tag| tag == AUTO_FILED_TAG) {
        tags.push(AUTO_FILED_TAG.to_owned());
    }
    let context = BTreeMap::from([
        ("motivation_id".to_owned(), json!(motivation.id)),
        ("motivation".to_owned(), json!(motivation.name)),
    ]);
    let input = BeadInput {
        project_id: motivation.project_id.clone(),
        // The role before the title is what routes the bead, and people see it too.
        title: Some(format!("[{}] {}", motivation.role, template.title)),
        description: Some(format!(
            "{}\n\nWhy now: {}",
            template.description, due.reason
        )),
        kind: Some(template.kind.clone()),
        priority: Some(template.priority),
        tags: Some(tags),
        context: Some(context),
        ..BeadInput::default()
    };
    let origin = Origin {
        fingerprint: Some(motivation.fingerprint()),
        cause: cause(change.tx, motivation, due).await?,
        ..Origin::default()
    };
    let (bead, _) = bead::file(change, input, origin).await?;
    Ok(bead)
}

/// The bead that a firing is about, when it is about one: then the chain of causes goes on (invariant I9).
async fn cause<S: Statements>(
    tx: &S,
    motivation: &Motivation,
    due: &Due,
) -> Result<Option<String>, StoreError> {
    let ([occurrence], MotivationKind::Event) = (due.occurrences.as_slice(), motivation.kind)
    else {
        return Ok(None);
    };
    let Some(id) = &occurrence.bead_id else {
        return Ok(None);
    };
    let bead = bead::find(tx, id).await?;
    Ok(bead
        .filter(|bead| bead.fingerprint.is_none() && bead.cause_depth < MAX_CAUSE_DEPTH)
        .map(|bead| bead.id))
}

/// What happened today, in the motivation's project and in all.
async fn counts<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    motivation: &Motivation,
) -> Result<DayCounts, StoreError> {
    let sql = "SELECT project_id, fired, filed FROM motivation_day WHERE day = ?1 AND project_id IN ('', ?2)";
    let rows = change
        .tx
        .query(
            sql,
            vec![
                change.now.day().into(),
                motivation.project_id.as_ref().into(),
            ],
        )
        .await?;
    let mut counts = DayCounts::default();
    for row in rows {
        let (fired, filed) = (row.integer(1)?, row.integer(2)?);
        if row.text(0)?.is_empty() {
            (counts.fired, counts.filed) = (fired, filed);
        } else {
            (counts.fired_in_project, counts.filed_in_project) = (fired, filed);
        }
    }
    Ok(counts)
}

async fn count<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    motivation: &Motivation,
) -> Result<(), StoreError> {
    let project = motivation.project_id.as_deref().unwrap_or_default();
    for scope in ["", project] {
        let sql = "INSERT INTO motivation_day (day, project_id, fired, filed) VALUES (?1, ?2, 1, ?3) \
                   ON CONFLICT (day, project_id) DO UPDATE SET fired = fired + 1, filed = filed + excluded.filed";
        let values = vec![
            change.now.day().into(),
            scope.into(),
            motivation.bead_template.is_some().into(),
        ];
        change.tx.execute(sql, values).await?;
    }
    let old = loom_domain::time::Timestamp(change.now.0 - COUNTS_FOR).day();
    change
        .tx
        .execute(
            "DELETE FROM motivation_day WHERE day < ?1",
            vec![old.into()],
        )
        .await?;
    Ok(())
}

/// Remembers what the motivation fired for, so that it fires for each once.
async fn remember<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    motivation: &Motivation,
    due: &Due,
) -> Result<(), StoreError> {
    for occurrence in &due.occurrences {
        let sql = "INSERT INTO motivation_occurrence (motivation_id, key, summary, bead_id, at, handled_at) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
                   ON CONFLICT (motivation_id, key) DO UPDATE SET handled_at = excluded.handled_at";
        let values = vec![
            (&motivation.id).into(),
            (&occurrence.key).into(),
            (&occurrence.summary).into(),
            occurrence.bead_id.as_ref().into(),
            occurrence.at.0.into(),
            change.now.0.into(),
        ];
        change.tx.execute(sql, values).await?;
    }
    let sql = "DELETE FROM motivation_occurrence WHERE motivation_id = ?1 AND handled_at IS NOT NULL \
               AND (handled_at < ?2 OR key NOT IN (SELECT key FROM motivation_occurrence \
               WHERE motivation_id = ?1 AND handled_at IS NOT NULL ORDER BY handled_at DESC, key LIMIT ?3))";
    let values = vec![
        (&motivation.id).into(),
        (change.now.0 - HANDLED_FOR).into(),
        HANDLED_KEPT.into(),
    ];
    change.tx.execute(sql, values).await?;
    Ok(())
}
