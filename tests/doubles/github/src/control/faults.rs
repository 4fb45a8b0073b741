use serde::{Deserialize, Serialize};

/// What goes wrong with a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// 500, and nothing is done.
    ServerError,
    /// This status with GitHub's form of an error, and nothing is done.
    Status(u16),
    /// The connection is closed, and nothing is done.
    Drop,
    /// It is done, and then the connection is closed without an answer.
    LoseReply,
    /// The secondary limit: this status (403 or 429), with `Retry-After` if there are seconds.
    SecondaryLimit {
        /// 403 or 429.
        status: u16,
        /// The seconds of `Retry-After`.
        retry_after: Option<u64>,
    },
    /// The primary limit of the caller is used up for so many seconds, from now on and for this request.
    PrimaryLimit {
        /// Seconds until it is reset.
        reset_seconds: i64,
    },
    /// It is done, and answered so many milliseconds later.
    Delay(u64),
}

/// A fault for requests to come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// Only requests with this method; any if empty.
    #[serde(default)]
    pub method: String,
    /// Only requests whose path (without `/api/v3`) matches; `*` is any text. Any path if empty.
    #[serde(default)]
    pub path: String,
    /// What goes wrong.
    pub kind: FaultKind,
    /// How many matching requests pass first.
    #[serde(default)]
    pub after: u32,
    /// How many it meets then.
    #[serde(default = "once")]
    pub times: u32,
}

fn once() -> u32 {
    1
}

impl Fault {
    /// A fault for the next request with this method and path.
    pub fn next(method: &str, path: &str, kind: FaultKind) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            kind,
            after: 0,
            times: 1,
        }
    }

    /// The same for so many requests.
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    /// The same after so many matching requests.
    pub fn after(mut self, after: u32) -> Self {
        self.after = after;
        self
    }

    fn concerns(&self, method: &str, path: &str) -> bool {
        (self.method.is_empty() || self.method.eq_ignore_ascii_case(method))
            && (self.path.is_empty() || matches(&self.path, path))
    }

    /// The fault that meets a request, if one does. It is used up by that.
    pub(crate) fn take(faults: &mut Vec<Self>, method: &str, path: &str) -> Option<FaultKind> {
        let position = faults.iter_mut().position(|fault| {
            if !fault.concerns(method, path) {
                return false;
            }
            if fault.after > 0 {
                fault.after -= 1;
                return false;
            }
            true
        })?;
        let fault = faults.get_mut(position)?;
        let kind = fault.kind.clone();
        fault.times = fault.times.saturating_sub(1);
        if fault.times == 0 {
            faults.remove(position);
        }
        Some(kind)
    }
}

/// What goes wrong with the delivery of an event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebhookFaultKind {
    /// It is sent so many times more, with the same delivery id.
    Duplicate(u32),
    /// It does not arrive; GitHub lists it as failed, so that it can be redelivered.
    Lose,
    /// It is sent so many milliseconds later.
    Delay(u64),
    /// It is kept until the test releases what is held.
    Hold,
}

/// A fault for events to come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WebhookFault {
    /// Only this event, such as `push` or `issues.opened`; any if empty.
    #[serde(default)]
    pub event: String,
    /// What goes wrong.
    pub kind: WebhookFaultKind,
    /// How many it meets.
    #[serde(default = "once")]
    pub times: u32,
}

impl WebhookFault {
    /// A fault for the next `times` deliveries of an event.
    pub fn new(event: &str, kind: WebhookFaultKind, times: u32) -> Self {
        Self {
            event: event.to_owned(),
            kind,
            times,
        }
    }

    /// The faults that meet a delivery, one of each kind at most. They are used up by that.
    pub(crate) fn take(
        faults: &mut Vec<Self>,
        event: &str,
        action: Option<&str>,
    ) -> Vec<WebhookFaultKind> {
        let full = action.map(|action| format!("{event}.{action}"));
        let mut taken: Vec<WebhookFaultKind> = Vec::new();
        for fault in faults.iter_mut() {
            let concerned = fault.event.is_empty()
                || fault.event == event
                || Some(&fault.event) == full.as_ref();
            let again = taken
                .iter()
                .any(|kind| std::mem::discriminant(kind) == std::mem::discriminant(&fault.kind));
            if concerned && !again {
                fault.times = fault.times.saturating_sub(1);
                taken.push(fault.kind.clone());
            }
        }
        faults.retain(|fault| fault.times > 0);
        taken
    }
}

/// Whether a text matches a pattern in which `*` is any text.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_waits_and_ends() {
        let mut faults = vec![
            Fault::next("POST", "/repos/*/pulls", FaultKind::LoseReply)
                .after(1)
                .times(2),
        ];
        let mut met = || Fault::take(&mut faults, "POST", "/repos/acme/shop/pulls").is_some();
        assert_eq!([met(), met(), met(), met()], [false, true, true, false]);
    }

    #[test]
    fn a_pattern_covers_the_whole_text() {
        for (pattern, text, does) in [
            ("/repos/*/git/blobs", "/repos/a/b/git/blobs", true),
            ("/repos/*/git/blobs", "/repos/a/b/git/blobs/1", false),
            ("/user", "/user", true),
            ("/user", "/users", false),
            ("*", "", true),
        ] {
            assert_eq!(matches(pattern, text), does, "{pattern} {text}");
        }
    }
}
