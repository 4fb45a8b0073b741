use std::io::{BufRead, BufReader};
use std::time::Duration;

use serde_json::Value;

use crate::Client;

/// One event of the live stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its number: the `id` of the frame.
    pub sequence: i64,
    /// Its kind: the `event` of the frame.
    pub kind: String,
    /// All of it.
    pub data: Value,
}

/// The live stream: an iterator over events that ends when the connection does or its time is up.
pub struct EventStream {
    lines: std::io::Lines<BufReader<ureq::BodyReader<'static>>>,
}

impl EventStream {
    /// Opens the stream with `query`, such as `after=7&bead_id=bd-1`, for at most `limit`.
    #[track_caller]
    pub fn open(client: &Client, query: &str, limit: Duration) -> Self {
        Self::resume(client, query, None, limit)
    }

    /// Opens the stream as a browser does that reconnects.
    #[track_caller]
    pub fn resume(client: &Client, query: &str, last: Option<i64>, limit: Duration) -> Self {
        let mut request = client.request("GET", &format!("/api/v1/events/stream?{query}"));
        if let Some(last) = last {
            request = request.header("last-event-id", &last.to_string());
        }
        let response = request
            .begin(Some(limit))
            .unwrap_or_else(|error| panic!("the event stream can't be opened: {error}"));
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let reader = BufReader::new(response.into_body().into_reader());
        Self {
            lines: reader.lines(),
        }
    }

    /// The next event that fits.
    #[track_caller]
    pub fn wait_for(&mut self, fits: impl Fn(&Event) -> bool) -> Event {
        self.find(fits)
            .expect("the event comes before the stream's time is up")
    }
}

impl Iterator for EventStream {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        let (mut sequence, mut kind) = (None, String::new());
        loop {
            let line = self.lines.next()?.ok()?;
            if let Some(id) = line.strip_prefix("id: ") {
                sequence = id.parse().ok();
            } else if let Some(name) = line.strip_prefix("event: ") {
                name.clone_into(&mut kind);
            } else if let Some(data) = line.strip_prefix("data: ") {
                return Some(Event {
                    sequence: sequence.expect("every event has an id"),
                    kind,
                    data: serde_json::from_str(data).expect("an event is JSON"),
                });
            }
        }
    }
}
