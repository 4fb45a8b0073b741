use super::{
    SimClock, SimDatabase, SimHttpClient, SimKeyValue, SimRandom, SimTasks, SimVariables,
    world::Link,
};
use crate::{Platform, native::MapFiles};

/// The outside world as one simulated process sees it.
#[derive(Debug, Clone)]
pub struct SimPlatform {
    database: SimDatabase,
    key_value: SimKeyValue,
    http: SimHttpClient,
    clock: SimClock,
    random: SimRandom,
    variables: SimVariables,
    files: MapFiles,
    tasks: SimTasks,
}

impl SimPlatform {
    pub(super) fn new(link: Link) -> Self {
        let files = link.world.state().files.clone();
        Self {
            database: SimDatabase::new(link.clone()),
            key_value: SimKeyValue { link: link.clone() },
            http: SimHttpClient::new(link.clone()),
            clock: SimClock { link: link.clone() },
            random: SimRandom { link: link.clone() },
            variables: SimVariables { link: link.clone() },
            files,
            tasks: SimTasks { link },
        }
    }
}

impl Platform for SimPlatform {
    type Database = SimDatabase;
    type KeyValue = SimKeyValue;
    type HttpClient = SimHttpClient;
    type Clock = SimClock;
    type Random = SimRandom;
    type Variables = SimVariables;
    type Files = MapFiles;
    type Tasks = SimTasks;

    fn database(&self) -> &SimDatabase {
        &self.database
    }

    fn key_value(&self) -> &SimKeyValue {
        &self.key_value
    }

    fn http(&self) -> &SimHttpClient {
        &self.http
    }

    fn clock(&self) -> &SimClock {
        &self.clock
    }

    fn random(&self) -> &SimRandom {
        &self.random
    }

    fn variables(&self) -> &SimVariables {
        &self.variables
    }

    fn files(&self) -> &MapFiles {
        &self.files
    }

    fn tasks(&self) -> &SimTasks {
        &self.tasks
    }
}
