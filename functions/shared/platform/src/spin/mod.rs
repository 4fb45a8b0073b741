//! The adapters for Wasm components on Spin, over `spin-sdk` 7.
//!
//! A component instance has one thread. The SDK's futures are not `Send`, the ports' futures are (so that natively
//! they may run on any thread); [`send_wrapper::SendWrapper`] bridges the two. That is sound, and never panics, here:
//! the wrapper's check compares thread ids, and there is only one thread to have an id.
//!
//! An instance serves up to 16 requests at once and lives for up to 128, so nothing here keeps state of a request:
//! what outlives one is idle database connections and the handle of the key-value store.

mod body;
mod clock;
mod database;
mod entry_point;
mod http_client;
mod key_value;
mod tasks;
mod variables;

#[doc(hidden)]
pub use entry_point::{incoming, outgoing};
#[doc(hidden)]
pub use spin_sdk::wasip3;

pub use clock::SpinClock;
pub use database::{SpinDatabase, SpinTransaction};
pub use http_client::SpinHttpClient;
pub use key_value::SpinKeyValue;
pub use tasks::SpinTasks;
pub use variables::SpinVariables;

use crate::{
    Platform,
    system::{DirectoryFiles, SystemRandom},
};

/// Everything a component on Spin may reach; what it really may is decided by its entry in `spin.toml`.
#[derive(Debug, Clone)]
pub struct SpinPlatform {
    files: DirectoryFiles,
}

impl SpinPlatform {
    /// Makes the handles; opens nothing yet.
    pub fn new() -> Self {
        Self {
            files: DirectoryFiles::new("/"),
        }
    }
}

impl Default for SpinPlatform {
    fn default() -> Self {
        Self::new()
    }
}

impl Platform for SpinPlatform {
    type Database = SpinDatabase;
    type KeyValue = SpinKeyValue;
    type HttpClient = SpinHttpClient;
    type Clock = SpinClock;
    type Random = SystemRandom;
    type Variables = SpinVariables;
    type Files = DirectoryFiles;
    type Tasks = SpinTasks;

    fn database(&self) -> &SpinDatabase {
        &SpinDatabase
    }

    fn key_value(&self) -> &SpinKeyValue {
        &SpinKeyValue
    }

    fn http(&self) -> &SpinHttpClient {
        &SpinHttpClient
    }

    fn clock(&self) -> &SpinClock {
        &SpinClock
    }

    fn random(&self) -> &SystemRandom {
        &SystemRandom
    }

    fn variables(&self) -> &SpinVariables {
        &SpinVariables
    }

    fn files(&self) -> &DirectoryFiles {
        &self.files
    }

    fn tasks(&self) -> &SpinTasks {
        &SpinTasks
    }
}
