use serde_json::Value;

use super::{Answer, Call};

/// The most entries that a page can have.
const MOST: usize = 100;

/// Which page of a list is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Page {
    pub(crate) number: usize,
    pub(crate) size: usize,
}

impl Page {
    /// From the query; as GitHub does, what makes no sense is the default.
    pub(crate) fn of(call: &Call) -> Self {
        let number = |name| call.query(name).and_then(|text| text.parse::<usize>().ok());
        Self {
            number: number("page").filter(|page| *page > 0).unwrap_or(1),
            size: number("per_page")
                .filter(|size| *size > 0)
                .unwrap_or(30)
                .min(MOST),
        }
    }

    /// The part of a list that is on this page.
    pub(crate) fn cut<T>(self, list: Vec<T>) -> Vec<T> {
        list.into_iter()
            .skip((self.number - 1).saturating_mul(self.size))
            .take(self.size)
            .collect()
    }

    /// An answer with one page of a list of `total` entries.
    pub(crate) fn answer(self, call: &Call, base: &str, total: usize, body: Value) -> Answer {
        let last = total.div_ceil(self.size).max(1);
        let mut link = Link::new(call, base);
        if self.number > 1 {
            link.add("prev", &[("page", (self.number - 1).min(last).to_string())]);
        }
        if self.number < last {
            link.add("next", &[("page", (self.number + 1).to_string())]);
            link.add("last", &[("page", last.to_string())]);
        }
        if self.number > 1 {
            link.add("first", &[("page", String::from("1"))]);
        }
        link.attach(Answer::ok(body))
    }
}

/// The `Link` header.
#[derive(Debug)]
pub(crate) struct Link {
    path: String,
    query: Vec<(String, String)>,
    links: Vec<String>,
}

impl Link {
    /// For a list that was asked for by this call; `base` is the address of the server.
    pub(crate) fn new(call: &Call, base: &str) -> Self {
        Self {
            path: format!("{base}{}", call.raw_path),
            query: call.query.clone(),
            links: Vec::new(),
        }
    }

    /// Adds a link to the same list with other parameters.
    pub(crate) fn add(&mut self, relation: &str, parameters: &[(&str, String)]) {
        let mut query: Vec<String> = self
            .query
            .iter()
            .filter(|(key, _)| parameters.iter().all(|(name, _)| key != name))
            .map(|(key, value)| format!("{}={}", encode(key), encode(value)))
            .collect();
        query.extend(
            parameters
                .iter()
                .map(|(name, value)| format!("{name}={}", encode(value))),
        );
        self.links.push(format!(
            "<{}?{}>; rel=\"{relation}\"",
            self.path,
            query.join("&")
        ));
    }

    /// The answer with this header, if there is a link at all.
    pub(crate) fn attach(self, answer: Answer) -> Answer {
        if self.links.is_empty() {
            answer
        } else {
            answer.with("Link", self.links.join(", "))
        }
    }
}

fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            byte => format!("%{byte:02X}"),
        })
        .collect()
}
