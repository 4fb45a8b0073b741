//! The CPU deadline. A component that computes without end would keep one of the host's threads for ever; one that
//! waits, for a model or a lock, costs nothing and may.
//!
//! The engine's clock ticks every 10 ms, and running guest code notices. Each notice counts one tick and yields. The
//! count starts again whenever all of the instance's tasks wait for something, so only uninterrupted work is counted.

use crate::engine::TICK;
use crate::function::{Context, RequestContext};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::time::Sleep;
use tokio_util::sync::CancellationToken;
use wasmtime::{Store, UpdateDeadline};
use wasmtime_wasi_http::handler::{WorkerExpiration, WorkerStatus};

/// How often a draining instance looks whether its reader is gone.
const LOOK: Duration = Duration::from_millis(50);

/// What one instance is doing.
#[derive(Default)]
pub(crate) struct Activity {
    ticks: AtomicU32,
    // Set while the guest stands still only because a tick made it yield.
    yielding: AtomicBool,
    // An event stream that this instance was sending has no reader any more.
    unread: AtomicBool,
    requests: Mutex<Requests>,
}

#[derive(Default)]
struct Requests {
    live: Vec<Weak<RequestContext>>,
    total: usize,
    first: Option<String>,
}

impl Activity {
    /// Notes a request that this instance begins to answer.
    pub(crate) fn request_started(self: &Arc<Self>, request: &Arc<RequestContext>) {
        let _ = request.instance.set(Arc::downgrade(self));
        self.ticks.store(0, Ordering::Relaxed);
        let mut requests = crate::locked(&self.requests);
        requests.live.retain(|request| request.strong_count() > 0);
        requests.live.push(Arc::downgrade(request));
        requests.total += 1;
        if requests.total == 1 {
            requests.first = Some(request.id.clone());
        }
    }

    /// The id of the request that what happens now belongs to, if that is certain.
    pub(crate) fn request_id(&self) -> Option<String> {
        let requests = crate::locked(&self.requests);
        if requests.total == 1 {
            return requests.first.clone();
        }
        let mut live = requests.live.iter().filter_map(Weak::upgrade);
        match (live.next(), live.next()) {
            (Some(only), None) => Some(only.id.clone()),
            _ => None,
        }
    }

    /// Notes that an event stream that this instance was sending has no reader any more.
    pub(crate) fn reader_left(&self) {
        self.unread.store(true, Ordering::Relaxed);
    }

    /// Whether the reader of an event stream left.
    pub(crate) fn is_unread(&self) -> bool {
        self.unread.load(Ordering::Relaxed)
    }

    /// Stops the instance of `store` once it used `limit` of CPU time without waiting.
    pub(crate) fn watch(self: &Arc<Self>, store: &mut Store<Context>, limit: Duration) {
        let limit = u32::try_from(limit.as_millis() / TICK.as_millis())
            .unwrap_or(u32::MAX)
            .max(1);
        let activity = self.clone();
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |_| {
            if activity.ticks.fetch_add(1, Ordering::Relaxed) >= limit {
                for request in crate::locked(&activity.requests)
                    .live
                    .iter()
                    .filter_map(Weak::upgrade)
                {
                    request.over_cpu.store(true, Ordering::Relaxed);
                }
                wasmtime::bail!(
                    "stopped: it computed for {:?} without waiting for anything",
                    TICK * limit
                );
            }
            activity.yielding.store(true, Ordering::Relaxed);
            let activity = activity.clone();
            let resume = Box::pin(async move {
                tokio::task::yield_now().await;
                activity.yielding.store(false, Ordering::Relaxed);
            });
            Ok(UpdateDeadline::YieldCustom(1, resume))
        });
    }

    fn stands_still(&self) {
        if !self.yielding.load(Ordering::Relaxed) {
            self.ticks.store(0, Ordering::Relaxed);
        }
    }
}

/// Ends instances that have no work: after a while, or at once when the host drains.
pub(crate) struct Expiration {
    activity: Arc<Activity>,
    idle: Duration,
    sleep: Option<(Instant, Pin<Box<Sleep>>)>,
    look: Option<Pin<Box<Sleep>>>,
    drain: CancellationToken,
    drained: Pin<Box<tokio_util::sync::WaitForCancellationFutureOwned>>,
}

impl Expiration {
    /// For the instance that `activity` describes.
    pub(crate) fn new(activity: Arc<Activity>, idle: Duration, drain: CancellationToken) -> Self {
        let drained = Box::pin(drain.clone().cancelled_owned());
        Self {
            activity,
            look: None,
            idle,
            sleep: None,
            drain,
            drained,
        }
    }
}

impl Expiration {
    fn poll_unread(&mut self, cx: &mut std::task::Context<'_>) -> Poll<()> {
        loop {
            if self.activity.is_unread() {
                return Poll::Ready(());
            }
            let look = self
                .look
                .get_or_insert_with(|| Box::pin(tokio::time::sleep(LOOK)));
            if look.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            self.look = None;
        }
    }
}

impl WorkerExpiration for Expiration {
    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        status: WorkerStatus,
        start: Instant,
    ) -> Poll<()> {
        // Polled whenever none of the instance's tasks can go on.
        self.activity.stands_still();
        if status == WorkerStatus::Requests {
            return Poll::Pending;
        }
        let draining = self.drain.is_cancelled() || self.drained.as_mut().poll(cx).is_ready();
        if status == WorkerStatus::PostReturn {
            // Work behind an answer is waited for, with one exception: who sends events to a reader that is gone
            // notices that only at the next event.
            return if draining {
                self.poll_unread(cx)
            } else {
                Poll::Pending
            };
        }
        if draining {
            return Poll::Ready(());
        }
        let until = start + self.idle;
        if self
            .sleep
            .as_ref()
            .is_none_or(|(deadline, _)| *deadline != until)
        {
            self.sleep = Some((until, Box::pin(tokio::time::sleep_until(until.into()))));
        }
        match &mut self.sleep {
            Some((_, sleep)) => sleep.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }
}
