use serde::Serialize;

/// A request as the double saw it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RequestSeen {
    /// Its method.
    pub method: String,
    /// Its path with the query, as sent.
    pub path: String,
    /// The login that it was made as (an App's bot ends with `[bot]`; the App itself is its slug); empty for nobody.
    pub login: String,
    /// Its body, if that is text.
    pub body: String,
    /// The headers, names in lower case. `Authorization` is cut off after its scheme.
    pub headers: Vec<(String, String)>,
    /// The status of the answer; 0 if the connection was closed instead.
    pub status: u16,
    /// Whether something was done although the caller did not hear of it.
    pub reply_lost: bool,
}
