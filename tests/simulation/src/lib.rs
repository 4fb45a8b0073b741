//! The simulator: dispatch tick, agent step, timers and claims run natively under a scheduler that one seed decides,
//! with crashes, duplicates, delays, lost replies and a busy database, and with a TokenHub and a workspace that
//! misbehave. After each schedule the invariants of the design are checked, each by the function that bears its number.
//!
//! ```text
//! cargo test -p loom-simulation --release                                      10,000 schedules and the scenarios
//! LOOM_SIMULATION_SCHEDULES=1000000 cargo test -p loom-simulation --release every_schedule
//! LOOM_SIMULATION_SEED=4711 cargo test -p loom-simulation --release one_seed -- --nocapture
//! ```
//!
//! What one schedule goes through is in `schedule`, what it is drawn from in `plan`. A second kind, in `flow`, is about
//! workflows, decisions and motivations; its seeds are its own:
//!
//! ```text
//! LOOM_SIMULATION_FLOW_SEED=4711 cargo test -p loom-simulation --release one_flow_seed -- --nocapture
//! ```

/// Schedules are made of small allocations; this allocator takes a sixth off their time.
#[cfg(test)]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[cfg(test)]
mod checks;
#[cfg(test)]
mod draw;
#[cfg(test)]
mod evidence;
#[cfg(test)]
mod flow;
#[cfg(test)]
mod hub;
#[cfg(test)]
mod mutation;
#[cfg(test)]
mod people;
#[cfg(test)]
mod plan;
#[cfg(test)]
mod repository;
#[cfg(test)]
mod runner;
#[cfg(test)]
mod scenarios;
#[cfg(test)]
mod schedule;
#[cfg(test)]
mod script;
#[cfg(test)]
mod setup;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod watch;
#[cfg(test)]
mod world;
