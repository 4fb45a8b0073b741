use std::collections::BTreeMap;

use super::ensure;
use crate::evidence::Evidence;

/// I2: between two changes of hands all that is written for a run is written by one task, while the run is running,
/// under the fence of the lease; and no task writes again after the run has gone to another.
pub(crate) fn i2_each_write_is_the_holders(evidence: &Evidence) -> Result<(), String> {
    // By run: how often it was leased so far, and the fence of that lease.
    let mut leases: BTreeMap<&str, (u32, i64)> = BTreeMap::new();
    let mut writers: BTreeMap<(&str, u32), i64> = BTreeMap::new();
    let mut holds: BTreeMap<i64, (&str, u32)> = BTreeMap::new();
    for write in &evidence.writes {
        let run = write.run.as_str();
        if write.what == "lease" {
            let lease = leases.entry(run).or_insert((0, 0));
            ensure(write.fence > lease.1, || {
                format!(
                    "{write:?} leases under a fence that is not higher than {}",
                    lease.1
                )
            })?;
            *lease = (lease.0 + 1, write.fence);
            continue;
        }
        let (number, fence) = leases.get(run).copied().unwrap_or((0, 0));
        ensure(write.status == "running" && write.fence == fence, || {
            format!("{write:?} happened while the run was not held under {fence}")
        })?;
        let writer = *writers.entry((run, number)).or_insert(write.task);
        ensure(writer == write.task, || {
            format!("{write:?} was written under lease {number}, which task {writer} holds")
        })?;
        let hold = *holds.entry(write.task).or_insert((run, number));
        ensure(hold == (run, number), || {
            format!(
                "{write:?} was written under lease {number} by the holder of lease {} of {}",
                hold.1, hold.0
            )
        })?;
    }
    Ok(())
}

/// I2: once the workspace has seen a fence of a run, it does nothing under a lower one.
pub(crate) fn i2_the_workspace_admits_no_stale_fence(evidence: &Evidence) -> Result<(), String> {
    let mut highest: BTreeMap<&str, i64> = BTreeMap::new();
    for call in &evidence.admitted {
        let seen = highest.entry(&call.run).or_insert(call.fence);
        ensure(call.fence >= *seen, || {
            format!("{call:?} was admitted after fence {seen}")
        })?;
        *seen = call.fence;
        ensure(call.fence <= call.current_fence, || {
            format!("{call:?} carries a fence that the run never had")
        })?;
    }
    Ok(())
}
