use std::time::Duration;

use send_wrapper::SendWrapper;

use crate::{Clock, system::unix_millis};

/// The host's wall clock and its monotonic timer.
#[derive(Debug, Clone, Copy, Default)]
pub struct SpinClock;

impl Clock for SpinClock {
    fn now(&self) -> i64 {
        unix_millis()
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send {
        SendWrapper::new(spin_sdk::time::sleep(duration))
    }
}
