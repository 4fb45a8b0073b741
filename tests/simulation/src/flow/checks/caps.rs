use std::collections::BTreeMap;

use loom_domain::{
    motivation::{Caps, FAILURES_TO_OPEN},
    time::DAY,
};

use super::{FlowEvidence, ensure};
use crate::evidence::Evidence;

/// I9: one open bead a fingerprint, and no more a day than motivations may file, in a project and in all.
pub(super) fn what_the_system_files_is_bounded(evidence: &Evidence) -> Result<(), String> {
    let caps = Caps::IN_FORCE;
    let mut open: BTreeMap<&str, u64> = BTreeMap::new();
    let mut days: BTreeMap<(i64, &str), i64> = BTreeMap::new();
    for bead in &evidence.beads {
        let Some(fingerprint) = bead.fingerprint.as_deref() else {
            continue;
        };
        if bead.status != "closed" {
            let count = open.entry(fingerprint).or_default();
            *count += 1;
            ensure(*count == 1, || {
                format!("{fingerprint} has {count} open beads")
            })?;
        }
        if !fingerprint.starts_with("motivation:") {
            continue;
        }
        let day = bead.created_at.div_euclid(DAY);
        for (scope, cap) in [
            (bead.project.as_str(), caps.filed_in_project),
            ("", caps.filed),
        ] {
            let count = days.entry((day, scope)).or_default();
            *count += 1;
            ensure(*count <= cap, || {
                format!(
                    "motivations filed {count} beads on day {day} in project {scope:?}, {cap} are allowed"
                )
            })?;
        }
    }
    Ok(())
}

/// I9: the breaker of a motivation whose last beads failed one after the other is open, or half open.
pub(super) fn breakers_open(evidence: &FlowEvidence) -> Result<(), String> {
    let most = usize::try_from(FAILURES_TO_OPEN).unwrap_or(usize::MAX);
    for (motivation, outcomes) in &evidence.outcomes {
        let failed = outcomes.iter().rev().take_while(|how| *how == "failed");
        let failed = failed.count();
        let breaker = evidence.breakers.get(motivation).map(String::as_str);
        ensure(failed < most || breaker != Some("closed"), || {
            format!("the last {failed} beads of {motivation} failed and its breaker is {breaker:?}")
        })?;
    }
    Ok(())
}
