use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use loom_platform::{HttpClient, Platform, Tasks};

const HEARTBEAT: &str = "http://provider-heartbeat.spin.internal/internal/heartbeat";
/// A heartbeat waits for providers, each for at most ten seconds.
const LONGEST: Duration = Duration::from_secs(30);

/// Has the providers probed that are due, without waiting for it.
///
/// Best effort: the schedule does so within thirty seconds anyway.
pub(crate) fn soon<P: Platform>(platform: &P) {
    let http = platform.http().clone();
    platform.tasks().spawn(async move {
        let request = http::Request::post(HEARTBEAT)
            .header(CONTENT_TYPE, "application/json")
            .body(Bytes::from_static(b"{}"));
        let outcome = match request {
            Ok(request) => http
                .send(request, LONGEST)
                .await
                .map(|_| ())
                .map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(cause) = outcome {
            let message = "the providers could not be probed now; the schedule will";
            loom_api::log("warn", message, [("cause", &cause)]);
        }
    });
}
