use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{Variables, VariablesError};

/// Variables from a map, which may be changed at any time. A clone is another handle to the same map.
#[derive(Debug, Clone, Default)]
pub struct MapVariables {
    values: Arc<Mutex<BTreeMap<String, String>>>,
}

impl MapVariables {
    /// Declares `name`, or changes its value.
    pub fn set(&self, name: impl Into<String>, value: impl Into<String>) {
        self.with(|values| values.insert(name.into(), value.into()));
    }

    /// Makes `name` undeclared.
    pub fn remove(&self, name: &str) {
        self.with(|values| values.remove(name));
    }

    fn with<T>(&self, operation: impl FnOnce(&mut BTreeMap<String, String>) -> T) -> T {
        operation(&mut self.values.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Variables for MapVariables {
    async fn get(&self, name: &str) -> Result<String, VariablesError> {
        self.with(|values| values.get(name).cloned())
            .ok_or_else(|| VariablesError::Undefined(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::MapVariables;
    use crate::{Variables, VariablesError};

    #[tokio::test]
    async fn undeclared_and_empty_differ_only_in_get() {
        let variables = MapVariables::default();
        variables.set("empty", "");
        variables.set("full", "x");
        let undefined = Err(VariablesError::Undefined("none".to_owned()));
        assert_eq!(variables.get("none").await, undefined);
        assert_eq!(variables.get("empty").await, Ok(String::new()));
        assert_eq!(variables.get_optional("none").await, Ok(None));
        assert_eq!(variables.get_optional("empty").await, Ok(None));
        assert_eq!(
            variables.get_optional("full").await,
            Ok(Some("x".to_owned()))
        );
        variables.remove("full");
        assert_eq!(variables.get_optional("full").await, Ok(None));
    }
}
