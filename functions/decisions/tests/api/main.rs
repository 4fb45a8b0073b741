//! Every route of `decisions`, over its `handle`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper of tests fails the test"
)]

mod ask;
mod decide;
mod list;
mod support;

use loom_api::testing::{assert_access, platform};
use loom_platform::native::NativePlatform;

#[tokio::test]
async fn each_route_lets_in_whom_its_permission_allows() {
    let platform = platform();
    assert_access(
        &platform,
        loom_decisions::routes::<NativePlatform>(),
        loom_decisions::handle,
        &[
            ("GET /api/v1/decisions", "admin user viewer"),
            ("POST /api/v1/decisions", "admin user"),
            ("GET /api/v1/decisions/{id}", "admin user viewer"),
            ("POST /api/v1/decisions/{id}/decide", "admin user"),
        ],
    )
    .await;
}
