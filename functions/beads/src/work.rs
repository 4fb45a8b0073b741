use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use loom_domain::bead::{Bead, BeadStatus};
use loom_platform::{HttpClient, Platform, Tasks};

const STEP: &str = "http://agent-step.spin.internal/internal/step";
/// The step is answered before it is taken, so this is plenty.
const LONGEST: Duration = Duration::from_secs(10);

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
    let http = platform.http().clone();
    let body = serde_json::json!({ "run_id": run_id }).to_string();
    platform.tasks().spawn(async move {
        let request = http::Request::post(STEP)
            .header(CONTENT_TYPE, "application/json")
            .body(Bytes::from(body));
        let outcome = match request {
            Ok(request) => http
                .send(request, LONGEST)
                .await
                .map(|_| ())
                .map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(cause) = outcome {
            let message = "a claimed run could not be started; the tick will";
            loom_api::log("warn", message, [("cause", &cause)]);
        }
    });
}
