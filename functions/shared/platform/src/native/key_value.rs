use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{KeyValue, KeyValueError, key_value::check_limits};

/// A key-value store in memory, with the limits of the real ones. A clone is another handle to the same store.
#[derive(Debug, Clone, Default)]
pub struct MemoryKeyValue {
    values: Arc<Mutex<HashMap<String, Vec<u8>>>>,
}

impl MemoryKeyValue {
    fn with<T>(&self, operation: impl FnOnce(&mut HashMap<String, Vec<u8>>) -> T) -> T {
        operation(&mut self.values.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl KeyValue for MemoryKeyValue {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, KeyValueError> {
        check_limits(key, &[])?;
        Ok(self.with(|values| values.get(key).cloned()))
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<(), KeyValueError> {
        check_limits(key, value)?;
        self.with(|values| values.insert(key.to_owned(), value.to_vec()));
        Ok(())
    }

    async fn delete(&self, key: &str) -> Result<(), KeyValueError> {
        check_limits(key, &[])?;
        self.with(|values| values.remove(key));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::MemoryKeyValue;
    use crate::KeyValue;

    #[tokio::test]
    async fn values_are_set_replaced_and_removed() {
        let store = MemoryKeyValue::default();
        assert_eq!(store.get("a").await.unwrap(), None);
        store.set("a", b"1").await.unwrap();
        store.clone().set("a", b"2").await.unwrap();
        assert_eq!(store.get("a").await.unwrap(), Some(b"2".to_vec()));
        store.delete("a").await.unwrap();
        store.delete("a").await.unwrap();
        assert_eq!(store.get("a").await.unwrap(), None);
    }

    #[tokio::test]
    async fn limits_of_the_strictest_host_hold() {
        let store = MemoryKeyValue::default();
        store
            .set(&"k".repeat(255), &vec![0; 1024 * 1024])
            .await
            .unwrap();
        assert!(store.set(&"k".repeat(256), b"").await.is_err());
        assert!(store.set("", b"").await.is_err());
        assert!(store.set("k", &vec![0; 1024 * 1024 + 1]).await.is_err());
        assert_eq!(store.get("k").await.unwrap(), None);
    }
}
