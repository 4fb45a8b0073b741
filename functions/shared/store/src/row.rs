//! Reading typed values out of rows.

use loom_domain::time::Timestamp;
use loom_platform::Row;
use serde::de::DeserializeOwned;

use crate::StoreError;

/// The JSON text at `index`, parsed.
pub(crate) fn json<T: DeserializeOwned>(row: &Row, index: usize) -> Result<T, StoreError> {
    let text = row.text(index)?;
    serde_json::from_str(&text)
        .map_err(|error| StoreError::Corrupt(format!("column {index}: {error}")))
}

/// The JSON text at `index`, parsed, or `None` for `NULL`.
pub(crate) fn optional_json<T: DeserializeOwned>(
    row: &Row,
    index: usize,
) -> Result<Option<T>, StoreError> {
    match row.optional_text(index)? {
        None => Ok(None),
        Some(_) => json(row, index).map(Some),
    }
}

/// The moment at `index`.
pub(crate) fn time(row: &Row, index: usize) -> Result<Timestamp, StoreError> {
    Ok(Timestamp(row.integer(index)?))
}

/// The moment at `index`, or `None` for `NULL`.
pub(crate) fn optional_time(row: &Row, index: usize) -> Result<Option<Timestamp>, StoreError> {
    Ok(row.optional_integer(index)?.map(Timestamp))
}

/// The word at `index` by its own parser.
pub(crate) fn word<T>(
    row: &Row,
    index: usize,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<T, StoreError> {
    let text = row.text(index)?;
    parse(&text).ok_or_else(|| StoreError::Corrupt(format!("column {index} holds {text:?}")))
}

/// The word at `index` by its own parser, if there is one.
pub(crate) fn optional_word<T>(
    row: &Row,
    index: usize,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, StoreError> {
    match row.optional_text(index)? {
        None => Ok(None),
        Some(_) => word(row, index, parse).map(Some),
    }
}

/// A value as the JSON text that is stored.
pub(crate) fn to_json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}
