//! The ports to everything outside the rules, and their adapters.
//!
//! A function is plain Rust over [`Platform`]; which adapter stands behind it is decided at its entry point:
//! [`function!`] for a Wasm component on Spin, [`native`] for tests and benchmarks.
//!
//! **Architecture invariant:** nothing in `functions/` outside this crate names `spin_sdk`, reads a clock, draws a
//! random number or reads the environment.

mod clock;
mod contention;
mod database;
mod files;
mod function;
mod http_client;
mod key_value;
mod random;
pub mod system;
mod tasks;
mod variables;

#[cfg(not(target_arch = "wasm32"))]
pub mod native;
#[cfg(target_arch = "wasm32")]
pub mod spin;

pub use clock::Clock;
pub use database::{Database, DatabaseError, Row, Statements, Transaction, Value};
pub use files::{Files, FilesError};
pub use http_client::{Body, BodyError, HttpClient, HttpError, body_from, read_body};
pub use key_value::{KeyValue, KeyValueError};
pub use random::Random;
pub use tasks::Tasks;
pub use variables::{Variables, VariablesError};

/// Everything a function may reach, as one value that is cheap to clone.
///
/// Each getter returns a port; a function takes only those it uses.
pub trait Platform: Clone + Send + Sync + 'static {
    /// The relational store.
    type Database: Database;
    /// The store of opaque values by exact key.
    type KeyValue: KeyValue;
    /// Outbound HTTP.
    type HttpClient: HttpClient;
    /// Wall clock and timers.
    type Clock: Clock;
    /// Unpredictable bytes.
    type Random: Random;
    /// Configuration and secrets.
    type Variables: Variables;
    /// Read-only files mounted into the function.
    type Files: Files;
    /// Work that goes on after the response.
    type Tasks: Tasks;

    /// The relational store.
    fn database(&self) -> &Self::Database;
    /// The store of opaque values by exact key.
    fn key_value(&self) -> &Self::KeyValue;
    /// Outbound HTTP.
    fn http(&self) -> &Self::HttpClient;
    /// Wall clock and timers.
    fn clock(&self) -> &Self::Clock;
    /// Unpredictable bytes.
    fn random(&self) -> &Self::Random;
    /// Configuration and secrets.
    fn variables(&self) -> &Self::Variables;
    /// Read-only files mounted into the function.
    fn files(&self) -> &Self::Files;
    /// Work that goes on after the response.
    fn tasks(&self) -> &Self::Tasks;
}
