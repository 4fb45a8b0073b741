use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::Error;

/// The values of the template's names, in order: `Path<String>` for one, `Path<(String, String)>` for two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path<T>(pub T);

/// The decoded values of the matched template, in order.
#[derive(Debug, Clone)]
pub(crate) struct PathValues(pub(crate) Vec<String>);

/// What can be made of a path's values.
pub trait FromPath: Sized {
    /// Makes it; `None` when the template has another number of names.
    fn from_path(values: Vec<String>) -> Option<Self>;
}

impl FromPath for String {
    fn from_path(values: Vec<String>) -> Option<Self> {
        <[String; 1]>::try_from(values).ok().map(|[one]| one)
    }
}

impl FromPath for (String, String) {
    fn from_path(values: Vec<String>) -> Option<Self> {
        <[String; 2]>::try_from(values).ok().map(Into::into)
    }
}

impl FromPath for (String, String, String) {
    fn from_path(values: Vec<String>) -> Option<Self> {
        <[String; 3]>::try_from(values).ok().map(Into::into)
    }
}

impl<S: Sync, T: FromPath> FromRequestParts<S> for Path<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let values = parts
            .extensions
            .get::<PathValues>()
            .map(|values| values.0.clone())
            .unwrap_or_default();
        T::from_path(values).map(Path).ok_or_else(|| {
            Error::internal("the handler takes another number of path values than its template has")
        })
    }
}
