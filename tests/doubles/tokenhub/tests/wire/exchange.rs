//! Requests and answers over a plain socket.

use std::io::{Read, Write};
use std::net::TcpStream;

use loom_tokenhub_double::{Answer, Config, Running, TokenHub};
use serde_json::{Value, json};

pub(crate) struct Raw {
    pub(crate) head: Vec<String>,
    pub(crate) body: String,
}

impl Raw {
    pub(crate) fn status(&self) -> &str {
        self.head[0].strip_prefix("HTTP/1.1 ").unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head
            .iter()
            .find_map(|line| line.strip_prefix(&format!("{name}: ")))
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// Sends bytes and reads until the connection closes.
pub(crate) fn exchange(hub: &Running, request: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(hub.address()).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    answer
}

pub(crate) fn send(
    hub: &Running,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Raw {
    let mut request = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    let answer = String::from_utf8(exchange(hub, request.as_bytes())).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let head: Vec<String> = head.lines().map(str::to_owned).collect();
    let chunked = head.iter().any(|line| line == "Transfer-Encoding: chunked");
    Raw {
        head,
        body: if chunked {
            dechunk(body)
        } else {
            body.to_owned()
        },
    }
}

pub(crate) fn dechunk(mut body: &str) -> String {
    let mut whole = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        whole.push_str(&rest[..size]);
        body = &rest[size + 2..];
    }
    whole
}

pub(crate) fn post(hub: &Running, headers: &[(&str, &str)], body: &Value) -> Raw {
    let bearer = format!("Bearer {}", hub.api_key());
    let mut all = vec![("Authorization", bearer.as_str())];
    all.extend_from_slice(headers);
    send(hub, "POST", "/v1/chat/completions", &all, &body.to_string())
}

pub(crate) fn ask(text: &str) -> Value {
    json!({"messages": [{"role": "user", "content": text}]})
}

pub(crate) fn start(config: Config) -> Running {
    TokenHub::start(config).unwrap()
}

pub(crate) fn hello() -> Config {
    Config::respond(|_| Answer::text("hello <b> & co").usage(12, 9))
}
