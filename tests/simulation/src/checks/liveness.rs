use super::ensure;
use crate::evidence::{Bead, Evidence};

const HOUR_MS: i64 = 3_600_000;

/// Why runs may end in these worlds: as the script says, or because of what TokenHub and the network did to them.
const EXPECTED_ENDS: &[&str] = &[
    "done",
    "in_review",
    "gave_up",
    "parse_failures",
    "inner_loop",
    "escalated",
    "cancelled",
    "lease_lost",
    // The decision-maker has answered.
    "closed",
    "budget_exceeded",
    "all_providers_failed",
    "key_rate_limited",
    "timed_out",
    "interrupted",
    "cannot_connect",
    "not_model_output",
    "no_choices",
    "unreadable",
];

/// When nothing goes wrong any more, everything comes to an end: no run lives but those that wait for something that has
/// not come to its own end, no agent is busy, and each bead is closed, or waits for something that a person can see.
pub(crate) fn everything_ends(evidence: &Evidence) -> Result<(), String> {
    for run in &evidence.runs {
        if run.status == "waiting" && evidence.waits.iter().any(|wait| wait.run == run.id) {
            continue;
        }
        let has_ended = ["succeeded", "failed", "cancelled"].contains(&run.status.as_str());
        ensure(has_ended, || {
            format!("run {} is still {}", run.id, run.status)
        })?;
        let reason = run.reason.as_deref().unwrap_or("nothing");
        ensure(EXPECTED_ENDS.contains(&reason), || {
            format!(
                "run {} ended with {reason}, for which nothing in this world is a cause",
                run.id
            )
        })?;
    }
    for (agent, status) in evidence.agent_statuses() {
        ensure(status == "idle", || {
            format!("agent {agent} is still {status}")
        })?;
    }
    for bead in &evidence.beads {
        let waits = bead
            .run
            .as_ref()
            .is_some_and(|run| evidence.waits.iter().any(|wait| wait.run == *run));
        ensure(bead.run.is_none() || waits, || {
            format!("bead {} still has a run", bead.id)
        })?;
        let is_settled = match bead.status.as_str() {
            "closed" => true,
            "in_progress" => bead.in_review || waits,
            "blocked" => is_asked_about(evidence, bead),
            _ => {
                is_asked_about(evidence, bead)
                    || bead.open_blockers > 0
                    // The budget of the day is used up.
                    || bead.retry_at.is_some_and(|at| at - evidence.now > HOUR_MS)
            }
        };
        ensure(is_settled, || {
            format!(
                "bead {} ({}) is {} and nobody knows why",
                bead.id, bead.title, bead.status
            )
        })?;
    }
    Ok(())
}

/// Whether an open question holds the bead: its own, or that about its project's budget, which is asked once for all.
fn is_asked_about(evidence: &Evidence, bead: &Bead) -> bool {
    let budget = format!("budget:project:{}", bead.project);
    evidence
        .decisions
        .iter()
        .filter(|decision| decision.status == "open")
        .any(|decision| decision.bead == bead.id || decision.fingerprint == budget)
}
