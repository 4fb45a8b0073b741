//! The other functions of the app.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use loom_platform::native::{NativePlatform, handler};
use loom_platform::{Platform, body_from};

/// The calls of a function that is played.
#[derive(Debug, Clone, Default)]
pub struct Calls(Arc<AtomicUsize>);

impl Calls {
    /// How many there were until now. Calls that nobody waits for are all there once `platform.tasks().finished()` is.
    pub fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// Plays a function of the app, such as `dispatch-tick`, from now on: it answers every request with `{}`.
pub fn play(platform: &NativePlatform, function: &str) -> Calls {
    let calls = Calls::default();
    let counter = Arc::clone(&calls.0);
    let answer = handler(move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
        async { http::Response::new(body_from("{}")) }
    });
    platform
        .http()
        .route(format!("{function}.spin.internal"), answer);
    calls
}
