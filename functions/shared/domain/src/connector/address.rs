//! Where a connector sends: strict URLs, hosts from a list, secrets put in at the last moment.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use super::secrets::{Secrets, is_name};
use crate::Refusal;

/// The longest URL, in bytes.
const LONGEST: usize = 2048;

const OPEN: &str = "{{secret:";
const CLOSE: &str = "}}";

/// Scheme, host and port: all of an address that may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// `https`, or `http` for this machine itself.
    pub scheme: String,
    /// A lower-case name or a canonical IP address, an IPv6 one without brackets.
    pub host: String,
    /// The port, given or implied.
    pub port: u16,
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scheme, host, port } = self;
        write!(formatter, "{scheme}://")?;
        match host.contains(':') {
            true => write!(formatter, "[{host}]")?,
            false => formatter.write_str(host)?,
        }
        match default_port(scheme) == Some(*port) {
            true => Ok(()),
            false => write!(formatter, ":{port}"),
        }
    }
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

/// A URL with its secrets. `Debug` and `Display` show its origin alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    url: String,
    origin: Origin,
}

impl fmt::Debug for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/…", self.origin)
    }
}

impl Address {
    /// Puts the secrets into a connector's URL and reads the result.
    ///
    /// Refuses a secret that is not there (`secret_not_found`) and what is no address (`invalid_fields` with `url`). No
    /// refusal quotes what a secret put in.
    pub fn resolve(template: &str, secrets: &Secrets) -> Result<Self, Refusal> {
        let mut url = String::with_capacity(template.len());
        for piece in pieces(template)? {
            match piece {
                Piece::Plain(text) => url.push_str(text),
                Piece::Secret(name) => url.push_str(secrets.get(name).ok_or_else(|| {
                    Refusal::invalid(
                        "secret_not_found",
                        format!(
                            "There is no secret {name}. Add it to the variable connector_secrets \
                             (SPIN_VARIABLE_CONNECTOR_SECRETS) and start Loom again."
                        ),
                    )
                    .field("url", format!("there is no secret {name}"))
                })?),
            }
        }
        let origin = read_origin(&url).map_err(invalid)?;
        Ok(Self { url, origin })
    }

    /// The whole URL, with its secrets: for the request and nothing else.
    pub fn expose(&self) -> &str {
        &self.url
    }

    /// What of it may be shown.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }
}

/// Checks a URL as it is stored: its secrets are named and not written out. `must_be_secret`: whoever knows the URL may
/// post, so that a part of it has to be a secret.
pub(super) fn check_template(template: &str, must_be_secret: bool) -> Result<(), Refusal> {
    if template.len() > LONGEST {
        return Err(invalid("is longer than 2048 bytes"));
    }
    let pieces = pieces(template)?;
    let mut has_secret = false;
    let mut sample = String::new();
    for piece in &pieces {
        match piece {
            Piece::Plain(text) => sample.push_str(text),
            Piece::Secret(_) => {
                has_secret = true;
                // At the start the secret is the whole URL, elsewhere a part of its path or query.
                sample.push_str(if sample.is_empty() {
                    "https://x.example/x"
                } else {
                    "x"
                });
            }
        }
    }
    read_origin(&sample).map_err(invalid)?;
    let well_known = ["hooks.slack.com/", "/api/webhooks/"];
    let is_bare = !has_secret
        && (must_be_secret
            || well_known.iter().any(|known| template.contains(known))
            || query_has_secret(template));
    if is_bare {
        let message = "Whoever knows this URL may use it, so it is not kept in the database. Put it, or its secret part, \
                       into the variable connector_secrets under a name, and write {{secret:<name>}} in its place.";
        return Err(Refusal::invalid("secret_in_url", message).field(
            "url",
            "holds a secret; write {{secret:<name>}} in its place",
        ));
    }
    Ok(())
}

fn query_has_secret(url: &str) -> bool {
    const WORDS: [&str; 6] = ["token", "key", "secret", "sig", "password", "auth"];
    let query = url.split_once('?').map_or("", |(_, query)| query);
    query.split('&').any(|pair| {
        let name = pair.split('=').next().unwrap_or_default().to_lowercase();
        WORDS.iter().any(|word| name.contains(word))
    })
}

enum Piece<'a> {
    Plain(&'a str),
    Secret(&'a str),
}

fn pieces(template: &str) -> Result<Vec<Piece<'_>>, Refusal> {
    let mut pieces = Vec::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once(OPEN) {
        let (name, tail) = after
            .split_once(CLOSE)
            .filter(|(name, _)| is_name(name))
            .ok_or_else(|| invalid("has a {{secret:…}} without a good name or an end"))?;
        if !before.is_empty() {
            pieces.push(Piece::Plain(before));
        }
        pieces.push(Piece::Secret(name));
        rest = tail;
    }
    if rest.contains("{{") || rest.contains(CLOSE) {
        return Err(invalid("holds braces that are no {{secret:<name>}}"));
    }
    if !rest.is_empty() {
        pieces.push(Piece::Plain(rest));
    }
    Ok(pieces)
}

fn invalid(problem: &str) -> Refusal {
    Refusal::invalid("invalid_fields", "The connector's URL cannot be used.").field("url", problem)
}

/// Reads a URL more strictly than any client would, so that none can see another host in it.
pub(super) fn read_origin(url: &str) -> Result<Origin, &'static str> {
    if !url
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && !b"\\\"<>^`{|}#".contains(&byte))
    {
        return Err("must be an absolute URL of plain ASCII without a fragment");
    }
    let (scheme, rest) = url.split_once("://").ok_or("must begin with https://")?;
    let scheme = scheme.to_ascii_lowercase();
    let default = default_port(&scheme).ok_or("must begin with https://")?;
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    if authority.contains(['@', '%']) {
        return Err("may hold no user, password or encoded host");
    }
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']').ok_or("has no host that can be read")?;
            let port = match port.strip_prefix(':') {
                None if port.is_empty() => None,
                None => return Err("has no host that can be read"),
                Some(port) => Some(port),
            };
            (host, port)
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let port = match port {
        None => default,
        Some(port) => port
            .parse()
            .ok()
            .filter(|number| *number > 0 && port.bytes().all(|byte| byte.is_ascii_digit()))
            .ok_or("has no port that can be read")?,
    };
    let host = read_host(host, authority.starts_with('['))?;
    let origin = Origin { scheme, host, port };
    if origin.scheme == "http" && !is_loopback(&origin.host) {
        return Err("must begin with https://; http is for this machine itself alone");
    }
    Ok(origin)
}

/// A name, or an address in its one canonical form: no octal, hexadecimal or shortened ones, none inside private
/// networks but this machine itself.
fn read_host(host: &str, is_v6: bool) -> Result<String, &'static str> {
    let host = host.to_ascii_lowercase();
    if is_v6 {
        let address: Ipv6Addr = host.parse().map_err(|_| "has no host that can be read")?;
        return match is_private(IpAddr::V6(address)) {
            true => Err("points into a private network"),
            false => Ok(address.to_string()),
        };
    }
    let labels: Vec<&str> = host.split('.').collect();
    let is_label = |label: &&str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    if host.len() > 253 || !labels.iter().all(is_label) {
        return Err("has no host that can be read");
    }
    let last = labels.last().copied().unwrap_or_default();
    if last.starts_with(|first: char| first.is_ascii_digit()) {
        let address: Ipv4Addr = host
            .parse()
            .map_err(|_| "has an IP address that is not in its usual form")?;
        return match is_private(IpAddr::V4(address)) {
            true => Err("points into a private network"),
            false => Ok(host),
        };
    }
    if host.ends_with(".spin.internal") || host == "self" || host == "self.alt" {
        return Err("points into Loom itself");
    }
    Ok(host)
}

fn is_loopback(host: &str) -> bool {
    matches!(host, "localhost" | "127.0.0.1" | "::1")
}

/// Whether an address is neither public nor this machine's usual one.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            v4 != Ipv4Addr::LOCALHOST
                && (v4.is_loopback()
                    || v4.is_private()
                    || v4.is_link_local()
                    || v4.is_unspecified()
                    || v4.is_multicast()
                    || v4.is_broadcast()
                    || v4.is_documentation()
                    || a == 0
                    || a >= 240
                    || (a == 100 && (64..128).contains(&b))
                    || (a == 198 && (18..20).contains(&b)))
        }
        // Global unicast is 2000::/3; what maps or tunnels IPv4 lies outside of it, but for 6to4 and Teredo.
        IpAddr::V6(v6) => {
            let [first, second, ..] = v6.segments();
            v6 != Ipv6Addr::LOCALHOST
                && (first & 0xe000 != 0x2000 || first == 0x2002 || (first == 0x2001 && second == 0))
        }
    }
}

#[cfg(test)]
#[path = "address_tests.rs"]
mod tests;
