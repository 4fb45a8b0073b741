use super::ensure;
use crate::{evidence::Evidence, script::Script};

const MOST_FAILURES: usize = 3;
const MOST_DISPATCHES: i64 = 20;

/// I10: no counter is ever reset, so a bead fails three times and is dispatched twenty times at most; and then it is
/// blocked, with exactly one question about it.
pub(crate) fn i10_failures_end_in_one_decision(evidence: &Evidence) -> Result<(), String> {
    for bead in &evidence.beads {
        let name = format!("bead {} ({})", bead.id, bead.title);
        let failed = evidence
            .runs_of(&bead.id)
            .filter(|run| run.status == "failed")
            .count();
        ensure(
            usize::try_from(bead.failed_runs) == Ok(failed) && failed <= MOST_FAILURES,
            || {
                format!(
                    "{name} has {failed} failed runs and counts {}",
                    bead.failed_runs
                )
            },
        )?;
        let runs = evidence.runs_of(&bead.id).count();
        ensure(
            usize::try_from(bead.dispatch_count) == Ok(runs)
                && bead.dispatch_count <= MOST_DISPATCHES,
            || format!("{name} has {runs} runs and counts {}", bead.dispatch_count),
        )?;
        let mut asked: Vec<&str> = evidence
            .decisions
            .iter()
            .filter(|decision| decision.bead == bead.id && decision.status == "open")
            .map(|decision| decision.kind.as_str())
            .collect();
        ensure(
            usize::try_from(bead.open_decisions) == Ok(asked.len()),
            || {
                format!(
                    "{name} counts {} decisions, there are {asked:?}",
                    bead.open_decisions
                )
            },
        )?;
        // What a run asks for itself is not about the bead's failures.
        asked.retain(|kind| *kind != "question");
        ensure(asked.len() <= 1, || {
            format!("{name} has more than one question open: {asked:?}")
        })?;
        let is_exhausted = failed == MOST_FAILURES;
        if is_exhausted {
            ensure(
                bead.status == "blocked" && asked == ["attempts_exhausted"],
                || {
                    format!(
                        "{name} failed {failed} times and is {} with {asked:?}",
                        bead.status
                    )
                },
            )?;
        } else if asked == ["attempts_exhausted"] {
            ensure(bead.dispatch_count == MOST_DISPATCHES, || {
                format!("{name} is given up after {failed} failures and {runs} runs")
            })?;
        }
    }
    for (id, planned) in evidence.planned.iter().zip(&evidence.plan.beads) {
        let always_fails = matches!(
            planned.script,
            Script::GivesUp | Script::Babbles | Script::Loops
        );
        let bead = evidence.beads.iter().find(|bead| bead.id == *id);
        if let Some(bead) = bead.filter(|_| always_fails) {
            ensure(bead.status != "closed", || {
                format!("bead {id} never succeeds and yet is closed")
            })?;
        }
    }
    Ok(())
}
