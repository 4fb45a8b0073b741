use std::time::Duration;

use loom_platform::Platform;

use crate::{PostSoon, post_soon};

const TICK: PostSoon = PostSoon {
    url: "http://dispatch-tick.spin.internal/internal/tick",
    longest: Duration::from_secs(10),
    lost: "the dispatcher could not be nudged; the next tick will find the work",
};

/// Tells the dispatcher that there may be work, without waiting for it.
///
/// Best effort: the tick comes within ten seconds anyway.
pub fn nudge<P: Platform>(platform: &P) {
    post_soon(platform, TICK, r#"{"cause":"nudge"}"#);
}
