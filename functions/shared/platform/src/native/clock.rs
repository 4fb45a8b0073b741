use std::time::Duration;

use crate::{Clock, system::unix_millis};

/// The machine's wall clock and tokio's timer.
#[derive(Debug, Clone, Copy, Default)]
pub struct NativeClock;

impl Clock for NativeClock {
    fn now(&self) -> i64 {
        unix_millis()
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send {
        tokio::time::sleep(duration)
    }
}
