//! A whole world that one seed decides: schedule, clock, randomness, network, faults.
//!
//! Functions run unchanged over [`SimPlatform`]. Every task of every process takes turns on one thread, and who goes
//! next is drawn from the seed; before each port call others get a chance, so two callers interleave at every point
//! where they could on a real host. The clock stands still while anybody can run and then jumps to the next timer, so
//! minutes of waiting cost nothing. At each port call the process may also crash, the call may be late, busy, refused,
//! doubled or lose its reply, as [`Faults`] say.
//!
//! The same seed and the same code give the same run, down to the last poll: [`Simulation::fingerprint`] tells. A
//! test that panics prints its seed and the end of its [`trace`](Simulation::trace).
//!
//! The database is a real SQLite file with WAL (kept in memory where the system has a place for that), so locks and
//! transactions are SQLite's own; only `unixepoch` reads the simulated clock, and SQL's `random` is refused.
//! The SQL function `simulated_task()` gives the number of the task that runs the statement, as in the trace, or -1 for
//! the test itself, so that a test's triggers can note who wrote what.
//!
//! What a seed can't decide, and code under simulation therefore must not depend on: the order of a `HashMap`, the
//! unbiased `select!` of the `futures` crates, other clocks of SQL such as `datetime('now')`.
//!
//! ```
//! use loom_platform::{Clock, Platform, native::simulation::{Faults, Simulation}};
//! use std::time::Duration;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut simulation = Simulation::new(7)?;
//! simulation.set_faults(Faults::drawn(7));
//! let loom = simulation.process("loom");
//! simulation.supervise(loom, |platform| async move {
//!     platform.clock().sleep(Duration::from_secs(3600)).await;
//! });
//! simulation.run_until_quiet(10_000)?;
//! # Ok(())
//! # }
//! ```

mod database;
mod dice;
mod executor;
mod faults;
mod http;
mod platform;
mod pool;
mod ports;
mod template;
mod timer;
mod trace;
mod world;

pub use database::{SimDatabase, SimTransaction};
pub use executor::{Simulation, Unfinished};
pub use faults::Faults;
pub use http::SimHttpClient;
pub use platform::SimPlatform;
pub use ports::{SimClock, SimKeyValue, SimRandom, SimTasks, SimVariables};
pub use template::Template;
pub use trace::{Trace, TraceEntry};
pub use world::ProcessId;

#[cfg(test)]
mod tests;
