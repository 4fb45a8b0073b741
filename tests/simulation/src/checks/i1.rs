use std::collections::BTreeSet;

use super::ensure;
use crate::evidence::Evidence;

/// I1: no path leads from a refusal to a model call or to the workspace: whoever reaches them was granted a lease
/// before, and no lease is granted twice.
///
/// (That a bead has one live run at most is asked at many moments of each schedule, by `watch::wrong`.)
pub(crate) fn i1_only_a_winner_works(evidence: &Evidence) -> Result<(), String> {
    let mut granted = BTreeSet::new();
    for grant in &evidence.grants {
        ensure(granted.insert((grant.run.as_str(), grant.fence)), || {
            format!("run {} was leased twice as {}", grant.run, grant.fence)
        })?;
    }
    let leased: BTreeSet<(&str, i64)> = evidence
        .writes
        .iter()
        .filter(|write| write.what == "lease")
        .map(|write| (write.run.as_str(), write.fence))
        .collect();
    for (run, fence) in &granted {
        ensure(leased.contains(&(*run, *fence)), || {
            format!("run {run} was granted fence {fence}, which no lease gave")
        })?;
    }
    let runs: BTreeSet<&str> = granted.iter().map(|(run, _)| *run).collect();
    for call in &evidence.calls {
        ensure(runs.contains(call.run.as_str()), || {
            format!("the model was called as {} without a lease", call.key)
        })?;
    }
    for call in &evidence.admitted {
        // The folder of an ended run is removed under the run's last fence, which belongs to nobody.
        let is_allowed =
            call.operation == "close" || granted.contains(&(call.run.as_str(), call.fence));
        ensure(is_allowed, || {
            format!(
                "{} was done in the workspace under fence {}, which nobody was granted",
                call.key, call.fence
            )
        })?;
    }
    Ok(())
}
