use std::time::Duration;

use loom_api::{PostSoon, post_soon};
use loom_domain::bead::{Bead, BeadStatus};
use loom_platform::Platform;

const STEP: PostSoon = PostSoon {
    url: "http://agent-step.spin.internal/internal/step",
    // The step is answered before it is taken, so this is plenty.
    longest: Duration::from_secs(10),
    lost: "a claimed run could not be started; the tick will",
};

/// Tells the dispatcher when a change to `bead` may have made something ready: the bead, or what it blocks.
pub(crate) fn nudge_after<P: Platform>(platform: &P, bead: &Bead) {
    if matches!(bead.status, BeadStatus::Open | BeadStatus::Closed) {
        loom_api::nudge(platform);
    }
}

/// Starts a claimed run without waiting for it.
///
/// Best effort: a run that nobody leases in time is found by the tick.
pub(crate) fn start_run<P: Platform>(platform: &P, run_id: &str) {
    let body = serde_json::json!({ "run_id": run_id }).to_string();
    post_soon(platform, STEP, body);
}
