//! GitHub, as far as the work after a delivery asks it for anything.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use http::{Method, Response, StatusCode};
use loom_platform::{
    Body, body_from,
    native::{Handler, handler},
};
use serde_json::{Value, json};

/// How much content GitHub lets one create a minute (docs.github.com, "Rate limits for the REST API").
const CREATED_A_MINUTE: u32 = 80;

/// What was asked, and what was created within the minute.
#[derive(Default)]
pub(super) struct GitHub {
    asked: AtomicU64,
    minute: Mutex<Option<(Instant, u32)>>,
}

impl GitHub {
    /// How many calls there were.
    pub(super) fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }

    /// What answers its calls.
    pub(super) fn handler(self: &Arc<Self>) -> Handler {
        let own = Arc::clone(self);
        handler(move |request| {
            let answer = own.answer(request.method(), request.uri().path());
            async move { answer }
        })
    }

    fn answer(&self, method: &Method, path: &str) -> Response<Body> {
        let id = self.asked.fetch_add(1, Ordering::Relaxed);
        let account = json!({"login": "loom-bench", "id": 1, "type": "User"});
        let last = path.rsplit('/').next().unwrap_or_default();
        match (method.as_str(), last) {
            ("GET", "user") => respond(StatusCode::OK, &account),
            ("GET", "comments" | "hooks") => respond(StatusCode::OK, &json!([])),
            ("POST", "comments") if self.may_create() => {
                respond(StatusCode::CREATED, &json!({"id": id, "user": account}))
            }
            ("POST", "comments") => {
                let message = json!({"message": "You have exceeded a secondary rate limit."});
                let mut response = respond(StatusCode::FORBIDDEN, &message);
                let wait = http::HeaderValue::from_static("60");
                response.headers_mut().insert("retry-after", wait);
                response
            }
            _ => respond(StatusCode::NOT_FOUND, &json!({"message": "Not Found"})),
        }
    }

    fn may_create(&self) -> bool {
        let mut minute = self.minute.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = (Instant::now(), 0);
        let (begun, created) = minute.get_or_insert(fresh);
        if begun.elapsed() >= Duration::from_secs(60) {
            (*begun, *created) = fresh;
        }
        *created += 1;
        *created <= CREATED_A_MINUTE
    }
}

fn respond(status: StatusCode, body: &Value) -> Response<Body> {
    let mut response = Response::new(body_from(body.to_string()));
    *response.status_mut() = status;
    let kind = http::HeaderValue::from_static("application/json; charset=utf-8");
    response.headers_mut().insert("content-type", kind);
    response
}
