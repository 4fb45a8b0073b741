use std::collections::BTreeMap;

use serde_json::{Map, Value};
use thiserror::Error;

/// What kind of answer a refusal is; the HTTP edge maps it to a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefusalKind {
    /// What was named does not exist (404).
    NotFound,
    /// The state does not allow it now (409).
    Conflict,
    /// The input can never be right (422).
    Invalid,
    /// The caller may not do this (403).
    Forbidden,
}

/// A rule's "no": a stable code for programs, and a sentence for people that says what happened, why, and what to do
/// next. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Error)]
#[error("{message}")]
pub struct Refusal {
    /// What kind of answer it is.
    pub kind: RefusalKind,
    /// Stable, `snake_case`.
    pub code: &'static str,
    /// One or two sentences.
    pub message: String,
    /// For [`RefusalKind::Invalid`]: what is wrong with each field, by its JSON name.
    pub fields: BTreeMap<String, String>,
    /// Facts for programs, such as both states of an illegal transition or the path of a cycle.
    pub details: Map<String, Value>,
}

impl Refusal {
    fn new(kind: RefusalKind, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            kind,
            code,
            message: message.into(),
            fields: BTreeMap::new(),
            details: Map::new(),
        }
    }

    /// What was named does not exist.
    pub fn not_found(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(RefusalKind::NotFound, code, message)
    }

    /// The state does not allow it now.
    pub fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(RefusalKind::Conflict, code, message)
    }

    /// The caller may not do this.
    pub fn forbidden(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(RefusalKind::Forbidden, code, message)
    }

    /// The input can never be right.
    pub fn invalid(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(RefusalKind::Invalid, code, message)
    }

    /// Adds what is wrong with one field.
    #[must_use]
    pub fn field(mut self, name: impl Into<String>, problem: impl Into<String>) -> Self {
        self.fields.insert(name.into(), problem.into());
        self
    }

    /// Adds a fact for programs.
    #[must_use]
    pub fn detail(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }
}
