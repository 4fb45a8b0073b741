use std::time::Duration;

use bytes::Bytes;
use loom_api::Error;
use loom_platform::{HttpClient, Platform, Tasks};
use loom_store::delivery;

const SWEEP: &str = "http://github-webhook.spin.internal/internal/github/sweep";
const LONGEST: Duration = Duration::from_secs(120);

/// Has deliveries of GitHub's handled that were left over, status comments written that are due, and lost deliveries
/// asked for, without waiting for it (invariant I12): one read.
pub(crate) async fn sweep_if_due<P: Platform>(platform: &P) -> Result<(), Error> {
    if !delivery::sweep_is_due(platform.database()).await? {
        return Ok(());
    }
    let Ok(request) = http::Request::post(SWEEP).body(Bytes::new()) else {
        return Ok(());
    };
    let http = platform.http().clone();
    platform.tasks().spawn(async move {
        if let Err(error) = http.send(request, LONGEST).await {
            loom_api::log(
                "warn",
                "what is due at GitHub could not be looked after; the next tick tries again",
                [("cause", &error.to_string())],
            );
        }
    });
    Ok(())
}
