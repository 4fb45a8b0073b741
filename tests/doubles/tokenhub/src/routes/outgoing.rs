//! Answers, and the forms that errors have.

use bytes::Bytes;

use crate::json;

/// An answer, and how it gets to the caller.
#[derive(Debug, Clone)]
pub(crate) struct Outgoing {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) delivery: Delivery,
}

/// How an answer gets to the caller.
#[derive(Debug, Clone)]
pub(crate) enum Delivery {
    /// As a whole.
    Whole(Bytes),
    /// Half of it, and then the connection closes.
    Cut(Bytes),
    /// In chunks; then the body ends, or the connection closes.
    Chunks { chunks: Vec<String>, abort: bool },
    /// The connection closes at once.
    Closed,
}

impl Outgoing {
    pub(super) fn new(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            headers: vec![(String::from("Content-Type"), content_type.to_owned())],
            delivery: Delivery::Whole(body.into()),
        }
    }

    pub(super) fn closed() -> Self {
        Self {
            status: 0,
            headers: Vec::new(),
            delivery: Delivery::Closed,
        }
    }

    pub(super) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(super) fn json(status: u16, body: String) -> Self {
        Self::new(status, "application/json", body)
    }

    /// An error as Go's `http.Error` writes it.
    pub(super) fn text(status: u16, message: &str) -> Self {
        Self::new(status, "text/plain; charset=utf-8", format!("{message}\n"))
            .header("X-Content-Type-Options", "nosniff")
    }

    pub(super) fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            delivery: Delivery::Whole(Bytes::new()),
        }
    }

    pub(super) fn openai_error(status: u16, message: &str) -> Self {
        let kind = if status < 500 {
            "invalid_request_error"
        } else {
            "server_error"
        };
        let message = json::string(message);
        Self::json(
            status,
            format!("{{\"error\":{{\"message\":{message},\"type\":\"{kind}\",\"code\":null}}}}\n"),
        )
    }

    pub(super) fn plain_error(status: u16, message: &str) -> Self {
        Self::json(status, format!("{{\"error\":{}}}\n", json::string(message)))
    }
}

pub(super) fn not_found() -> Outgoing {
    Outgoing::text(404, "404 page not found")
}

pub(super) fn budget_exceeded(budget_usd: f64, spent_usd: f64) -> Outgoing {
    let (budget, spent) = (json::float(budget_usd), json::float(spent_usd));
    Outgoing::json(
        429,
        format!(
            "{{\"budget_usd\":{budget},\"error\":\"monthly budget exceeded\",\"spent_usd\":{spent}}}\n"
        ),
    )
}

pub(super) fn key_limited() -> Outgoing {
    Outgoing::text(429, "api key rate limit exceeded").header("Retry-After", "1")
}

pub(super) fn address_limited() -> Outgoing {
    Outgoing::text(429, "rate limit exceeded").header("Retry-After", "1")
}
