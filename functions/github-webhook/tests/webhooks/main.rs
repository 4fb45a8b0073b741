//! GitHub's webhooks over the function's `handle`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper of tests fails the test"
)]

mod admin;
mod commands;
mod examples;
mod fake;
mod intake;
mod merge;
mod once;
mod redeliver;
mod report;
mod retention;
mod world;

use loom_api::testing::{assert_access, platform};
use loom_platform::native::NativePlatform;

#[tokio::test]
async fn each_route_lets_in_whom_its_permission_allows() {
    let platform = platform();
    assert_access(
        &platform,
        loom_github_webhook::routes::<NativePlatform>(),
        loom_github_webhook::handle,
        &[
            ("POST /api/v1/webhooks/github", "public"),
            ("GET /api/v1/webhooks/deliveries", "admin"),
            ("GET /api/v1/webhooks/deliveries/{id}", "admin"),
            ("POST /api/v1/webhooks/deliveries/{id}/replay", "admin"),
            ("GET /api/v1/webhooks/status", "admin user viewer"),
            ("POST /internal/github/sweep", "private"),
        ],
    )
    .await;
}
