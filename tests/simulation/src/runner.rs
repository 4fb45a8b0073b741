//! What goes through many schedules of either kind, and looks for mutations that go unnoticed.

// The tests' own settings come from the environment.
#![allow(clippy::disallowed_methods)]

use std::{
    fmt::Debug,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
};

use crate::schedule::Violation;

/// What schedules went through, one or many.
pub(crate) trait Sum: Default + Send {
    /// Adds another schedule's.
    fn add(&mut self, other: Self);
}

/// A setting of the tests.
pub(crate) fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{variable} must be a number, not {text:?}")),
    )
}

/// Goes through `count` seeds from `first` on, on all processors, up to the first violation.
pub(crate) fn run_all<R: Sum>(
    first: u64,
    count: u64,
    run: impl Fn(u64) -> Result<R, Violation> + Sync,
) -> Result<R, Violation> {
    let next = AtomicU64::new(first);
    let stop = AtomicBool::new(false);
    let total = Mutex::new(R::default());
    let violation = Mutex::new(None::<Violation>);
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + count {
                        return;
                    }
                    match run(seed) {
                        Ok(report) => total
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .add(report),
                        Err(found) => {
                            stop.store(true, Ordering::Relaxed);
                            *violation.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
                        }
                    }
                }
            });
        }
    });
    let violation = violation.into_inner();
    match violation.unwrap_or_else(PoisonError::into_inner) {
        Some(violation) => Err(violation),
        None => Ok(total.into_inner().unwrap_or_else(PoisonError::into_inner)),
    }
}

/// Goes through `schedules` schedules with each mutation, and asserts that each is noticed, by one of the checks of the
/// invariants that it breaks.
pub(crate) fn assert_noticed<M: Copy + Debug + Sync, R: Sum>(
    mutations: &[M],
    schedules: u64,
    breaks: impl Fn(M) -> &'static [&'static str],
    run: impl Fn(u64, M) -> Result<R, Violation> + Sync,
) {
    let mut unnoticed = Vec::new();
    for mutation in mutations.iter().copied() {
        match run_all(0, schedules, |seed| run(seed, mutation)) {
            Ok(_) => unnoticed.push(format!(
                "{mutation:?} was not noticed in {schedules} schedules"
            )),
            Err(found) => {
                println!(
                    "{mutation:?}: seed {} violates {}: {}",
                    found.seed, found.invariant, found.detail
                );
                if !breaks(mutation).contains(&found.invariant.as_str()) {
                    unnoticed.push(format!("{mutation:?} was taken for another fault: {found}"));
                }
            }
        }
    }
    assert!(unnoticed.is_empty(), "{}", unnoticed.join("\n"));
}
