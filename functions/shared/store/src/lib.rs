//! SQL: schema, migrations, one module per aggregate.
//!
//! Functions that only read take [`Statements`](loom_platform::Statements): the database or an open transaction.
//! Functions that write take a [`Change`], so that a change and its events are one transaction (invariant I6).

pub mod account;
pub mod agent;
pub mod bead;
pub mod bead_sync;
pub mod budget;
pub mod catalogue;
mod change;
pub mod connector;
pub mod decision;
pub mod delivery;
pub mod document;
mod error;
pub mod event;
pub mod github;
pub mod idempotency;
pub mod knowledge;
pub mod migrate;
pub mod motivation;
pub mod org_chart;
pub mod persona;
pub mod project;
pub mod provider;
mod row;
pub mod run;
pub mod timer;
pub mod workflow;

pub use change::{Change, now};
pub use error::StoreError;
