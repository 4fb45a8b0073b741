//! The headers that Spin gives to components: where a request came in and what its route captured.

use crate::routes::{Captures, Pattern};
use http::{HeaderMap, HeaderName, HeaderValue, header};

const FULL_URL: HeaderName = HeaderName::from_static("spin-full-url");
const PATH_INFO: HeaderName = HeaderName::from_static("spin-path-info");
const MATCHED_ROUTE: HeaderName = HeaderName::from_static("spin-matched-route");
const RAW_COMPONENT_ROUTE: HeaderName = HeaderName::from_static("spin-raw-component-route");
const COMPONENT_ROUTE: HeaderName = HeaderName::from_static("spin-component-route");
const BASE_PATH: HeaderName = HeaderName::from_static("spin-base-path");
const CLIENT_ADDRESS: HeaderName = HeaderName::from_static("spin-client-addr");
const CAPTURE_PREFIX: &str = "spin-path-match-";

/// Prepares a request that came in by a public route: `address` is the host's own, `client` the sender's.
///
/// The URI becomes absolute, as components expect; its host is the client's `host` header.
pub(crate) fn routed<B>(
    request: &mut http::Request<B>,
    address: &str,
    client: &str,
    pattern: &Pattern,
    captures: &Captures,
) {
    let authority = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .and_then(|host| host.parse::<http::uri::Authority>().ok())
        .filter(|host| host.as_str() != "self.alt")
        .or_else(|| address.parse().ok());
    set_authority(request, authority);
    let url = request.uri().to_string();
    let headers = request.headers_mut();
    clean(headers);
    set(headers, FULL_URL, &url);
    set(headers, PATH_INFO, &captures.rest);
    set(headers, MATCHED_ROUTE, pattern.raw());
    set(headers, RAW_COMPONENT_ROUTE, pattern.raw());
    set(headers, COMPONENT_ROUTE, pattern.prefix());
    set(headers, BASE_PATH, "/");
    set(headers, CLIENT_ADDRESS, client);
    for (name, value) in &captures.named {
        if let Ok(name) = HeaderName::try_from(format!("{CAPTURE_PREFIX}{name}")) {
            set(headers, name, value);
        }
    }
}

/// Prepares a request from one component to another. As in Spin, it came in by a route `/...`.
pub(crate) fn chained<B>(request: &mut http::Request<B>) {
    let url = request.uri().to_string();
    let path = request.uri().path().to_owned();
    let headers = request.headers_mut();
    clean(headers);
    headers.remove(header::HOST);
    set(headers, FULL_URL, &url);
    set(headers, PATH_INFO, &path);
    set(headers, MATCHED_ROUTE, "/...");
    set(headers, RAW_COMPONENT_ROUTE, "/...");
    set(headers, COMPONENT_ROUTE, "");
    set(headers, BASE_PATH, "/");
    set(headers, CLIENT_ADDRESS, "127.0.0.1:0");
}

fn set_authority<B>(request: &mut http::Request<B>, authority: Option<http::uri::Authority>) {
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    if let Some(authority) = authority {
        parts.scheme = Some(http::uri::Scheme::HTTP);
        parts.authority = Some(authority);
        parts
            .path_and_query
            .get_or_insert_with(|| http::uri::PathAndQuery::from_static("/"));
    }
    *request.uri_mut() = http::Uri::from_parts(parts).unwrap_or_default();
}

// A client must not be able to speak in the host's name.
fn clean(headers: &mut HeaderMap) {
    headers.remove(header::CONNECTION);
    let forged: Vec<_> = headers
        .keys()
        .filter(|name| name.as_str().starts_with("spin-"))
        .cloned()
        .collect();
    for name in forged {
        headers.remove(name);
    }
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_cannot_forge_the_hosts_headers() {
        let pattern = Pattern::parse("/p/:id/...").unwrap();
        let mut request = http::Request::get("/p/7/x?y=1")
            .header("host", "loom.example:8080")
            .header("spin-client-addr", "6.6.6.6:6")
            .header("spin-path-match-admin", "yes")
            .header("connection", "close")
            .body(())
            .unwrap();
        let captures = Captures {
            named: vec![("id".to_owned(), "7".to_owned())],
            rest: "/x".to_owned(),
        };
        routed(
            &mut request,
            "127.0.0.1:3000",
            "1.2.3.4:5",
            &pattern,
            &captures,
        );
        let header = |name: &str| {
            request
                .headers()
                .get(name)
                .map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(request.uri(), "http://loom.example:8080/p/7/x?y=1");
        assert_eq!(
            header("spin-full-url").unwrap(),
            "http://loom.example:8080/p/7/x?y=1"
        );
        assert_eq!(header("spin-client-addr").unwrap(), "1.2.3.4:5");
        assert_eq!(header("spin-path-match-id").unwrap(), "7");
        assert_eq!(header("spin-path-match-admin"), None);
        assert_eq!(header("spin-path-info").unwrap(), "/x");
        assert_eq!(header("spin-component-route").unwrap(), "/p/:id");
        assert_eq!(header("connection"), None);
    }

    #[test]
    fn without_a_host_header_the_hosts_own_address_is_used() {
        let pattern = Pattern::parse("/...").unwrap();
        let mut request = http::Request::get("/a").body(()).unwrap();
        let captures = Captures {
            named: Vec::new(),
            rest: "/a".to_owned(),
        };
        routed(
            &mut request,
            "127.0.0.1:3000",
            "1.2.3.4:5",
            &pattern,
            &captures,
        );
        assert_eq!(request.uri(), "http://127.0.0.1:3000/a");
    }
}
