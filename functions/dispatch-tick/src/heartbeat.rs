use std::time::Duration;

use bytes::Bytes;
use loom_api::Error;
use loom_platform::{HttpClient, Platform, Tasks};
use loom_store::provider;

const HEARTBEAT: &str = "http://provider-heartbeat.spin.internal/internal/heartbeat";
const LONGEST: Duration = Duration::from_secs(60);

/// Has providers probed whose probe is due, or the first one registered, without waiting for it (invariant I12).
///
/// So a provider is covered whenever it was registered, also where no schedule but the tick is there, and a fresh Loom
/// works with its first tick. Once a probe finds a provider healthy, the heartbeat nudges the dispatcher.
pub(crate) async fn probe_if_due<P: Platform>(platform: &P) -> Result<(), Error> {
    if !provider::any_due(platform.database()).await? {
        return Ok(());
    }
    let Ok(request) = http::Request::post(HEARTBEAT).body(Bytes::new()) else {
        return Ok(());
    };
    let http = platform.http().clone();
    platform.tasks().spawn(async move {
        if let Err(error) = http.send(request, LONGEST).await {
            loom_api::log(
                "warn",
                "the providers could not be probed; the next tick tries again",
                [("cause", &error.to_string())],
            );
        }
    });
    Ok(())
}
