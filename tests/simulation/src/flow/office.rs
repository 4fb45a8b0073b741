//! What people and the test tell each other about a schedule.

use loom_platform::{Platform, native::simulation::SimPlatform};
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Shared by the people, the schedules that tick, and the test.
#[derive(Default)]
pub(crate) struct Office {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Until when nobody does anything, by the database's clock: hours pass at once.
    leap_ends: i64,
    /// How often each decision was answered by people, as they were told.
    answered: BTreeMap<String, u64>,
    /// What people were told that cannot be.
    wrong: Vec<String>,
    /// The codes of refusals, with how often each came.
    refusals: BTreeMap<String, u64>,
    races: u64,
    /// How many of those who meddle have stopped.
    calmed: u64,
}

impl Office {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on nobody does anything until then.
    pub(crate) fn leap_to(&self, ends: i64) {
        self.lock().leap_ends = ends;
    }

    /// How long a leap still lasts.
    pub(crate) async fn leap(&self, observer: &SimPlatform) -> Option<Duration> {
        let ends = self.lock().leap_ends;
        if ends == 0 {
            return None;
        }
        let now = loom_store::now(observer.database()).await.unwrap().0;
        let left = u64::try_from(ends - now).ok()?;
        (left > 0).then(|| Duration::from_millis(left))
    }

    pub(crate) fn answered(&self, decision: &str) {
        *self.lock().answered.entry(decision.to_owned()).or_default() += 1;
    }

    pub(crate) fn answers(&self) -> BTreeMap<String, u64> {
        self.lock().answered.clone()
    }

    pub(crate) fn refused(&self, code: &str) {
        *self.lock().refusals.entry(code.to_owned()).or_default() += 1;
    }

    pub(crate) fn refusals(&self) -> BTreeMap<String, u64> {
        self.lock().refusals.clone()
    }

    pub(crate) fn is_wrong(&self, what: String) {
        self.lock().wrong.push(what);
    }

    pub(crate) fn wrong(&self) -> Vec<String> {
        self.lock().wrong.clone()
    }

    /// Somebody who meddled does so no more.
    pub(crate) fn calmed(&self) {
        self.lock().calmed += 1;
    }

    /// Whether the person and the stranger have both stopped, which may take them a while.
    pub(crate) fn is_calm(&self) -> bool {
        self.lock().calmed == 2
    }

    pub(crate) fn raced(&self) {
        self.lock().races += 1;
    }

    pub(crate) fn races(&self) -> u64 {
        self.lock().races
    }
}
