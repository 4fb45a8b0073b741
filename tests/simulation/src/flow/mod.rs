//! The second kind of schedule: beads follow workflows, agents judge each other, people decide, and hours pass.
//!
//! The world, its faults and the checks of what runs do are those of the first kind; here are the beads and the model's
//! answers, the people, how time passes, and what must hold of executions, decisions and motivations.

pub(crate) mod checks;
mod evidence;
mod meddling;
pub(crate) mod mutation;
pub(crate) mod office;
mod pace;
pub(crate) mod people;
pub(crate) mod plan;
pub(crate) mod report;
mod schedule;
pub(crate) mod script;
pub(crate) mod setup;
mod tests;
pub(crate) mod watch;
mod week;
