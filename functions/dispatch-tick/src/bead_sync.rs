use std::time::Duration;

use loom_api::{PostSoon, post_soon};
use loom_platform::Platform;

const SYNC: PostSoon = PostSoon {
    url: "http://bead-sync.spin.internal/internal/sync",
    longest: Duration::from_secs(60),
    lost: "the beads of a project could not be synced; its schedule tries again",
};

/// Has the beads of a project synced, without waiting for it. Should that fail, the schedule of the sync follows within
/// minutes (invariant I12).
pub(crate) fn start<P: Platform>(platform: &P, project_id: &str) {
    let body = serde_json::json!({"project_id": project_id}).to_string();
    post_soon(platform, SYNC, body);
}
