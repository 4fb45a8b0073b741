use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use http::header::CONTENT_TYPE;
use loom_platform::{HttpClient, Platform};

const STEP: &str = "http://agent-step.spin.internal/internal/step";

/// `agent-step` answers as soon as it has leased the run, so a longer silence is a failure.
const LONGEST: Duration = Duration::from_secs(10);

/// Starts every run, all at once. One that cannot be started stays in the queue until its lease runs out, when the
/// next tick tries again.
pub(crate) async fn all<P: Platform>(platform: &P, run_ids: impl Iterator<Item = &String>) {
    join_all(run_ids.map(|run_id| one(platform, run_id))).await;
}

async fn one<P: Platform>(platform: &P, run_id: &str) {
    let body = serde_json::json!({ "run_id": run_id }).to_string();
    let request = http::Request::post(STEP)
        .header(CONTENT_TYPE, "application/json")
        .body(Bytes::from(body));
    let problem = match request {
        Ok(request) => match platform.http().send(request, LONGEST).await {
            // 409: another tick has started it meanwhile.
            Ok(response)
                if response.status().is_success()
                    || response.status() == http::StatusCode::CONFLICT =>
            {
                None
            }
            Ok(response) => Some(format!("agent-step answered {}", response.status())),
            Err(error) => Some(error.to_string()),
        },
        Err(error) => Some(error.to_string()),
    };
    if let Some(cause) = problem {
        loom_api::log(
            "warn",
            "a run could not be started; a later tick will",
            [("run_id", run_id), ("cause", &cause)],
        );
    }
}
