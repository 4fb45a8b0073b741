//! Types and rules of Loom.
//!
//! **Architecture invariant:** nothing here does I/O, reads a clock, draws a random number or is async. Each rule is
//! a function of its arguments; time comes in as `now`, unpredictable bytes come in as bytes.

pub mod account;
pub mod action;
pub mod agent;
pub mod bead;
pub mod bead_file;
pub mod budget;
pub mod connector;
pub mod conversation;
pub mod decision;
pub mod delivery;
pub mod dispatch;
pub mod event;
pub mod github;
pub mod hex;
pub mod id;
pub mod lesson;
pub mod loop_detection;
pub mod model_failure;
pub mod money;
pub mod motivation;
pub mod org_chart;
pub mod persona;
pub mod plan;
pub mod project;
pub mod prompt;
pub mod provider;
mod refusal;
pub mod reply;
pub mod role;
pub mod routing;
pub mod run;
pub mod time;
pub mod timer;
pub mod workflow;
mod yaml;

pub use refusal::{Refusal, RefusalKind};
