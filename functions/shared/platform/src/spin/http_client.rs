use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{Either, select};
use http::header::CONTENT_LENGTH;
use http_body_util::Full;
use send_wrapper::SendWrapper;
use spin_sdk::wasip3::{
    http::types::{ErrorCode, RequestOptions},
    http_compat::RequestOptionsExtension,
};

use super::body::{Deadline, received};
use crate::{Body, HttpClient, HttpError};

/// Outbound HTTP through the host, to the hosts that the component's `allowed_outbound_hosts` names.
#[derive(Debug, Clone, Copy, Default)]
pub struct SpinHttpClient;

impl HttpClient for SpinHttpClient {
    fn send(
        &self,
        request: http::Request<Bytes>,
        timeout: Duration,
    ) -> impl Future<Output = Result<http::Response<Body>, HttpError>> + Send {
        SendWrapper::new(exchange(request, timeout))
    }
}

async fn exchange(
    request: http::Request<Bytes>,
    timeout: Duration,
) -> Result<http::Response<Body>, HttpError> {
    let authority = request
        .uri()
        .authority()
        .map(ToString::to_string)
        .unwrap_or_default();
    let length = request.body().len();
    let mut request = request.map(Full::new);
    // Without it the body goes out in chunks, even an empty one.
    request.headers_mut().insert(CONTENT_LENGTH, length.into());
    request
        .extensions_mut()
        .insert(RequestOptionsExtension(options(timeout)));

    let timer: std::pin::Pin<Box<dyn Future<Output = ()>>> =
        Box::pin(spin_sdk::time::sleep(timeout));
    let answer = Box::pin(spin_sdk::http::send(request));
    match select(answer, timer).await {
        Either::Left((Ok(response), timer)) => {
            let deadline = Deadline {
                timer,
                limit: timeout,
            };
            Ok(response.map(|body| received(body, Some(deadline))))
        }
        Either::Left((Err(code), _)) => Err(explain(&code, authority, timeout)),
        Either::Right(((), _)) => Err(HttpError::Timeout(timeout)),
    }
}

/// The host's own limits, whose defaults are ten minutes: without them a connection attempt would go on after the
/// caller has given up. A host that can't set one ignores it; the timer still holds.
fn options(timeout: Duration) -> RequestOptions {
    let nanos = u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX);
    let options = RequestOptions::new();
    options.set_connect_timeout(Some(nanos)).ok();
    options.set_first_byte_timeout(Some(nanos)).ok();
    options.set_between_bytes_timeout(Some(nanos)).ok();
    options
}

fn explain(code: &ErrorCode, authority: String, timeout: Duration) -> HttpError {
    match code {
        ErrorCode::HttpRequestDenied => HttpError::Denied(authority),
        ErrorCode::ConnectionReadTimeout
        | ErrorCode::ConnectionWriteTimeout
        | ErrorCode::HttpResponseTimeout => HttpError::Timeout(timeout),
        ErrorCode::DnsTimeout
        | ErrorCode::DnsError(_)
        | ErrorCode::DestinationNotFound
        | ErrorCode::DestinationUnavailable
        | ErrorCode::DestinationIpProhibited
        | ErrorCode::DestinationIpUnroutable
        | ErrorCode::ConnectionRefused
        | ErrorCode::ConnectionTimeout
        | ErrorCode::ConnectionLimitReached
        | ErrorCode::TlsProtocolError
        | ErrorCode::TlsCertificateError
        | ErrorCode::TlsAlertReceived(_)
        | ErrorCode::HttpRequestMethodInvalid
        | ErrorCode::HttpRequestUriInvalid
        | ErrorCode::HttpRequestUriTooLong => HttpError::Connect(format!("{authority}: {code}")),
        _ => HttpError::Interrupted(format!("{authority}: {code}")),
    }
}
