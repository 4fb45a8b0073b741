use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use loom_platform::{HttpClient, Platform, Tasks};

const SYNC: &str = "http://bead-sync.spin.internal/internal/sync";
const LONGEST: Duration = Duration::from_secs(60);

/// Has the beads of a project synced, without waiting for it. Should that fail, the schedule of the sync follows within
/// minutes (invariant I12).
pub(crate) fn start<P: Platform>(platform: &P, project_id: &str) {
    let body = serde_json::json!({"project_id": project_id}).to_string();
    let request = http::Request::post(SYNC)
        .header(CONTENT_TYPE, "application/json")
        .body(Bytes::from(body));
    let Ok(request) = request else { return };
    let http = platform.http().clone();
    platform.tasks().spawn(async move {
        if let Err(error) = http.send(request, LONGEST).await {
            loom_api::log(
                "warn",
                "the beads of a project could not be synced; its schedule tries again",
                [("cause", &error.to_string())],
            );
        }
    });
}
