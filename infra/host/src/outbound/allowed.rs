//! `allowed_outbound_hosts`: where a component may send requests.

/// One entry of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Allowed {
    scheme: Option<String>,
    host: Host,
    port: Port,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Host {
    Any,
    /// `*.example.com`; holds `.example.com`.
    Below(String),
    Exactly(String),
    /// The application's own public routes, written `http://self`.
    Own,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Port {
    Any,
    Exactly(u16),
}

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Destination {
    /// This application's public routes (`self.alt`).
    Own,
    /// Another component of it (`<id>.spin.internal`).
    Component(String),
    /// Anywhere else.
    Outside {
        /// `http` or `https`.
        scheme: String,
        /// Host name or address, lower-case, without brackets.
        host: String,
        /// The port, given or implied.
        port: u16,
    },
}

impl Destination {
    /// Where `uri` goes, or `None` when it names no host or a scheme other than HTTP.
    pub(crate) fn of(uri: &http::Uri) -> Option<Self> {
        let scheme = uri.scheme_str()?.to_ascii_lowercase();
        let host = uri.host()?.trim_matches(['[', ']']).to_ascii_lowercase();
        if host == "self.alt" {
            return Some(Self::Own);
        }
        if let Some(id) = host.strip_suffix(".spin.internal") {
            return Some(Self::Component(id.to_owned()));
        }
        let port = uri.port_u16().or(default_port(&scheme))?;
        Some(Self::Outside { scheme, host, port })
    }
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

impl Allowed {
    /// Reads `scheme://host[:port]`; scheme, host and port may be `*`, the host also `*.suffix` or `self`.
    pub(crate) fn parse(entry: &str) -> Result<Self, String> {
        let (scheme, rest) = entry.split_once("://").ok_or_else(|| {
            format!("{entry:?} needs a scheme: write https://host, http://host:port or *://host")
        })?;
        let scheme = (scheme != "*").then(|| scheme.to_ascii_lowercase());
        if let Some(scheme) = &scheme
            && !matches!(scheme.as_str(), "http" | "https")
        {
            return Err(format!(
                "{entry:?}: components here reach others by http and https alone"
            ));
        }
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains('/') {
            return Err(match rest.parse::<std::net::IpAddr>() {
                Err(_)
                    if rest
                        .split('/')
                        .nth(1)
                        .is_some_and(|bits| bits.parse::<u8>().is_ok()) =>
                {
                    format!(
                        "{entry:?}: address ranges aren't supported by `loom up`; list the addresses"
                    )
                }
                _ => format!("{entry:?}: a host is allowed as a whole; remove the path"),
            });
        }
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, Some(port)),
            _ => (rest, None),
        };
        let host = host.trim_matches(['[', ']']).to_ascii_lowercase();
        let host = match host.as_str() {
            "" => return Err(format!("{entry:?} names no host")),
            "*" => Host::Any,
            "self" | "self.alt" => Host::Own,
            name => match name.strip_prefix('*') {
                Some(suffix) if suffix.starts_with('.') && !suffix.contains('*') => {
                    Host::Below(suffix.to_owned())
                }
                None if !name.contains('*') => Host::Exactly(name.to_owned()),
                _ => {
                    return Err(format!(
                        "{entry:?}: `*` is the whole host or its first label"
                    ));
                }
            },
        };
        let port = match port {
            Some("*") => Port::Any,
            Some(port) => Port::Exactly(
                port.parse()
                    .map_err(|_| format!("{entry:?}: {port:?} is not a port"))?,
            ),
            None => scheme
                .as_deref()
                .and_then(default_port)
                .map_or(Port::Any, Port::Exactly),
        };
        Ok(Self { scheme, host, port })
    }

    /// Whether this entry allows `destination`.
    pub(crate) fn allows(&self, destination: &Destination) -> bool {
        match destination {
            Destination::Own => self.host == Host::Own,
            Destination::Component(id) => match &self.host {
                Host::Exactly(host) => host.strip_suffix(".spin.internal") == Some(id),
                Host::Below(suffix) => suffix == ".spin.internal",
                Host::Any | Host::Own => false,
            },
            Destination::Outside { scheme, host, port } => {
                self.scheme.as_ref().is_none_or(|allowed| allowed == scheme)
                    && match self.port {
                        Port::Any => true,
                        Port::Exactly(allowed) => allowed == *port,
                    }
                    && match &self.host {
                        Host::Any => true,
                        Host::Below(suffix) => {
                            host.ends_with(suffix.as_str()) && host.len() > suffix.len()
                        }
                        Host::Exactly(allowed) => allowed == host,
                        Host::Own => false,
                    }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(entry: &str, uri: &str) -> bool {
        Allowed::parse(entry)
            .unwrap()
            .allows(&Destination::of(&uri.parse().unwrap()).unwrap())
    }

    #[test]
    fn scheme_host_and_port_must_all_fit() {
        assert!(allows(
            "https://api.example.com",
            "https://api.example.com/x"
        ));
        assert!(allows(
            "https://api.example.com",
            "https://API.example.com:443/x"
        ));
        assert!(!allows(
            "https://api.example.com",
            "http://api.example.com/x"
        ));
        assert!(!allows(
            "https://api.example.com",
            "https://api.example.com:444/x"
        ));
        assert!(!allows("https://api.example.com", "https://example.com/"));
        assert!(allows("http://127.0.0.1:8090/", "http://127.0.0.1:8090/v1"));
        assert!(!allows("http://127.0.0.1:8090", "http://127.0.0.1:8091/v1"));
        assert!(!allows("http://127.0.0.1:8090", "http://localhost:8090/v1"));
        assert!(allows("http://[::1]:8090", "http://[::1]:8090/"));
    }

    #[test]
    fn stars_stand_for_anything_outside_only() {
        assert!(allows("*://*:*", "http://anything:99/"));
        assert!(allows("https://*.example.com", "https://a.b.example.com/"));
        assert!(!allows("https://*.example.com", "https://example.com/"));
        assert!(!allows("https://*.example.com", "https://badexample.com/"));
        assert!(!allows("*://*:*", "http://beads.spin.internal/"));
        assert!(!allows("*://*:*", "http://self.alt/"));
    }

    #[test]
    fn chaining_needs_the_component_or_all_components() {
        assert!(allows(
            "http://agent-step.spin.internal",
            "http://agent-step.spin.internal/internal/step"
        ));
        assert!(!allows(
            "http://agent-step.spin.internal",
            "http://dispatch-tick.spin.internal/"
        ));
        assert!(allows(
            "http://*.spin.internal",
            "http://dispatch-tick.spin.internal/"
        ));
        assert!(allows("http://self", "http://self.alt/api"));
        assert!(!allows("http://self", "http://self/api"));
    }

    #[test]
    fn unreadable_entries_say_why() {
        for (entry, reason) in [
            ("example.com", "needs a scheme"),
            ("https://example.com/v1", "remove the path"),
            ("http://10.0.0.0/8", "address ranges"),
            ("redis://localhost", "http and https alone"),
            ("https://a.*.com", "first label"),
            ("https://a:b", "not a port"),
            ("https://", "names no host"),
        ] {
            assert!(
                Allowed::parse(entry).unwrap_err().contains(reason),
                "{entry}"
            );
        }
    }
}
