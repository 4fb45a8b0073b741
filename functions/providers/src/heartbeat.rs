use std::time::Duration;

use loom_api::{PostSoon, post_soon};
use loom_platform::Platform;

const HEARTBEAT: PostSoon = PostSoon {
    url: "http://provider-heartbeat.spin.internal/internal/heartbeat",
    // A heartbeat waits for providers, each for at most ten seconds.
    longest: Duration::from_secs(30),
    lost: "the providers could not be probed now; the schedule will",
};

/// Has the providers probed that are due, without waiting for it.
///
/// Best effort: the schedule does so within thirty seconds anyway.
pub(crate) fn soon<P: Platform>(platform: &P) {
    post_soon(platform, HEARTBEAT, "{}");
}
