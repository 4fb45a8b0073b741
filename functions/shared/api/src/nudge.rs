use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use loom_platform::{HttpClient, Platform, Tasks};

use crate::log;

const TICK: &str = "http://dispatch-tick.spin.internal/internal/tick";
const LONGEST: Duration = Duration::from_secs(10);

/// Tells the dispatcher that there may be work, without waiting for it.
///
/// Best effort: the tick comes within ten seconds anyway.
pub fn nudge<P: Platform>(platform: &P) {
    let http = platform.http().clone();
    platform.tasks().spawn(async move {
        let request = http::Request::post(TICK)
            .header(CONTENT_TYPE, "application/json")
            .body(Bytes::from_static(br#"{"cause":"nudge"}"#));
        let outcome = match request {
            Ok(request) => http
                .send(request, LONGEST)
                .await
                .map(|_| ())
                .map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(cause) = outcome {
            log(
                "warn",
                "the dispatcher could not be nudged; the next tick will find the work",
                [("cause", &cause)],
            );
        }
    });
}
