//! One exchange over HTTP: headers, time limits, and the reading of bodies. Nothing here interprets a status.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, IF_NONE_MATCH, USER_AGENT};
use http_body_util::BodyExt;
use loom_platform::{Body, HttpClient, HttpError};

use crate::{
    GithubError,
    answer::Answer,
    call::{Call, Reading},
    secret::Secret,
};

/// The time limit of a read.
const READ_LIMIT: Duration = Duration::from_secs(10);
/// The time limit of a write, and of a log.
const WRITE_LIMIT: Duration = Duration::from_secs(30);

/// How much of an error is read, in bytes.
const LARGEST_ERROR: usize = 64 * 1024;

/// GitHub refuses requests without a user agent.
const AGENT: &str = concat!("loom/", env!("CARGO_PKG_VERSION"));
const API_VERSION: &str = "2022-11-28";

/// Sends `call` to `url` and reads the answer.
pub(crate) async fn exchange(
    http: &impl HttpClient,
    url: &str,
    call: &Call,
    credentials: &Credentials,
    etag: Option<&str>,
) -> Result<Answer, GithubError> {
    let what = call.what();
    let limit = match call.reading {
        Reading::Whole(_) if !call.is_write() => READ_LIMIT,
        _ => WRITE_LIMIT,
    };
    let request = request(url, call, credentials, etag)?;
    let failed = |error: HttpError| unavailable(&what, &error, call);
    let response = http.send(request, limit).await.map_err(failed)?;
    let (parts, body) = response.into_parts();
    let (body, cut) = if parts.status.is_success() {
        match call.reading {
            Reading::Whole(largest) => (whole(body, largest).await.map_err(failed)?, false),
            Reading::Tail(bytes) => tail(body, bytes).await.map_err(failed)?,
        }
    } else {
        (start(body).await, false)
    };
    Ok(Answer {
        what,
        status: parts.status,
        headers: parts.headers,
        body,
        cut,
    })
}

/// What stands in the `Authorization` header.
#[derive(Debug, Clone)]
pub(crate) struct Credentials(Secret);

impl Credentials {
    pub(crate) fn bearer(token: &Secret) -> Self {
        Self(Secret::new(format!("Bearer {}", token.reveal())))
    }
}

fn request(
    url: &str,
    call: &Call,
    credentials: &Credentials,
    etag: Option<&str>,
) -> Result<http::Request<Bytes>, GithubError> {
    let mut request = http::Request::new(call.body.clone());
    *request.method_mut() = call.method.clone();
    *request.uri_mut() = url
        .parse()
        .map_err(|_| GithubError::unreadable(call.what(), "its address is not a URL"))?;
    let mut authorization = HeaderValue::from_str(credentials.0.reveal()).map_err(|_| {
        GithubError::not_configured("github_token has characters that no token has")
    })?;
    authorization.set_sensitive(true);
    let headers = request.headers_mut();
    headers.insert(AUTHORIZATION, authorization);
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    headers.insert(
        ACCEPT,
        HeaderValue::from_static("application/vnd.github+json"),
    );
    headers.insert(
        "x-github-api-version",
        HeaderValue::from_static(API_VERSION),
    );
    if !call.body.is_empty() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    if let Some(etag) = etag.and_then(|etag| HeaderValue::from_str(etag).ok()) {
        headers.insert(IF_NONE_MATCH, etag);
    }
    Ok(request)
}

fn unavailable(what: &str, error: &HttpError, call: &Call) -> GithubError {
    match error {
        HttpError::Denied(host) => GithubError::not_configured(format!(
            "this function may not call {host}; add it to allowed_outbound_hosts in spin.toml, or set github_url to \
             a host that stands there"
        )),
        HttpError::TooLarge { limit } => GithubError::TooLarge {
            what: format!("the answer to {what}"),
            limit: u64::try_from(*limit).unwrap_or(u64::MAX),
        },
        HttpError::Timeout(limit) => GithubError::timed_out(what, *limit, call.is_write()),
        HttpError::Connect(detail) => GithubError::Unavailable {
            what: what.to_owned(),
            detail: detail.clone(),
            may_have_acted: false,
        },
        HttpError::Interrupted(detail) => GithubError::Unavailable {
            what: what.to_owned(),
            detail: detail.clone(),
            may_have_acted: call.is_write(),
        },
    }
}

async fn whole(body: Body, limit: usize) -> Result<Bytes, HttpError> {
    loom_platform::read_body(body, limit).await
}

/// The last `bytes` of a body, and whether anything stood before them.
async fn tail(mut body: Body, bytes: usize) -> Result<(Bytes, bool), HttpError> {
    let mut kept = Vec::new();
    let mut cut = false;
    while let Some(piece) = next_piece(&mut body).await? {
        kept.extend_from_slice(&piece);
        // Dropped in large steps, so that each byte is moved about once.
        if kept.len() > bytes.saturating_mul(2).max(64 * 1024) {
            kept.drain(..kept.len().saturating_sub(bytes));
            cut = true;
        }
    }
    if kept.len() > bytes {
        kept.drain(..kept.len().saturating_sub(bytes));
        cut = true;
    }
    Ok((kept.into(), cut))
}

/// The start of an error's body. One that breaks off or is endless still says what it said.
async fn start(mut body: Body) -> Bytes {
    let mut read = Vec::new();
    while read.len() < LARGEST_ERROR {
        match next_piece(&mut body).await {
            Ok(Some(piece)) => read.extend_from_slice(&piece),
            Ok(None) | Err(_) => break,
        }
    }
    read.truncate(LARGEST_ERROR);
    read.into()
}

async fn next_piece(body: &mut Body) -> Result<Option<Bytes>, HttpError> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| match error.downcast::<HttpError>() {
            Ok(known) => *known,
            Err(other) => HttpError::Interrupted(other.to_string()),
        })?;
        if let Ok(data) = frame.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use loom_platform::{Body, HttpClient, HttpError};
    use serde_json::json;

    use super::{Credentials, exchange};
    use crate::{GithubError, call::Call, secret::Secret};

    /// A network that fails in a given way, and says which time limit it was given.
    #[derive(Clone)]
    struct Failing(fn(Duration) -> HttpError);

    impl HttpClient for Failing {
        async fn send(
            &self,
            _: http::Request<bytes::Bytes>,
            timeout: Duration,
        ) -> Result<http::Response<Body>, HttpError> {
            Err((self.0)(timeout))
        }
    }

    async fn fails(call: &Call, how: fn(Duration) -> HttpError) -> GithubError {
        let credentials = Credentials::bearer(&Secret::new("fake"));
        let outcome = exchange(&Failing(how), "http://x.test/", call, &credentials, None).await;
        outcome.unwrap_err()
    }

    #[tokio::test]
    async fn a_failed_exchange_says_whether_it_may_have_acted() {
        let calls = [Call::get("/x"), Call::post("/x", &json!({}))];
        let lost: [fn(Duration) -> HttpError; 2] = [HttpError::Timeout, |_| {
            HttpError::Interrupted(String::from("cut"))
        }];
        for call in &calls {
            for how in lost {
                assert_eq!(fails(call, how).await.may_have_acted(), call.is_write());
            }
            let connect = fails(call, |_| HttpError::Connect(String::from("refused"))).await;
            assert!(!connect.may_have_acted() && connect.is_retryable());
            let denied = fails(call, |_| HttpError::Denied(String::from("x.test"))).await;
            assert_eq!(denied.code(), "github_not_configured");
            assert!(denied.to_string().contains("allowed_outbound_hosts"));
        }
    }

    #[tokio::test]
    async fn reads_have_ten_seconds_and_writes_thirty() {
        for (call, seconds) in [
            (Call::get("/x"), "10 s"),
            (Call::post("/x", &json!({})), "30 s"),
            (Call::delete("/x"), "30 s"),
            (Call::get("/x").reading(super::Reading::Tail(9)), "30 s"),
        ] {
            let error = fails(&call, HttpError::Timeout).await;
            assert!(error.to_string().contains(seconds), "{error}");
        }
    }
}
