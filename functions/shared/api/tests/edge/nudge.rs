use std::sync::Arc;

use loom_api::nudge;
use loom_api::testing::platform;
use loom_platform::native::handler;
use loom_platform::{Platform, body_from};
use tokio::sync::mpsc;

#[tokio::test]
async fn a_nudge_is_a_post_to_the_dispatcher_that_nobody_waits_for() {
    let platform = platform();
    let (sender, mut received) = mpsc::unbounded_channel();
    let sender = Arc::new(sender);
    let dispatcher = handler(move |request| {
        let sender = Arc::clone(&sender);
        async move {
            sender.send(request).unwrap();
            http::Response::builder()
                .status(503)
                .body(body_from("not now"))
                .unwrap()
        }
    });
    platform
        .http()
        .route("dispatch-tick.spin.internal", dispatcher);
    nudge(&platform);
    let request = received.recv().await.unwrap();
    assert_eq!(
        (request.method().as_str(), request.uri().path()),
        ("POST", "/internal/tick")
    );
}
