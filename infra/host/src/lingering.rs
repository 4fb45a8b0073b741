//! Bodies that nobody reads to their end.

use bytes::Bytes;
use http::{Request, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::runtime::Handle;

/// How much of an unread body is taken off the client, in bytes (as much as a function may be sent by default), and for
/// how long.
const MOST: usize = 32 << 20;
const LONGEST: Duration = Duration::from_secs(10);

/// A request's body. What is left of it when it is dropped is read and thrown away.
///
/// A function that refuses a request, for its size for example, does not read its body. If the connection was closed
/// then, a client that still sends would get a broken pipe in place of the answer.
pub(crate) struct Lingering {
    body: Option<Incoming>,
    /// A client that waits to be told to go on sends nothing when it is not.
    waits: bool,
}

impl Lingering {
    /// The request with its body.
    pub(crate) fn of(request: Request<Incoming>) -> Request<Self> {
        let waits = request.headers().contains_key(header::EXPECT);
        request.map(|body| Self {
            body: Some(body),
            waits,
        })
    }
}

impl Body for Lingering {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match &mut self.body {
            Some(body) => Pin::new(body).poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body
            .as_ref()
            .map_or_else(SizeHint::default, Body::size_hint)
    }
}

impl Drop for Lingering {
    fn drop(&mut self) {
        let rest = self.body.take().filter(|body| !body.is_end_stream());
        if let (Some(rest), Ok(runtime), false) = (rest, Handle::try_current(), self.waits) {
            runtime.spawn(tokio::time::timeout(LONGEST, throw_away(rest)));
        }
    }
}

async fn throw_away(mut body: Incoming) {
    let mut taken = 0;
    while let Some(Ok(frame)) = body.frame().await {
        taken += frame.data_ref().map_or(0, Bytes::len);
        if taken > MOST {
            return;
        }
    }
}
