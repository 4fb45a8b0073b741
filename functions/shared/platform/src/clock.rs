use std::time::Duration;

/// Wall clock and timers.
pub trait Clock: Clone + Send + Sync + 'static {
    /// Milliseconds since the Unix epoch, UTC. May jump when the machine's clock is set.
    ///
    /// Leases and due times are compared with the database's clock instead (invariant I3).
    fn now(&self) -> i64;

    /// Returns after `duration`.
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send;
}
