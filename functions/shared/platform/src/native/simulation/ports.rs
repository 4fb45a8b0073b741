//! The smaller ports.

use std::time::Duration;

use super::world::Link;
use crate::{
    Clock, KeyValue, KeyValueError, Random, Tasks, Variables, VariablesError,
    key_value::check_limits,
};

/// The simulated clock, with the skew of its process.
#[derive(Debug, Clone)]
pub struct SimClock {
    pub(super) link: Link,
}

impl Clock for SimClock {
    fn now(&self) -> i64 {
        self.link.world.wall_millis(self.link.process)
    }

    async fn sleep(&self, duration: Duration) {
        self.link
            .before("clock.sleep", format!("{duration:?}"))
            .await;
        self.link.sleep(duration).await;
    }
}

/// Bytes that the seed decides.
#[derive(Debug, Clone)]
pub struct SimRandom {
    pub(super) link: Link,
}

impl Random for SimRandom {
    fn fill(&self, bytes: &mut [u8]) {
        self.link.world.state().random.fill(bytes);
    }
}

/// The simulation's key-value store. It survives the processes.
#[derive(Debug, Clone)]
pub struct SimKeyValue {
    pub(super) link: Link,
}

impl SimKeyValue {
    /// Fails before or after the effect, or not at all.
    async fn with_faults<T>(
        &self,
        event: &'static str,
        key: &str,
        effect: impl FnOnce() -> T,
    ) -> Result<T, KeyValueError> {
        let failed = || Err(KeyValueError("the store did not answer".to_owned()));
        self.link.before(event, key.to_owned()).await;
        if self
            .link
            .fault("fault: key-value", |faults| faults.key_value / 2.0)
        {
            return failed();
        }
        let outcome = effect();
        self.link.after().await;
        if self
            .link
            .fault("fault: key-value", |faults| faults.key_value / 2.0)
        {
            return failed();
        }
        Ok(outcome)
    }
}

impl KeyValue for SimKeyValue {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, KeyValueError> {
        check_limits(key, &[])?;
        let effect = || self.link.world.state().key_value.get(key).cloned();
        self.with_faults("key_value.get", key, effect).await
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<(), KeyValueError> {
        check_limits(key, value)?;
        let effect = || {
            self.link
                .world
                .state()
                .key_value
                .insert(key.to_owned(), value.to_vec())
        };
        self.with_faults("key_value.set", key, effect)
            .await
            .map(drop)
    }

    async fn delete(&self, key: &str) -> Result<(), KeyValueError> {
        check_limits(key, &[])?;
        let effect = || self.link.world.state().key_value.remove(key);
        self.with_faults("key_value.delete", key, effect)
            .await
            .map(drop)
    }
}

/// The simulation's variables, the same for all processes.
#[derive(Debug, Clone)]
pub struct SimVariables {
    pub(super) link: Link,
}

impl Variables for SimVariables {
    async fn get(&self, name: &str) -> Result<String, VariablesError> {
        self.link.before("variables.get", name.to_owned()).await;
        self.link.world.variables.get(name).await
    }
}

/// Tasks of one process: they end with it.
#[derive(Debug, Clone)]
pub struct SimTasks {
    pub(super) link: Link,
}

impl Tasks for SimTasks {
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.link
            .world
            .spawn(self.link.process, "spawned", Box::pin(task));
    }
}
