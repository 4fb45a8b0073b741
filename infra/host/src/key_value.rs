//! `spin:key-value@3.0.0` on one SQLite file, whose table is Spin's own, so that either can open the other's file.

use crate::function::{Context, Spin};
use loom_host_bindings::imports::spin::key_value::key_value::{
    Error, Host, HostStore, HostStoreWithStore, Store,
};
use rusqlite::{Connection, OptionalExtension, params};
use std::path::Path;
use std::sync::{Arc, Mutex};
use wasmtime::component::{Accessor, FutureReader, Resource, StreamReader};

/// The limits that Spin documents for its local store. It doesn't enforce them; other providers have lower ones.
const MAX_KEY: usize = 256;
const MAX_VALUE: usize = 1 << 20;

/// One store of the file. Cheap to clone.
#[derive(Clone)]
pub(crate) struct KeyValue {
    // Each operation takes microseconds, so one connection behind a lock is faster than handing it to a thread.
    connection: Arc<Mutex<Connection>>,
    label: Arc<str>,
}

impl KeyValue {
    /// Opens or creates the file at `path`, as the store `default`.
    ///
    /// The file isn't synced at every write: what is in it are caches, heartbeats and copies, and after a power cut
    /// the last second of them may be missing. A killed process loses nothing.
    pub(crate) fn open(path: &Path) -> rusqlite::Result<Self> {
        let connection = Connection::open(path)?;
        connection.execute_batch(
            "PRAGMA journal_mode = WAL;
             PRAGMA synchronous = NORMAL;
             PRAGMA busy_timeout = 5000;
             CREATE TABLE IF NOT EXISTS spin_key_value (
                 store TEXT NOT NULL,
                 key   TEXT NOT NULL,
                 value BLOB NOT NULL,
                 PRIMARY KEY (store, key)
             );",
        )?;
        Ok(Self {
            connection: Arc::new(Mutex::new(connection)),
            label: "default".into(),
        })
    }

    /// The store `label` of the same file.
    pub(crate) fn store(&self, label: &str) -> Self {
        Self {
            connection: self.connection.clone(),
            label: label.into(),
        }
    }

    fn with<R>(
        &self,
        work: impl FnOnce(&Connection, &str) -> rusqlite::Result<R>,
    ) -> Result<R, Error> {
        work(&crate::locked(&self.connection), &self.label)
            .map_err(|error| Error::Other(error.to_string()))
    }

    /// The value under `key`.
    pub(crate) fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        self.with(|connection, label| {
            connection
                .prepare_cached("SELECT value FROM spin_key_value WHERE store = ?1 AND key = ?2")?
                .query_row(params![label, key], |row| row.get(0))
                .optional()
        })
    }

    /// Puts `value` under `key`.
    pub(crate) fn set(&self, key: &str, value: &[u8]) -> Result<(), Error> {
        if key.len() > MAX_KEY || value.len() > MAX_VALUE {
            return Err(Error::Other(format!(
                "a key has at most {MAX_KEY} bytes and a value at most {MAX_VALUE}; these have {} and {}",
                key.len(),
                value.len(),
            )));
        }
        self.with(|connection, label| {
            connection
                .prepare_cached(
                    "INSERT INTO spin_key_value (store, key, value) VALUES (?1, ?2, ?3)
                     ON CONFLICT (store, key) DO UPDATE SET value = excluded.value",
                )?
                .execute(params![label, key, value])
                .map(|_| ())
        })
    }

    /// Removes `key`.
    pub(crate) fn delete(&self, key: &str) -> Result<(), Error> {
        self.with(|connection, label| {
            connection
                .prepare_cached("DELETE FROM spin_key_value WHERE store = ?1 AND key = ?2")?
                .execute(params![label, key])
                .map(|_| ())
        })
    }

    /// All keys, in order.
    pub(crate) fn keys(&self) -> Result<Vec<String>, Error> {
        self.with(|connection, label| {
            connection
                .prepare_cached("SELECT key FROM spin_key_value WHERE store = ?1 ORDER BY key")?
                .query_map(params![label], |row| row.get(0))?
                .collect()
        })
    }
}

fn opened<T: Send + 'static>(
    accessor: &Accessor<T, Spin>,
    store: &Resource<Store>,
) -> wasmtime::Result<KeyValue> {
    let handle = Resource::<KeyValue>::new_borrow(store.rep());
    accessor.with(|mut access| Ok(access.get().table.get(&handle)?.clone()))
}

impl Host for Context {}

impl HostStore for Context {
    async fn drop(&mut self, store: Resource<Store>) -> wasmtime::Result<()> {
        self.table
            .delete(Resource::<KeyValue>::new_own(store.rep()))?;
        Ok(())
    }
}

impl<T: Send + 'static> HostStoreWithStore<T> for Spin {
    async fn open(
        accessor: &Accessor<T, Self>,
        label: String,
    ) -> wasmtime::Result<Result<Resource<Store>, Error>> {
        accessor.with(|mut access| {
            let context = access.get();
            let Some(store) = context.grants.key_value.get(&label).cloned() else {
                return Ok(Err(Error::AccessDenied));
            };
            let handle = context.table.push(store)?;
            Ok(Ok(Resource::new_own(handle.rep())))
        })
    }

    async fn get(
        accessor: &Accessor<T, Self>,
        store: Resource<Store>,
        key: String,
    ) -> wasmtime::Result<Result<Option<Vec<u8>>, Error>> {
        Ok(opened(accessor, &store)?.get(&key))
    }

    async fn set(
        accessor: &Accessor<T, Self>,
        store: Resource<Store>,
        key: String,
        value: Vec<u8>,
    ) -> wasmtime::Result<Result<(), Error>> {
        Ok(opened(accessor, &store)?.set(&key, &value))
    }

    async fn delete(
        accessor: &Accessor<T, Self>,
        store: Resource<Store>,
        key: String,
    ) -> wasmtime::Result<Result<(), Error>> {
        Ok(opened(accessor, &store)?.delete(&key))
    }

    async fn exists(
        accessor: &Accessor<T, Self>,
        store: Resource<Store>,
        key: String,
    ) -> wasmtime::Result<Result<bool, Error>> {
        Ok(opened(accessor, &store)?
            .get(&key)
            .map(|value| value.is_some()))
    }

    // The keys are read to the end before the first is handed over, so that the guest may use the store meanwhile.
    async fn get_keys(
        accessor: &Accessor<T, Self>,
        store: Resource<Store>,
    ) -> wasmtime::Result<(StreamReader<String>, FutureReader<Result<(), Error>>)> {
        let (keys, result) = match opened(accessor, &store)?.keys() {
            Ok(keys) => (keys, Ok(())),
            Err(error) => (Vec::new(), Err(error)),
        };
        accessor.with(|mut access| {
            Ok((
                StreamReader::new(&mut access, keys)?,
                FutureReader::new(&mut access, std::future::ready(wasmtime::error::Ok(result)))?,
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stores_of_one_file_are_apart() {
        let dir = tempfile::tempdir().unwrap();
        let default = KeyValue::open(&dir.path().join("kv.db")).unwrap();
        let other = default.store("other");
        default.set("a", b"1").unwrap();
        other.set("a", b"2").unwrap();
        default.set("a", b"3").unwrap();
        assert_eq!(default.get("a").unwrap().unwrap(), b"3");
        assert_eq!(other.get("a").unwrap().unwrap(), b"2");
        assert_eq!(default.keys().unwrap(), ["a"]);
        default.delete("a").unwrap();
        default.delete("a").unwrap();
        assert_eq!(default.get("a").unwrap(), None);
        assert_eq!(other.get("a").unwrap().unwrap(), b"2");
    }

    #[test]
    fn what_is_too_long_elsewhere_is_too_long_here() {
        let dir = tempfile::tempdir().unwrap();
        let store = KeyValue::open(&dir.path().join("kv.db")).unwrap();
        assert!(store.set(&"k".repeat(MAX_KEY + 1), b"").is_err());
        assert!(store.set("k", &vec![0; MAX_VALUE + 1]).is_err());
        store
            .set(&"k".repeat(MAX_KEY), &vec![0; MAX_VALUE])
            .unwrap();
    }
}
