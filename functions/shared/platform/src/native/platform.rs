use std::path::PathBuf;

use super::{
    MapFiles, MapVariables, MemoryKeyValue, NativeClock, NativeDatabase, NativeFiles,
    NativeHttpClient, NativeTasks,
};
use crate::{
    DatabaseError, Platform,
    system::{DirectoryFiles, SystemRandom},
};

/// The outside world of a function that runs natively.
#[derive(Debug, Clone)]
pub struct NativePlatform {
    database: NativeDatabase,
    key_value: MemoryKeyValue,
    http: NativeHttpClient,
    variables: MapVariables,
    files: NativeFiles,
    tasks: NativeTasks,
}

impl NativePlatform {
    /// Starts with a temporary database, an empty key-value store, no variables and no files.
    pub fn builder() -> NativePlatformBuilder {
        NativePlatformBuilder::default()
    }
}

/// Says what a [`NativePlatform`] is made of.
#[derive(Debug, Clone, Default)]
#[must_use = "nothing is opened before `build`"]
pub struct NativePlatformBuilder {
    database: Option<PathBuf>,
    variables: MapVariables,
    directory: Option<PathBuf>,
    files: Vec<(String, String)>,
}

impl NativePlatformBuilder {
    /// Keeps the database in the file at `path`, which is made if need be and stays afterwards.
    pub fn database_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.database = Some(path.into());
        self
    }

    /// Declares a variable. It can be changed later by [`MapVariables::set`] on the platform's variables.
    pub fn variable(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.variables.set(name, value);
        self
    }

    /// Mounts what is below `directory` as `/`.
    pub fn files_from(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// Adds one file under an absolute path. Has no effect together with [`files_from`](Self::files_from).
    pub fn file(mut self, path: impl Into<String>, content: impl Into<String>) -> Self {
        self.files.push((path.into(), content.into()));
        self
    }

    /// Opens the database and puts everything together.
    pub fn build(self) -> Result<NativePlatform, DatabaseError> {
        let database = match self.database {
            Some(path) => NativeDatabase::file(path)?,
            None => NativeDatabase::temporary()?,
        };
        let files = match self.directory {
            Some(directory) => NativeFiles::Directory(DirectoryFiles::new(directory)),
            None => NativeFiles::Map(MapFiles::new(self.files)),
        };
        Ok(NativePlatform {
            database,
            key_value: MemoryKeyValue::default(),
            http: NativeHttpClient::default(),
            variables: self.variables,
            files,
            tasks: NativeTasks::default(),
        })
    }
}

impl Platform for NativePlatform {
    type Database = NativeDatabase;
    type KeyValue = MemoryKeyValue;
    type HttpClient = NativeHttpClient;
    type Clock = NativeClock;
    type Random = SystemRandom;
    type Variables = MapVariables;
    type Files = NativeFiles;
    type Tasks = NativeTasks;

    fn database(&self) -> &NativeDatabase {
        &self.database
    }

    fn key_value(&self) -> &MemoryKeyValue {
        &self.key_value
    }

    fn http(&self) -> &NativeHttpClient {
        &self.http
    }

    fn clock(&self) -> &NativeClock {
        &NativeClock
    }

    fn random(&self) -> &SystemRandom {
        &SystemRandom
    }

    fn variables(&self) -> &MapVariables {
        &self.variables
    }

    fn files(&self) -> &NativeFiles {
        &self.files
    }

    fn tasks(&self) -> &NativeTasks {
        &self.tasks
    }
}
