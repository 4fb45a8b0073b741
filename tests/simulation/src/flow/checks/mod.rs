//! What must hold after a schedule of this kind.

mod answers;
mod caps;
mod executions;
mod liveness;

use super::evidence::FlowEvidence;
use crate::{
    checks::{self, Check, ensure},
    evidence::Evidence,
};

/// One check.
type FlowCheck = fn(&FlowEvidence) -> Result<(), String>;

const CHECKS: &[(&str, FlowCheck)] = &[
    ("history", executions::histories_replay),
    ("visits", executions::no_node_is_entered_too_often),
    ("author", executions::nobody_judges_their_own_work),
    ("answer", answers::each_decision_is_answered_once),
    ("question", answers::nothing_is_asked_at_the_end),
    ("I9", caps::breakers_open),
    ("liveness", liveness::every_bead_ends),
    ("liveness", liveness::parents_end_with_their_parts),
];

/// Those of what runs do that hold here too.
const COMMON: &[(&str, Check)] = &[
    ("I1", checks::i1_only_a_winner_works),
    ("I2", checks::i2_each_write_is_the_holders),
    ("I2", checks::i2_the_workspace_admits_no_stale_fence),
    ("I6", checks::i6_events_are_dense),
    ("I6", checks::i6_events_tell_every_state),
    ("I7", checks::i7_a_journalled_reply_is_paid_once),
    ("I7", checks::i7_an_effect_happens_once),
    ("I7", checks::i7_merges_happen_once),
    ("I9", caps::what_the_system_files_is_bounded),
    ("I11", checks::i11_nothing_stays_reserved),
    ("I11", checks::i11_all_that_is_spent_is_accounted_for),
];

/// What the system filed alone.
pub(super) fn caps(evidence: &Evidence, flow: &FlowEvidence) -> Result<(), String> {
    caps::what_the_system_files_is_bounded(evidence).and_then(|()| caps::breakers_open(flow))
}

/// The first invariant that does not hold, and how.
pub(super) fn all(evidence: &Evidence, flow: &FlowEvidence) -> Result<(), (&'static str, String)> {
    let own = CHECKS
        .iter()
        .map(|(invariant, check)| (*invariant, check(flow)));
    let common = COMMON
        .iter()
        .map(|(invariant, check)| (*invariant, check(evidence)));
    own.chain(common)
        .try_for_each(|(invariant, checked)| checked.map_err(|detail| (invariant, detail)))
}
