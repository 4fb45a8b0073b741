//! A receiver of webhooks.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::Value;

/// An event that came.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(found, _)| found == name);
        found.map_or("", |(_, value)| value)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// As in `issues.opened`.
    pub(crate) fn name(&self) -> String {
        let event = self.header("x-github-event");
        match self.json()["action"].as_str() {
            Some(action) => format!("{event}.{action}"),
            None => event.to_owned(),
        }
    }
}

/// A server that takes every event and keeps it; it answers with statuses in their order, and then with 200.
#[derive(Clone)]
pub(crate) struct Receiver {
    address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Receiver {
    pub(crate) fn start(statuses: &[u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&received);
        let statuses = statuses.to_vec();
        // It ends with the test program.
        std::thread::spawn(move || {
            let mut statuses = statuses.into_iter();
            for stream in listener.incoming() {
                let status = statuses.next().unwrap_or(200);
                let _ = stream.ok().and_then(|stream| take(stream, status, &kept));
            }
        });
        Self { address, received }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hooks?from=github", self.address)
    }

    /// What came, each event as GitHub describes it unless the test made it up.
    pub(crate) fn events(&self) -> Vec<Received> {
        let events = self.received.lock().unwrap().clone();
        for event in &events {
            let payload = event.json();
            if payload["made_up"].is_null() {
                crate::openapi::check_event(event.header("x-github-event"), &payload);
            }
        }
        events
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.events().iter().map(Received::name).collect()
    }
}

fn take(stream: TcpStream, status: u16, kept: &Mutex<Vec<Received>>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    assert!(
        line.starts_with("POST /hooks?from=github HTTP/1.1"),
        "{line}"
    );
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        headers.push((name.to_lowercase(), value.to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length")?;
    let mut body = vec![0; length.1.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    kept.lock().unwrap().push(Received { headers, body });
    let answer =
        format!("HTTP/1.1 {status} Done\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
    reader.get_mut().write_all(answer.as_bytes()).ok()
}
