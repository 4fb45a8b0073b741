//! The native adapters: the same `handle` without Wasm, for tests and benchmarks.
//!
//! They run on a tokio runtime with its timer and network enabled. [`NativePlatform`] is real in every part (SQLite
//! files, sockets, the machine's clock); for schedules that a seed decides, with faults, see [`simulation`].

mod body;
mod clock;
mod database;
mod files;
mod http_client;
mod key_value;
mod platform;
pub mod simulation;
mod statement;
mod tasks;
mod variables;

pub use clock::NativeClock;
pub use database::{NativeDatabase, NativeTransaction};
pub use files::{MapFiles, NativeFiles};
pub use http_client::{Handler, NativeHttpClient, handler};
pub use key_value::MemoryKeyValue;
pub use platform::{NativePlatform, NativePlatformBuilder};
pub use tasks::NativeTasks;
pub use variables::MapVariables;
