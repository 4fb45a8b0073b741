//! Workflows: work that travels through several roles and people.
//!
//! A [`Definition`] is a graph of nodes and edges. An [`Execution`] is one bead's way through it. It is event-sourced:
//! [`decide`] answers a [`Command`] with the [`Record`]s that it leads to, or refuses it; [`Execution::apply`] is the
//! only thing that changes an execution; and the same records, applied again, give the same execution.

mod brief;
mod decide;
mod definition;
mod execution;
mod lines;
mod mermaid;
mod problem;
mod stand;
mod validate;
pub mod yaml;

#[cfg(test)]
mod golden_tests;
#[cfg(test)]
mod mermaid_tests;
#[cfg(test)]
mod tests;

pub use brief::{brief, outcome_of};
pub use decide::{Command, MAX_VISITS, decide};
pub use definition::{Definition, Edge, Match, Node, NodeType, Outcome, Wait};
pub use execution::{Execution, ExecutionStatus, Record};
pub use lines::Lines;
pub use mermaid::mermaid;
pub use problem::Problem;
pub use stand::{Stand, stand};
pub use validate::{MAX_EDGES, MAX_NODES, validate};
