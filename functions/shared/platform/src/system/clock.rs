use std::time::{SystemTime, UNIX_EPOCH};

/// The machine's wall clock, in milliseconds since the Unix epoch; before it, 0.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the Clock port's own source"
)]
pub(crate) fn unix_millis() -> i64 {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
}
