use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use thiserror::Error;

/// Why a body broke off.
pub type BodyError = Box<dyn std::error::Error + Send + Sync>;

/// A request or response body: whole, or a stream.
pub type Body = http_body_util::combinators::UnsyncBoxBody<Bytes, BodyError>;

/// A body that is there as a whole.
pub fn body_from(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into())
        .map_err(|never| match never {})
        .boxed_unsync()
}

/// Reads a body to its end.
///
/// Fails with [`HttpError::TooLarge`] as soon as it exceeds `limit` bytes, [`HttpError::Interrupted`] when the peer
/// breaks off, or [`HttpError::Timeout`] when the time limit of its exchange runs out.
pub async fn read_body(mut body: Body, limit: usize) -> Result<Bytes, HttpError> {
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| match error.downcast::<HttpError>() {
            Ok(known) => *known,
            Err(other) => HttpError::Interrupted(other.to_string()),
        })?;
        if let Ok(data) = frame.into_data() {
            if whole.len() + data.len() > limit {
                return Err(HttpError::TooLarge { limit });
            }
            whole.extend_from_slice(&data);
        }
    }
    Ok(whole.freeze())
}

/// Why an outbound call failed. An answer with an error status is not a failure of the call.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
pub enum HttpError {
    /// The function's manifest entry does not grant this host.
    #[error("this function may not call {0}: it is not among its allowed_outbound_hosts")]
    Denied(String),
    /// No answer within the time limit. The other side may or may not have acted.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// No connection could be made; the other side has not seen the request.
    #[error("could not connect: {0}")]
    Connect(String),
    /// The exchange broke off. The other side may or may not have acted.
    #[error("the exchange broke off: {0}")]
    Interrupted(String),
    /// The body is larger than the caller allows.
    #[error("the body is larger than {limit} bytes")]
    TooLarge {
        /// The caller's limit, in bytes.
        limit: usize,
    },
}

/// Outbound HTTP.
pub trait HttpClient: Clone + Send + Sync + 'static {
    /// Sends a request and returns the answer once its head has arrived; its body may still be on the way.
    ///
    /// `timeout` bounds the whole exchange, body included: reading the body past it fails too.
    /// `http://<component>.spin.internal/…` reaches another component of the same app.
    fn send(
        &self,
        request: http::Request<Bytes>,
        timeout: Duration,
    ) -> impl Future<Output = Result<http::Response<Body>, HttpError>> + Send;
}
