use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use send_wrapper::SendWrapper;
use spin_sdk::wasip3::http_compat::{IncomingBody, IncomingMessage};

use crate::{Body, BodyError, HttpError};

/// When a body must have ended: the timer that says so, and the limit it was started with.
pub(super) struct Deadline {
    pub(super) timer: Pin<Box<dyn Future<Output = ()>>>,
    pub(super) limit: Duration,
}

/// A body that comes from the host, read as it arrives.
struct ReceivedBody<T> {
    /// Gone once the body has ended, so that neither the stream nor the timer outlives it.
    reading: SendWrapper<Option<Reading<T>>>,
}

struct Reading<T> {
    body: IncomingBody<T>,
    deadline: Option<Deadline>,
}

/// Makes a [`Body`] of one from the host. With a deadline, reading past it fails with [`HttpError::Timeout`].
pub(super) fn received<T>(body: IncomingBody<T>, deadline: Option<Deadline>) -> Body
where
    T: IncomingMessage + 'static,
{
    ReceivedBody {
        reading: SendWrapper::new(Some(Reading { body, deadline })),
    }
    .boxed_unsync()
}

impl<T: IncomingMessage> http_body::Body for ReceivedBody<T> {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let slot = &mut *self.reading;
        let Some(reading) = slot else {
            return Poll::Ready(None);
        };
        let frame = match Pin::new(&mut reading.body).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => return Poll::Ready(Some(Ok(frame))),
            Poll::Ready(Some(Err(code))) => {
                let broken = HttpError::Interrupted(code.to_string());
                Some(Err(BodyError::from(broken)))
            }
            Poll::Ready(None) => None,
            Poll::Pending => {
                let Some(deadline) = &mut reading.deadline else {
                    return Poll::Pending;
                };
                if deadline.timer.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
                Some(Err(BodyError::from(HttpError::Timeout(deadline.limit))))
            }
        };
        *slot = None;
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.reading
            .as_ref()
            .is_none_or(|reading| reading.body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.reading.as_ref().map_or_else(
            || SizeHint::with_exact(0),
            |reading| reading.body.size_hint(),
        )
    }
}
