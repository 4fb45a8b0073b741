//! Beads: work items.

mod held;
mod input;
mod priority;
mod readiness;
mod status;
mod touches;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::time::Timestamp;

pub use held::HeldBy;
pub use input::{BeadInput, MAX_CAUSE_DEPTH, TITLE_LIMIT};
pub use priority::Priority;
pub use readiness::{Reason, ReasonCode, claim_refusal, reasons};
pub use status::{BeadStatus, transition};
pub use touches::overlap;

/// How often one bead may be dispatched in all (invariant I10).
pub const MAX_DISPATCHES: i64 = 20;
/// How many runs of one bead may fail before a person is asked (invariant I10).
pub const MAX_FAILED_RUNS: i64 = 3;
/// The tag that keeps a bead from agents: only a person can do it.
pub const REQUIRES_HUMAN_TAG: &str = "requires-human-config";
/// The tag of a bead that the system filed itself.
pub const AUTO_FILED_TAG: &str = "auto-filed";

/// A bead.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bead {
    /// `<prefix>-<5 or more characters>`.
    pub id: String,
    /// Its project.
    pub project_id: String,
    /// What kind of work: `task`, `bug`, `feature`, `epic`, or any other word.
    #[serde(rename = "type")]
    pub kind: String,
    /// One line.
    pub title: String,
    /// Everything else one should know.
    pub description: String,
    /// Where it stands.
    pub status: BeadStatus,
    /// How urgent it is.
    pub priority: Priority,
    /// The bead that it is part of.
    pub parent: Option<String>,
    /// Labels.
    pub tags: Vec<String>,
    /// Beads that must be closed first.
    pub blocked_by: Vec<String>,
    /// Beads that have to do with it.
    pub related: Vec<String>,
    /// Globs of the paths that it will change; beads whose globs overlap are not worked at the same time.
    pub touches: Vec<String>,
    /// Free facts, kept as they came; import keeps unknown fields here.
    pub context: BTreeMap<String, Value>,
    /// When it should be done.
    pub due_at: Option<Timestamp>,
    /// How long it should take, in minutes.
    pub estimate_minutes: Option<i64>,
    /// The agent that works on it, or alone may.
    pub assigned_to: Option<String>,
    /// The role that it wants; none = anybody.
    pub wanted_role: Option<String>,
    /// How often it was given to an agent.
    pub dispatch_count: i64,
    /// Runs that failed since a person last looked at it.
    pub failed_runs: i64,
    /// Not before this moment.
    pub retry_at: Option<Timestamp>,
    /// Blockers that are not closed, or not known.
    pub open_blockers: i64,
    /// Open decisions that hold it.
    pub open_decisions: i64,
    /// Who keeps it blocked until a person releases it.
    pub held_by: Option<HeldBy>,
    /// Only a person can do it (tag `requires-human-config`).
    pub requires_human: bool,
    /// The live run, if there is one.
    pub run_id: Option<String>,
    /// The live execution of the workflow that it follows, if it follows one.
    pub execution_id: Option<String>,
    /// The agent whose work on it is to be judged now, and which therefore may not take it.
    pub author_agent: Option<String>,
    /// Grows by one with each claim and each change of hands (invariant I2).
    pub fence: i64,
    /// Its work waits for a review before it is merged.
    pub in_review: bool,
    /// The commit that closed it.
    pub commit: Option<String>,
    /// Who filed it.
    pub created_by: String,
    /// For work that the system filed: what it is about; at most one open bead has it (invariant I9).
    pub fingerprint: Option<String>,
    /// The bead at the start of the chain of causes.
    pub root_id: Option<String>,
    /// How many causes lie between it and its root, at most [`MAX_CAUSE_DEPTH`].
    pub cause_depth: i64,
    /// Why it was closed.
    pub close_reason: Option<String>,
    /// Grows by one with each change; the ETag.
    pub version: i64,
    /// When it was filed.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
}
