use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use loom_platform::{HttpClient, Platform, Tasks};

use crate::log;

/// A request to another function of the app that nobody waits for.
#[derive(Debug, Clone, Copy)]
pub struct PostSoon {
    /// Where it goes, as `http://<function>.spin.internal/internal/…`.
    pub url: &'static str,
    /// How long its answer may take.
    pub longest: Duration,
    /// What the log says when it does not get there, and what then makes up for it.
    pub lost: &'static str,
}

/// Posts `json`, or nothing when it is empty, to another function of the app, without waiting for the answer.
///
/// Best effort, so whatever must happen is found by a tick or a schedule too. Whatever the other function answers, it was
/// told; what goes wrong there is for its own log.
pub fn post_soon<P: Platform>(platform: &P, post: PostSoon, json: impl Into<Bytes>) {
    let http = platform.http().clone();
    let body = json.into();
    let mut request = http::Request::post(post.url);
    if !body.is_empty() {
        request = request.header(CONTENT_TYPE, "application/json");
    }
    let request = request.body(body);
    platform.tasks().spawn(async move {
        let outcome = match request {
            Ok(request) => http
                .send(request, post.longest)
                .await
                .map(drop)
                .map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(cause) = outcome {
            log("warn", post.lost, [("cause", &cause)]);
        }
    });
}
