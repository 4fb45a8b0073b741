//! The invariants, each in the file and function that bears its number.

mod i1;
mod i10;
mod i11;
mod i2;
mod i6;
mod i7;
mod liveness;

use crate::evidence::Evidence;

pub(crate) use i1::i1_only_a_winner_works;
pub(crate) use i2::{i2_each_write_is_the_holders, i2_the_workspace_admits_no_stale_fence};
pub(crate) use i6::{i6_events_are_dense, i6_events_tell_every_state};
pub(crate) use i7::{
    i7_a_journalled_reply_is_paid_once, i7_an_effect_happens_once, i7_merges_happen_once,
};
pub(crate) use i10::i10_failures_end_in_one_decision;
pub(crate) use i11::{i11_all_that_is_spent_is_accounted_for, i11_nothing_stays_reserved};
pub(crate) use liveness::everything_ends;

/// One check.
pub(crate) type Check = fn(&Evidence) -> Result<(), String>;

/// All of them, with what they check.
const CHECKS: &[(&str, Check)] = &[
    ("I1", i1_only_a_winner_works),
    ("I2", i2_each_write_is_the_holders),
    ("I2", i2_the_workspace_admits_no_stale_fence),
    ("I6", i6_events_are_dense),
    ("I6", i6_events_tell_every_state),
    ("I7", i7_a_journalled_reply_is_paid_once),
    ("I7", i7_an_effect_happens_once),
    ("I7", i7_merges_happen_once),
    ("I10", i10_failures_end_in_one_decision),
    ("I11", i11_nothing_stays_reserved),
    ("I11", i11_all_that_is_spent_is_accounted_for),
    ("liveness", everything_ends),
];

/// The first invariant that does not hold, and how.
pub(crate) fn all(evidence: &Evidence) -> Result<(), (&'static str, String)> {
    CHECKS
        .iter()
        .try_for_each(|(invariant, check)| check(evidence).map_err(|detail| (*invariant, detail)))
}

/// An error unless `holds`.
pub(crate) fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}
