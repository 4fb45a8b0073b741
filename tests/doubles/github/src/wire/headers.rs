use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::{Answer, Body, Call};
use crate::world::{World, hex, random_hex};

/// The version of the API that is spoken.
pub(crate) const VERSION: &str = "2022-11-28";

/// The bytes of an answer with the headers that all have; an answer that the caller has already becomes 304.
pub(crate) fn finish(world: &mut World, call: &Call, mut answer: Answer) -> http::Response<Bytes> {
    let (bytes, kind) = match std::mem::replace(&mut answer.body, Body::Empty) {
        Body::Empty => (Bytes::new(), None),
        Body::Json(value) => (
            Bytes::from(value.to_string()),
            Some("application/json; charset=utf-8"),
        ),
        Body::Raw(bytes, kind) => (bytes, Some(kind)),
    };
    let mut status = answer.status;
    let mut body = bytes;
    let mut response = http::Response::builder()
        .header("Server", "github.com")
        .header("X-GitHub-Request-Id", request_id())
        .header("X-GitHub-Media-Type", "github.v3; format=json")
        .header(
            "X-GitHub-Api-Version-Selected",
            call.header("x-github-api-version").unwrap_or(VERSION),
        )
        .header("Vary", "Accept, Authorization, Cookie, X-GitHub-OTP")
        .header("X-Content-Type-Options", "nosniff");
    if status == 200 && call.method == http::Method::GET {
        let etag = format!("W/\"{}\"", hex(&Sha256::digest(&body)));
        let known = call.header("if-none-match").is_some_and(|tags| {
            tags.split(',')
                .any(|tag| tag.trim().trim_start_matches("W/") == etag.trim_start_matches("W/"))
        });
        if known {
            status = 304;
            body = Bytes::new();
            // What the caller knew already costs nothing.
            world.limits.give_back(world.now());
        }
        response = response
            .header("ETag", etag)
            .header("Cache-Control", "private, max-age=60, s-maxage=60");
    }
    if let (Some(kind), false) = (kind, status == 304) {
        response = response.header("Content-Type", kind);
    }
    for (name, value) in world.limits.headers(world.now()) {
        if !answer.headers.iter().any(|(given, _)| *given == name) {
            response = response.header(name, value);
        }
    }
    for (name, value) in &answer.headers {
        response = response.header(*name, value);
    }
    response
        .status(status)
        .body(body)
        .unwrap_or_else(|_| http::Response::new(Bytes::new()))
}

fn request_id() -> String {
    let text = random_hex(14).to_uppercase();
    let (one, rest) = text.split_at(4);
    let (two, rest) = rest.split_at(6);
    let (three, rest) = rest.split_at(6);
    let (four, five) = rest.split_at(6);
    format!("{one}:{two}:{three}:{four}:{five}")
}
