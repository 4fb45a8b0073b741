//! Every route of `connectors`, over its `handle`, with the other side played in the same process.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a broken assumption of a test should stop it at once"
)]

mod crash;
mod deliver;
mod hidden;
mod openclaw;
mod settings;
mod world;

use loom_api::testing::assert_access;
use loom_platform::native::NativePlatform;
use world::World;

#[tokio::test]
async fn each_route_lets_in_whom_its_permission_allows() {
    let world = World::new().await;
    let expected = [
        ("GET /api/v1/connectors", "admin"),
        ("POST /api/v1/connectors", "admin"),
        ("GET /api/v1/connectors/{id}", "admin"),
        ("PUT /api/v1/connectors/{id}", "admin"),
        ("PATCH /api/v1/connectors/{id}", "admin"),
        ("DELETE /api/v1/connectors/{id}", "admin"),
        ("POST /api/v1/connectors/{id}/test", "admin"),
        ("POST /api/v1/connectors/{id}/pause", "admin"),
        ("POST /api/v1/connectors/{id}/resume", "admin"),
        ("GET /api/v1/connectors/{id}/deliveries", "admin"),
        ("POST /api/v1/webhooks/openclaw", "public"),
        ("GET /api/v1/webhooks/openclaw/status", "admin user viewer"),
        ("POST /internal/sweep", "private"),
    ];
    let routes = loom_connectors::routes::<NativePlatform>();
    assert_access(&world.platform, routes, loom_connectors::handle, &expected).await;
}
