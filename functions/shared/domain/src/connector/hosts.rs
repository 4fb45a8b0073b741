//! Where connectors may send.

use std::net::IpAddr;

use super::address::{Origin, read_origin};
use crate::Refusal;

/// The hosts that connectors may send to: what the variables `connector_host_1` to `connector_host_4` name. The same
/// values are the component's `allowed_outbound_hosts`, one entry each, because a variable there is one entry and not a
/// list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedHosts(Vec<Entry>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    scheme: String,
    host: String,
    is_suffix: bool,
    port: Option<u16>,
}

impl AllowedHosts {
    /// Reads entries `scheme://host[:port]`; the host may begin with `*.`, the port may be `*`. Hosts under `.invalid`
    /// stand for nothing. The error says which entry cannot be read.
    pub fn parse<'a>(entries: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let mut allowed = Vec::new();
        for entry in entries {
            let entry = entry.trim().trim_end_matches('/');
            let read = read_entry(entry).ok_or_else(|| {
                format!("{entry:?} must be https://host or https://host:port, without a path; http is for this machine")
            })?;
            if !entry.is_empty() && !read.host.ends_with(".invalid") {
                allowed.push(read);
            }
        }
        Ok(Self(allowed))
    }

    /// Whether connectors may send there.
    pub fn allows(&self, origin: &Origin) -> bool {
        self.0.iter().any(|entry| {
            entry.scheme == origin.scheme
                && entry.port.is_none_or(|port| port == origin.port)
                && match entry.is_suffix {
                    true => {
                        origin.host.parse::<IpAddr>().is_err()
                            && origin
                                .host
                                .strip_suffix(entry.host.as_str())
                                .is_some_and(|below| below.len() > 1 && below.ends_with('.'))
                    }
                    false => entry.host == origin.host,
                }
        })
    }

    /// Refuses with `host_not_allowed` what connectors may not send to.
    pub fn check(&self, origin: &Origin) -> Result<(), Refusal> {
        if self.allows(origin) {
            return Ok(());
        }
        Err(Refusal::invalid(
            "host_not_allowed",
            format!(
                "Connectors may not send to {origin}. To allow it, set one of the variables connector_host_1 to \
                 connector_host_4 to {origin} (SPIN_VARIABLE_CONNECTOR_HOST_1 …) and start Loom again."
            ),
        )
        .field("url", format!("{origin} is not among the allowed hosts"))
        .detail("host", origin.to_string()))
    }
}

fn read_entry(entry: &str) -> Option<Entry> {
    let (scheme, rest) = entry.split_once("://")?;
    let (rest, is_suffix) = match rest.strip_prefix("*.") {
        Some(rest) => (rest, true),
        None => (rest, false),
    };
    let (rest, any_port) = match rest.strip_suffix(":*") {
        Some(rest) => (rest, true),
        None => (rest, false),
    };
    if rest.contains(['/', '?']) {
        return None;
    }
    let origin = read_origin(&format!("{scheme}://{rest}")).ok()?;
    Some(Entry {
        scheme: origin.scheme,
        host: origin.host,
        is_suffix,
        port: (!any_port).then_some(origin.port),
    })
}
