use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream::unfold;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderName};
use loom_api::Error;
use loom_domain::event::Event;
use loom_platform::{Clock, DatabaseError, Platform};
use loom_store::StoreError;
use loom_store::event::{self, EventFilter};

use crate::filter::Parameters;

/// How often the log is looked at. Each look that finds nothing costs one read of the end of an index.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// After how many looks without an event the client, and everything in between, hears that the stream lives: 15 s.
const KEEPALIVE_AFTER: u32 = 30;
/// How many events are sent at once.
const BATCH: i64 = 200;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Where a stream is.
struct Stream<P> {
    platform: P,
    filter: EventFilter,
    /// Everything up to this event is sent, or does not match.
    after: i64,
    /// Looks since something was sent.
    silence: u32,
    state: State,
}

enum State {
    Begin,
    /// There may be more at once.
    Look,
    Wait,
    End,
}

/// Events as they happen, as server-sent events. It goes on until the client goes, whereupon its body is dropped.
pub(crate) async fn stream<P: Platform>(
    platform: &P,
    headers: &HeaderMap,
    parameters: Parameters,
) -> Result<Response, Error> {
    for (name, value) in [("before", parameters.before), ("limit", parameters.limit)] {
        if value.is_some() {
            return Err(Error::invalid_fields().field(name, "a stream has none"));
        }
    }
    let filter = parameters.filter()?;
    let newest = event::newest(platform.database()).await?;
    let after = last_event_id(headers)?.or(parameters.after);
    let stream = Stream {
        platform: platform.clone(),
        filter,
        // A number that was not reached yet is of another log: what is new in this one is wanted.
        after: after.map_or(newest, |after| after.clamp(0, newest)),
        silence: 0,
        state: State::Begin,
    };
    let chunks = unfold(stream, |mut stream| async move {
        let chunk = stream.next().await?;
        Some((Ok::<Bytes, StoreError>(chunk), stream))
    });
    let headers = [
        (CONTENT_TYPE, "text/event-stream"),
        (CACHE_CONTROL, "no-store"),
        // Says to proxies of the nginx kind that they must not collect it first.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    Ok((headers, Body::from_stream(chunks)).into_response())
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<i64>, Error> {
    let Some(value) = headers.get(LAST_EVENT_ID) else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or("?").trim();
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| {
        let message =
            "Last-Event-ID holds no id of an event; send the number of the last one that you saw.";
        Error::unreadable("invalid_last_event_id", message)
    })
}

impl<P: Platform> Stream<P> {
    /// What is to be sent next; `None` at the end.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            match self.state {
                State::Begin => {
                    self.state = State::Look;
                    return Some(Bytes::from_static(b"retry: 2000\n\n"));
                }
                State::End => return None,
                State::Wait => {
                    self.platform.clock().sleep(LOOK_EVERY).await;
                    self.state = State::Look;
                }
                State::Look => {
                    self.state = State::Wait;
                    match self.look().await {
                        Ok(events) if events.is_empty() => {
                            self.silence += 1;
                            if self.silence >= KEEPALIVE_AFTER {
                                self.silence = 0;
                                return Some(Bytes::from_static(b": keepalive\n\n"));
                            }
                        }
                        Ok(events) => {
                            self.silence = 0;
                            return Some(frames(&events));
                        }
                        // The next look may well succeed, and nothing is lost until then.
                        Err(StoreError::Database(DatabaseError::Busy)) => {}
                        Err(error) => {
                            let cause = error.to_string();
                            let message = "an event stream ends; its client will reconnect";
                            loom_api::log("error", message, [("cause", &cause)]);
                            self.state = State::End;
                        }
                    }
                }
            }
        }
    }

    /// The next events, and how far the log has been seen.
    async fn look(&mut self) -> Result<Vec<Event>, StoreError> {
        let database = self.platform.database();
        // Also tells how far the log was read when nothing in it matches, so that nothing is ever read twice.
        let newest = event::newest(database).await?;
        if newest <= self.after {
            return Ok(Vec::new());
        }
        let events = event::list_after(database, self.after, &self.filter, BATCH).await?;
        let is_full = i64::try_from(events.len()).unwrap_or(i64::MAX) >= BATCH;
        let last = events.last().map_or(self.after, |event| event.sequence);
        if is_full {
            self.after = last;
            self.state = State::Look;
        } else {
            self.after = newest.max(last);
        }
        Ok(events)
    }
}

fn frames(events: &[Event]) -> Bytes {
    let mut text = String::new();
    for event in events {
        // JSON has no raw line breaks, so one data line holds it.
        let data = serde_json::to_string(event).unwrap_or_default();
        text.push_str(&format!(
            "id: {}\nevent: {}\ndata: {data}\n\n",
            event.sequence, event.kind
        ));
    }
    Bytes::from(text)
}
