//! Back-pressure: requests from outside take their turn before they are given to a component.
//!
//! Calls among components don't pass here: a component that waits for another already has its turn, and waiting for a
//! second one could wait for itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The queue before the components, first come first served.
pub(crate) struct Admission {
    turns: Arc<Semaphore>,
    waiting: AtomicUsize,
    longest: usize,
    patience: Duration,
}

/// There is no turn to be had: too many wait, or the wait was too long.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Full;

struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Admission {
    /// Lets `turns` requests in at once and up to `longest` wait for at most `patience`.
    pub(crate) fn new(turns: usize, longest: usize, patience: Duration) -> Self {
        Self {
            turns: Arc::new(Semaphore::new(turns)),
            waiting: AtomicUsize::new(0),
            longest,
            patience,
        }
    }

    /// Waits for a turn. It ends when the permit is dropped.
    pub(crate) async fn turn(&self) -> Result<OwnedSemaphorePermit, Full> {
        if let Ok(turn) = self.turns.clone().try_acquire_owned() {
            return Ok(turn);
        }
        let place = self.waiting.fetch_add(1, Ordering::Relaxed);
        let _waiting = Waiting(&self.waiting);
        if place >= self.longest {
            return Err(Full);
        }
        match tokio::time::timeout(self.patience, self.turns.clone().acquire_owned()).await {
            Ok(Ok(turn)) => Ok(turn),
            _ => Err(Full),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_comes_too_late_is_told_at_once() {
        let admission = Arc::new(Admission::new(1, 1, Duration::from_secs(10)));
        let first = admission.turn().await.unwrap();
        let other = admission.clone();
        let second = tokio::spawn(async move { other.turn().await });
        tokio::task::yield_now().await;
        assert_eq!(admission.turn().await.unwrap_err(), Full);
        drop(first);
        drop(second.await.unwrap().unwrap());
        // The queue is empty again.
        let _turn = admission.turn().await.unwrap();
        assert_eq!(admission.turn().await.unwrap_err(), Full, "patience ends");
    }
}
