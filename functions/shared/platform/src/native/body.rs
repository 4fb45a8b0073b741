use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::time::Sleep;

use crate::{Body, BodyError, HttpError};

/// A body that fails with [`HttpError::Timeout`] when read past the deadline of its exchange.
pub(super) struct DeadlineBody {
    /// Gone once the body has ended.
    reading: Option<(Body, Pin<Box<Sleep>>)>,
    limit: Duration,
}

impl DeadlineBody {
    pub(super) fn new(body: Body, timer: Pin<Box<Sleep>>, limit: Duration) -> Self {
        Self {
            reading: Some((body, timer)),
            limit,
        }
    }
}

impl http_body::Body for DeadlineBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let limit = self.limit;
        let Some((body, timer)) = &mut self.reading else {
            return Poll::Ready(None);
        };
        let end = match Pin::new(body).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => return Poll::Ready(Some(Ok(frame))),
            Poll::Ready(end) => end,
            Poll::Pending if timer.as_mut().poll(context).is_pending() => return Poll::Pending,
            Poll::Pending => Some(Err(BodyError::from(HttpError::Timeout(limit)))),
        };
        self.reading = None;
        Poll::Ready(end)
    }

    fn is_end_stream(&self) -> bool {
        self.reading
            .as_ref()
            .is_none_or(|(body, _)| body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.reading
            .as_ref()
            .map_or_else(|| SizeHint::with_exact(0), |(body, _)| body.size_hint())
    }
}
