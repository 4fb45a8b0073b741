//! `spin:sqlite@3.1.0`: databases in files, with pooled connections.
//!
//! Statements run on the instance's own thread. That is a third faster than handing each to a blocking thread, and
//! what it costs is bounded: a statement never waits for a lock (it is tried again asynchronously), it is interrupted
//! when it takes too long, and the runtime has more threads than the machine has cores.

mod database;
mod host;
mod session;

pub(crate) use database::Database;
