use std::time::Duration;

use bytes::Bytes;
use loom_api::Error;
use loom_platform::{HttpClient, Platform, Tasks};
use loom_store::connector;

const SWEEP: &str = "http://connectors.spin.internal/internal/sweep";
const LONGEST: Duration = Duration::from_secs(60);

/// Has connectors told of what happened when they are behind, or something is to be sent again, without waiting for it
/// (invariant I12): one indexed read.
pub(crate) async fn sweep_if_due<P: Platform>(platform: &P) -> Result<(), Error> {
    if !connector::is_due(platform.database()).await? {
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
                "the connectors could not be told; the next tick tries again",
                [("cause", &error.to_string())],
            );
        }
    });
    Ok(())
}
