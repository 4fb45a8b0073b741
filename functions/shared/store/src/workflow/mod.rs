//! Workflows: definitions, executions and their histories, and what an execution does to its bead.

mod answered;

pub use answered::{answered, decision_expired};
