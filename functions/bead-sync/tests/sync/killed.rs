//! A syncer is killed at every call of a port, before and after the call has done its work.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use loom_bead_sync::sync;
use loom_platform::native::NativePlatform;
use loom_platform::{Database, DatabaseError, Platform, Row, Statements, Transaction, Value};
use loom_workspace::{Call, Outcome, Workspace, WorkspaceError, memory::MemoryWorkspace};

use crate::support::{Loom, content_of, path_of};

/// How many calls are left until the process dies.
#[derive(Clone)]
struct Fate {
    left: Arc<AtomicI64>,
    /// Whether the last call still does its work.
    does_last: bool,
}

enum Now {
    Lives,
    DiesAfter,
    IsDead,
}

impl Fate {
    fn next(&self) -> Now {
        match self.left.fetch_sub(1, Ordering::SeqCst) {
            left if left > 1 => Now::Lives,
            1 if self.does_last => Now::DiesAfter,
            _ => Now::IsDead,
        }
    }

    async fn call<T, E>(
        &self,
        call: impl Future<Output = Result<T, E>>,
        dead: impl Fn() -> E,
    ) -> Result<T, E> {
        match self.next() {
            Now::Lives => call.await,
            Now::DiesAfter => {
                let _ = call.await;
                Err(dead())
            }
            Now::IsDead => Err(dead()),
        }
    }
}

fn dead() -> DatabaseError {
    DatabaseError::Other("killed".into())
}

#[derive(Clone)]
struct Doomed<T> {
    inner: T,
    fate: Fate,
}

impl<T: Statements> Statements for Doomed<T> {
    async fn query(&self, sql: &str, values: Vec<Value>) -> Result<Vec<Row>, DatabaseError> {
        self.fate.call(self.inner.query(sql, values), dead).await
    }

    async fn execute(&self, sql: &str, values: Vec<Value>) -> Result<u64, DatabaseError> {
        self.fate.call(self.inner.execute(sql, values), dead).await
    }
}

impl<T: Database> Database for Doomed<T> {
    type Transaction = Doomed<T::Transaction>;

    async fn transaction(&self) -> Result<Self::Transaction, DatabaseError> {
        let inner = self.fate.call(self.inner.transaction(), dead).await?;
        let fate = self.fate.clone();
        Ok(Doomed { inner, fate })
    }
}

impl<T: Transaction> Transaction for Doomed<T> {
    async fn commit(self) -> Result<(), DatabaseError> {
        self.fate.call(self.inner.commit(), dead).await
    }
}

impl Workspace for Doomed<MemoryWorkspace> {
    async fn perform(&self, call: Call) -> Result<Outcome, WorkspaceError> {
        let dead = || WorkspaceError::unavailable("killed", "killed");
        self.fate.call(self.inner.perform(call), dead).await
    }
}

#[derive(Clone)]
struct DoomedPlatform {
    inner: NativePlatform,
    database: Doomed<<NativePlatform as Platform>::Database>,
}

impl Platform for DoomedPlatform {
    type Database = Doomed<<NativePlatform as Platform>::Database>;
    type KeyValue = <NativePlatform as Platform>::KeyValue;
    type HttpClient = <NativePlatform as Platform>::HttpClient;
    type Clock = <NativePlatform as Platform>::Clock;
    type Random = <NativePlatform as Platform>::Random;
    type Variables = <NativePlatform as Platform>::Variables;
    type Files = <NativePlatform as Platform>::Files;
    type Tasks = <NativePlatform as Platform>::Tasks;

    fn database(&self) -> &Self::Database {
        &self.database
    }
    fn key_value(&self) -> &Self::KeyValue {
        self.inner.key_value()
    }
    fn http(&self) -> &Self::HttpClient {
        self.inner.http()
    }
    fn clock(&self) -> &Self::Clock {
        self.inner.clock()
    }
    fn random(&self) -> &Self::Random {
        self.inner.random()
    }
    fn variables(&self) -> &Self::Variables {
        self.inner.variables()
    }
    fn files(&self) -> &Self::Files {
        self.inner.files()
    }
    fn tasks(&self) -> &Self::Tasks {
        self.inner.tasks()
    }
}

/// Syncs with a process that dies at its call `at`; says whether it came to its end before that.
async fn sync_until(loom: &Loom, workspace: &MemoryWorkspace, at: i64, does_last: bool) -> bool {
    let fate = Fate {
        left: Arc::new(AtomicI64::new(at)),
        does_last,
    };
    let platform = DoomedPlatform {
        inner: loom.platform.clone(),
        database: Doomed {
            inner: loom.platform.database().clone(),
            fate: fate.clone(),
        },
    };
    let workspace = Doomed {
        inner: workspace.clone(),
        fate: fate.clone(),
    };
    let _ = sync(&platform, &workspace, &loom.project.id).await;
    fate.left.load(Ordering::SeqCst) > 0
}

/// Two Looms that both changed the title of one bead, each another bead, and one filed and one deleted a bead.
async fn scenario() -> (MemoryWorkspace, Loom, Loom, Vec<String>) {
    let workspace = MemoryWorkspace::new();
    let (one, two) = (Loom::new("aa").await, Loom::new("bb").await);
    let mut ids = Vec::new();
    for title in ["Both", "Mine", "Theirs", "Gone"] {
        ids.push(one.titled(title).await.id);
    }
    one.sync(&workspace).await;
    two.sync(&workspace).await;
    two.rename(&ids[0], "Both: two").await;
    two.rename(&ids[2], "Theirs: two").await;
    two.titled("New").await;
    two.delete(&ids[3]).await;
    two.sync(&workspace).await;
    one.rename(&ids[0], "Both: one").await;
    one.rename(&ids[1], "Mine: one").await;
    (workspace, one, two, ids)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_syncer_killed_at_any_call_brings_about_the_same() {
    for does_last in [false, true] {
        for at in 1.. {
            let (workspace, one, two, ids) = scenario().await;
            let is_over = sync_until(&one, &workspace, at, does_last).await;
            // Meanwhile the other goes on from what has landed, if it has.
            let mine = content_of(&workspace, &path_of(&workspace, &ids[1]));
            let has_landed = mine.contains("Mine: one");
            two.sync(&workspace).await;
            two.rename(&ids[1], "Mine: two").await;
            two.sync(&workspace).await;
            one.expire_lease().await;
            for loom in [&one, &two, &one] {
                loom.sync(&workspace).await;
            }
            let what = format!("killed at call {at}, {does_last}");
            let end = one.beads().await;
            assert_eq!(end, two.beads().await, "{what}");
            assert_eq!(end.len(), 4, "{what}");
            assert_eq!(end[&ids[0]].title, "Both: one", "{what}");
            assert_eq!(end[&ids[1]].title, "Mine: two", "{what}");
            assert_eq!(end[&ids[2]].title, "Theirs: two", "{what}");
            let conflicts = [one.conflicts().await, two.conflicts().await].concat();
            let about = |id: &String| {
                conflicts
                    .iter()
                    .filter(|found| found.bead_id == *id)
                    .count()
            };
            assert_eq!(about(&ids[0]), 1, "{what}");
            // A change on top of one that was seen is no conflict.
            assert_eq!(about(&ids[1]), usize::from(!has_landed), "{what}");
            assert_eq!(end[&ids[0]].comments.len(), 1, "{what}");
            if is_over {
                assert!(at > 40, "{what}");
                break;
            }
        }
    }
}
