use std::time::Duration;

use bytes::Bytes;
use loom_api::Error;
use loom_platform::{HttpClient, Platform, Tasks};
use loom_store::motivation;

const SWEEP: &str = "http://motivations.spin.internal/internal/sweep";
const LONGEST: Duration = Duration::from_secs(60);

/// Has motivations looked at when a sweep is due, without waiting for it (invariant I12): one read of one row.
///
/// If the sweep files a bead or wakes a role, it nudges the dispatcher.
pub(crate) async fn sweep_if_due<P: Platform>(platform: &P) -> Result<(), Error> {
    if !motivation::is_due(platform.database()).await? {
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
                "the motivations could not be looked at; the next tick tries again",
                [("cause", &error.to_string())],
            );
        }
    });
    Ok(())
}
