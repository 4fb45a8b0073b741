//! What [`function!`](crate::function) expands to.

use http::{StatusCode, header::CONTENT_LENGTH};
use http_body::Body as _;
use spin_sdk::wasip3::{
    http::types::{ErrorCode, Request, Response},
    http_compat::{http_from_wasi_request, http_into_wasi_response},
};

use super::body::received;
use crate::Body;

/// The host's request, its body still on the way.
pub fn incoming(request: Request) -> Result<http::Request<Body>, ErrorCode> {
    Ok(http_from_wasi_request(request)?.map(|body| received(body, None)))
}

/// The host's form of a response. The body is written by a task that goes on after this returns.
pub fn outgoing(mut response: http::Response<Body>) -> Result<Response, ErrorCode> {
    if may_have_body(response.status())
        && !response.headers().contains_key(CONTENT_LENGTH)
        && let Some(length) = response.body().size_hint().exact()
    {
        // Without it the body goes out in chunks, in a second packet that Nagle's algorithm holds back for 40 ms.
        response.headers_mut().insert(CONTENT_LENGTH, length.into());
    }
    http_into_wasi_response(response)
}

fn may_have_body(status: StatusCode) -> bool {
    !status.is_informational()
        && status != StatusCode::NO_CONTENT
        && status != StatusCode::NOT_MODIFIED
}
