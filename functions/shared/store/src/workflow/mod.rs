//! Workflows: definitions, executions and their histories, and what an execution does to its bead.
//!
//! Every change of an execution goes through [`advance`]: the rule in the domain decides, the records and the state
//! that they add up to are written, and the bead is placed where the execution stands, all in the caller's transaction.

mod advance;
mod analytics;
mod answered;
mod boxed;
pub mod definition;
mod execution;
mod held;
mod hooks;
mod place;
mod plan;
mod question;
pub(crate) mod seed;
mod start;
mod steer;
mod why;

pub use advance::{Asked, advance};
pub use analytics::{Analytics, analytics};
pub use answered::{answered, decision_expired};
pub use execution::{
    ExecutionFilter, HistoryRecord, get, history, list, live_of_bead, node_of, replay,
};
pub(crate) use held::wants_work;
pub use hooks::timed_out;
pub(crate) use hooks::{WORKFLOW_WAITS, bead_closed, bead_reopened, below_changed, run_ended};
pub use plan::{HELD_BY, beads_of_plan, hold_back};
pub(crate) use start::reselect;
pub use start::{start, start_matching};
pub use steer::steer;
pub(crate) use why::why;
