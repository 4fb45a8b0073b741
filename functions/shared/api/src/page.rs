use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderValue;
use http::header::LINK;
use http::request::Parts;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Error, Json, percent, query};

const DEFAULT_LIMIT: u32 = 100;
const LARGEST_LIMIT: u32 = 1000;

/// Which part of a list is wanted: `limit` (1 to 1000, default 100) and `cursor`.
///
/// Read [`fetch`](Self::fetch) rows after [`cursor`](Self::cursor), and answer with [`answer`](Self::answer).
/// As an extractor it refuses other parameters; a list that has some takes [`Paged`].
#[derive(Debug, Clone)]
pub struct Page {
    limit: u32,
    cursor: Option<String>,
    path: String,
    others: Vec<(String, String)>,
}

/// A [`Page`] and the list's own parameters, as in [`Query`](crate::Query).
#[derive(Debug, Clone)]
pub struct Paged<T> {
    /// Which part of the list.
    pub page: Page,
    /// The list's own parameters.
    pub filter: T,
}

/// A part of a list: the body is the bare array, and `Link: <…>; rel="next"` says where the next part is, if any.
#[derive(Debug, Clone)]
pub struct Slice<T> {
    /// The items.
    pub items: Vec<T>,
    /// The address of the next part.
    pub next: Option<String>,
}

impl Page {
    fn read(parts: &Parts) -> Result<Self, Error> {
        let mut page = Self {
            limit: DEFAULT_LIMIT,
            cursor: None,
            path: parts.uri.path().to_owned(),
            others: Vec::new(),
        };
        for (name, value) in query::pairs(parts.uri.query())? {
            match name.as_str() {
                "limit" => {
                    page.limit = value
                        .parse()
                        .ok()
                        .filter(|limit| (1..=LARGEST_LIMIT).contains(limit))
                        .ok_or_else(|| {
                            Error::invalid_fields().field(
                                "limit",
                                format!("must be a whole number, 1 to {LARGEST_LIMIT}"),
                            )
                        })?;
                }
                "cursor" => page.cursor = Some(value),
                _ => page.others.push((name, value)),
            }
        }
        Ok(page)
    }

    /// The largest number of items in the answer.
    pub fn limit(&self) -> usize {
        self.limit as usize
    }

    /// The number of rows to read: one more than the limit, which tells whether there is a next part.
    pub fn fetch(&self) -> i64 {
        i64::from(self.limit) + 1
    }

    /// Where the wanted part starts: the key of the last item of the part before; `None` for the first part.
    ///
    /// A cursor is opaque to clients; one that this list didn't give is refused with 422.
    pub fn cursor<K: DeserializeOwned>(&self) -> Result<Option<K>, Error> {
        let Some(text) = &self.cursor else {
            return Ok(None);
        };
        let bytes = URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
        serde_json::from_slice(&bytes).map(Some).map_err(|_| {
            let problem =
                "is no cursor of this list; take it from the Link header of the part before";
            Error::invalid_fields().field("cursor", problem)
        })
    }

    /// The answer, made of up to [`fetch`](Self::fetch) rows; `key` is what [`cursor`](Self::cursor) will read.
    pub fn answer<T, K: Serialize>(&self, mut rows: Vec<T>, key: impl Fn(&T) -> K) -> Slice<T> {
        if rows.len() <= self.limit() {
            return Slice {
                items: rows,
                next: None,
            };
        }
        rows.truncate(self.limit());
        let next = rows.last().map(|last| self.link(&key(last)));
        Slice { items: rows, next }
    }

    fn link<K: Serialize>(&self, key: &K) -> String {
        let cursor = URL_SAFE_NO_PAD.encode(serde_json::to_vec(key).unwrap_or_default());
        let mut link = format!("{}?limit={}", self.path, self.limit);
        for (name, value) in &self.others {
            link.push_str(&format!(
                "&{}={}",
                percent::encode(name),
                percent::encode(value)
            ));
        }
        link.push_str("&cursor=");
        link.push_str(&cursor);
        link
    }
}

impl<T> Slice<T> {
    /// The same part with each item changed.
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Slice<U> {
        Slice {
            items: self.items.into_iter().map(change).collect(),
            next: self.next,
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Page {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let page = Self::read(parts)?;
        match page.others.first() {
            None => Ok(page),
            Some((name, _)) => Err(Error::invalid_fields().field(
                name,
                "unknown parameter; this list has `limit` and `cursor`",
            )),
        }
    }
}

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Paged<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let page = Page::read(parts)?;
        let filter = query::read(&page.others)?;
        Ok(Self { page, filter })
    }
}

impl<T: Serialize> IntoResponse for Slice<T> {
    fn into_response(self) -> Response {
        let mut response = Json(self.items).into_response();
        if let Some(value) = self
            .next
            .and_then(|next| HeaderValue::from_str(&format!("<{next}>; rel=\"next\"")).ok())
        {
            response.headers_mut().insert(LINK, value);
        }
        response
    }
}
