//! The same `handle` without Wasm: the baseline.

use std::path::Path;

use loom_api::testing;
use loom_platform::{
    Platform, body_from,
    native::{NativePlatform, handler},
};
use tokio::net::TcpListener;

use crate::Result;

/// Where a schedule asks for a tick.
pub(crate) const TICK: &str = "/api/v1/system/tick";

/// The host of the dispatcher, which a filed bead nudges.
pub(crate) const DISPATCHER: &str = "dispatch-tick.spin.internal";

/// Serves the functions of beads, workflows and GitHub's webhooks natively, with a database file and variables as
/// `name=value`, until the process is killed. Prints one JSON line with the address first, as `loom up --format json`
/// does.
///
/// # Errors
///
/// When the database or the address can't be used.
pub async fn serve(database: &Path, variables: &[String]) -> Result<()> {
    let mut builder = testing::builder().database_file(database);
    for variable in variables {
        let (name, value) = variable.split_once('=').unwrap_or((variable, ""));
        builder = builder.variable(name, value);
    }
    let platform = builder.build()?;
    answer_nudges(&platform);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let line = serde_json::json!({"event": "listening", "url": format!("http://{}", listener.local_addr()?)});
    println!("{line}");
    crate::serve::forever(listener, move |request| {
        let platform = platform.clone();
        async move {
            let path = request.uri().path();
            if path.starts_with("/api/v1/workflows") {
                loom_workflows::handle(&platform, request).await
            } else if path.starts_with("/api/v1/webhooks") {
                loom_github_webhook::handle(&platform, request).await
            } else if path == TICK {
                let tick = http::Uri::from_static("/internal/tick");
                let (mut parts, body) = request.into_parts();
                parts.uri = tick;
                let request = http::Request::from_parts(parts, body);
                loom_dispatch_tick::handle(&platform, request).await
            } else {
                loom_beads::handle(&platform, request).await
            }
        }
    })
    .await?;
    Ok(())
}

/// Nudges run a tick, and ticks have motivations and what is due at GitHub looked at, as they do in the host.
pub(crate) fn answer_nudges(platform: &NativePlatform) {
    let at_work = platform.clone();
    let tick = handler(move |request| {
        let platform = at_work.clone();
        async move { loom_dispatch_tick::handle(&platform, request.map(body_from)).await }
    });
    platform.http().route(DISPATCHER, tick);
    let at_work = platform.clone();
    let sweep = handler(move |request| {
        let platform = at_work.clone();
        async move { loom_motivations::handle(&platform, request.map(body_from)).await }
    });
    platform.http().route("motivations.spin.internal", sweep);
    let at_work = platform.clone();
    let sweep = handler(move |request| {
        let platform = at_work.clone();
        async move { loom_github_webhook::handle(&platform, request.map(body_from)).await }
    });
    platform.http().route("github-webhook.spin.internal", sweep);
}
