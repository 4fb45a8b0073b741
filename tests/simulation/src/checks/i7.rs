use std::collections::{BTreeMap, BTreeSet};

use super::ensure;
use crate::{
    evidence::{Action, Bead, Evidence},
    hub::{Because, Payment},
};

/// I7: each journalled reply was paid once.
///
/// TokenHub pays again for a request that comes while the same one is still being answered, or later than five minutes
/// after its answer. Both take a fault: a holder that died or was cut off, a doubled request, a reply that was lost or
/// late. The protocol cannot exclude that; so it is allowed in plans in which such a fault may happen, counted in the
/// report, and refused in all others.
pub(crate) fn i7_a_journalled_reply_is_paid_once(evidence: &Evidence) -> Result<(), String> {
    let mut by_key: BTreeMap<&str, Vec<&Payment>> = BTreeMap::new();
    for payment in &evidence.payments {
        by_key.entry(&payment.key).or_default().push(payment);
    }
    for (key, payments) in &by_key {
        let first = payments[0];
        ensure(payments.iter().all(|paid| paid.body == first.body), || {
            format!(
                "{key} was used for two different requests, so TokenHub could not know them as one"
            )
        })?;
        let again = payments.iter().skip(1);
        for paid in again {
            let excused = matches!(paid.because, Because::InFlight | Because::Forgotten)
                && evidence.plan.excuses_double_payment();
            ensure(excused, || {
                format!(
                    "{key} was paid again ({:?}) although nothing had gone wrong",
                    paid.because
                )
            })?;
        }
    }
    for usage in &evidence.usages {
        let step = evidence
            .steps
            .iter()
            .find(|step| step.run == usage.run && step.number == usage.step)
            .ok_or_else(|| format!("usage of {}:{} has no step", usage.run, usage.step))?;
        ensure(
            step.status != "calling" && step.cost == Some(usage.cost),
            || {
                format!(
                    "step {}:{} and its usage do not agree",
                    usage.run, usage.step
                )
            },
        )?;
        let key = format!("{}:{}:{}", usage.run, usage.step, step.key_number);
        let payments = by_key.get(key.as_str()).map_or(&[][..], Vec::as_slice);
        ensure(payments.iter().any(|paid| paid.is_reply), || {
            format!("the journalled reply to {key} was never paid")
        })?;
        // A reply under an earlier key would have been paid and thrown away.
        for (other, payments) in &by_key {
            let is_earlier = payments[0].run == usage.run
                && payments[0].step == usage.step
                && *other != key.as_str();
            let is_wasted = payments.len() == 1 && payments[0].is_reply;
            ensure(!(is_earlier && is_wasted), || {
                format!("{other} was paid and answered, and yet {key} was asked")
            })?;
        }
    }
    let replied = evidence
        .steps
        .iter()
        .filter(|step| step.status != "calling")
        .count();
    ensure(replied == evidence.usages.len(), || {
        format!(
            "{replied} steps have a reply, {} a usage",
            evidence.usages.len()
        )
    })
}

fn done<'a>(evidence: &'a Evidence, name: &str) -> impl Iterator<Item = &'a Action> {
    let name = name.to_owned();
    evidence
        .actions
        .iter()
        .filter(move |action| action.name == name && action.status == "ok")
}

/// I7: a commit, a comment and a filed bead come about once for each action, and for no other reason.
pub(crate) fn i7_an_effect_happens_once(evidence: &Evidence) -> Result<(), String> {
    let cut_short = evidence.cut_short();
    let mut commits = BTreeSet::new();
    for commit in &evidence.commits {
        // The key as Loom gave it, also where a broken workspace counts on.
        let key = commit.key.split('#').next().unwrap_or_default().to_owned();
        ensure(commits.insert(key), || {
            format!("{} was committed twice", commit.key)
        })?;
    }
    let journalled: BTreeSet<String> = done(evidence, "git_commit").map(Action::key).collect();
    if let Some(missing) = journalled.difference(&commits).next() {
        return Err(format!(
            "the commit {missing} is in the journal but not in the repository"
        ));
    }
    for extra in commits.difference(&journalled) {
        let (run, rest) = extra.split_once(':').unwrap_or((extra, ""));
        // What a bead brings with it is committed before any action.
        ensure(cut_short.contains(run) || rest == "documents", || {
            format!(
                "the commit {extra} is in the repository but not in the journal of its run, which came to its own end"
            )
        })?;
    }
    let comments: BTreeSet<String> = done(evidence, "comment").map(Action::key).collect();
    ensure(
        evidence.comments.iter().cloned().collect::<BTreeSet<_>>() == comments,
        || {
            format!(
                "there are comments {:?} of the actions {comments:?}",
                evidence.comments
            )
        },
    )?;
    // For a decision that is routine Loom itself files a bead, one a decision.
    let decides = |bead: &&Bead| bead.title.starts_with("[decision-maker] Decide:");
    let deciders = evidence.beads.iter().filter(decides).count();
    ensure(deciders <= evidence.decisions.len(), || {
        format!("{deciders} beads were filed for fewer decisions")
    })?;
    let by_system = evidence
        .beads
        .iter()
        .filter(|bead| bead.fingerprint.is_some());
    let filed = evidence.beads.len() - evidence.planned.len() - by_system.count();
    let asked = done(evidence, "create_bead").count() + done(evidence, "delegate").count();
    ensure(filed == asked, || {
        format!("{filed} beads were filed by {asked} actions")
    })
}

/// I7: what a run did is merged once, by the run that succeeded with it.
pub(crate) fn i7_merges_happen_once(evidence: &Evidence) -> Result<(), String> {
    let cut_short = evidence.cut_short();
    let mut merged: BTreeMap<&str, &str> = BTreeMap::new();
    for merge in &evidence.merges {
        let earlier = merged.insert(&merge.run, &merge.id);
        ensure(earlier.is_none(), || {
            format!("run {} was merged twice", merge.run)
        })?;
        let run = evidence
            .run(&merge.run)
            .ok_or_else(|| format!("{} was merged for no run", merge.id))?;
        ensure(
            run.status == "succeeded" || cut_short.contains(run.id.as_str()),
            || {
                format!(
                    "run {} was merged and yet {} as {:?}",
                    run.id, run.status, run.reason
                )
            },
        )?;
        if run.status == "succeeded" {
            ensure(run.commit.as_deref() == Some(&merge.id), || {
                format!(
                    "run {} was merged as {} but says {:?}",
                    run.id, merge.id, run.commit
                )
            })?;
        }
    }
    // A bead that follows a workflow is worked on by many, and merged at each of its nodes that hands over.
    let beads = evidence.beads.iter();
    for bead in beads.filter(|_| evidence.plan.flow.is_none()) {
        let winners: Vec<&str> = evidence
            .runs_of(&bead.id)
            .filter(|run| run.status == "succeeded")
            .map(|run| run.id.as_str())
            .collect();
        ensure(winners.len() <= 1, || {
            format!("bead {} was done by {winners:?}", bead.id)
        })?;
        if bead.status == "closed" && bead.commit.is_some() {
            ensure(
                winners.first().is_some_and(|run| merged.contains_key(run)),
                || {
                    format!(
                        "bead {} is closed with {:?}, which was never merged",
                        bead.id, bead.commit
                    )
                },
            )?;
        }
    }
    Ok(())
}
