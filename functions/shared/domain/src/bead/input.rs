use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::{BeadStatus, Priority};
use crate::{Refusal, time::Timestamp};

/// The longest title, in characters.
pub const TITLE_LIMIT: usize = 500;
/// How far a chain of self-filed work may go (invariant I9).
pub const MAX_CAUSE_DEPTH: i64 = 2;
const DESCRIPTION_LIMIT: usize = 256 * 1024;
const LIST_LIMIT: usize = 200;

/// What is asked for when a bead is filed or changed. What is absent stays as it is, or takes its default.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BeadInput {
    /// Required when filing; it cannot change.
    pub project_id: Option<String>,
    /// Default `task`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Required when filing: 1 to 500 characters, one line.
    pub title: Option<String>,
    /// At most 256 KiB.
    pub description: Option<String>,
    /// Only when changing.
    pub status: Option<BeadStatus>,
    /// Default P2.
    pub priority: Option<Priority>,
    /// `null` removes it.
    #[serde(deserialize_with = "present")]
    pub parent: Option<Option<String>>,
    /// All of them; they replace what was there.
    pub tags: Option<Vec<String>>,
    /// All of them; they replace what was there.
    pub blocked_by: Option<Vec<String>>,
    /// All of them; they replace what was there.
    pub related: Option<Vec<String>>,
    /// All of them; they replace what was there.
    pub touches: Option<Vec<String>>,
    /// Merged key by key; a `null` value removes its key.
    pub context: Option<BTreeMap<String, Value>>,
    /// `null` removes it.
    #[serde(deserialize_with = "present")]
    pub due_at: Option<Option<Timestamp>>,
    /// `null` removes it.
    #[serde(deserialize_with = "present")]
    pub estimate_minutes: Option<Option<i64>>,
    /// The only agent that may take it; `null` removes it.
    #[serde(deserialize_with = "present")]
    pub assigned_to: Option<Option<String>>,
    /// Why it is closed, with `status: closed`.
    pub close_reason: Option<String>,
}

/// Tells a field that is `null` from one that is absent.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl BeadInput {
    /// Cleans the texts (trims, removes doubles, keeps order) and checks every field by itself.
    pub fn checked(mut self) -> Result<Self, Refusal> {
        let mut refusal = Refusal::invalid(
            "invalid_fields",
            "The bead has fields that cannot be accepted.",
        );
        let mut wrong =
            |field: &str, problem: String| refusal.fields.insert(field.to_owned(), problem);
        if let Some(title) = &mut self.title {
            *title = title.trim().to_owned();
            let length = title.chars().count();
            if length == 0 {
                wrong("title", "must not be empty".into());
            } else if length > TITLE_LIMIT {
                wrong(
                    "title",
                    format!(
                        "must be at most {TITLE_LIMIT} characters, not {length}; put the rest into the description"
                    ),
                );
            } else if title.chars().any(char::is_control) {
                wrong(
                    "title",
                    "must be one line without control characters".into(),
                );
            }
        }
        if self
            .description
            .as_ref()
            .is_some_and(|text| text.len() > DESCRIPTION_LIMIT)
        {
            wrong(
                "description",
                format!("must be at most {} KiB", DESCRIPTION_LIMIT / 1024),
            );
        }
        if let Some(kind) = &self.kind {
            let is_word = (1..=40).contains(&kind.len())
                && kind.bytes().all(|b| {
                    b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_'
                });
            if !is_word {
                wrong("type", "must be one lower-case word of at most 40 characters, such as task, bug or feature".into());
            }
        }
        for (field, list) in [
            ("tags", &mut self.tags),
            ("blocked_by", &mut self.blocked_by),
            ("related", &mut self.related),
            ("touches", &mut self.touches),
        ] {
            let Some(list) = list else { continue };
            let mut seen = BTreeSet::new();
            list.iter_mut()
                .for_each(|text| *text = text.trim().to_owned());
            list.retain(|text| seen.insert(text.clone()));
            if list.len() > LIST_LIMIT {
                wrong(field, format!("must have at most {LIST_LIMIT} entries"));
            } else if list.iter().any(|text| {
                text.is_empty() || text.len() > 256 || text.chars().any(char::is_control)
            }) {
                wrong(field, "must have entries of 1 to 256 characters".into());
            }
        }
        if let Some(touches) = &self.touches
            && touches
                .iter()
                .any(|glob| glob.starts_with('/') || glob.split('/').any(|part| part == ".."))
        {
            wrong(
                "touches",
                "must be globs of paths inside the repository".into(),
            );
        }
        if let Some(context) = &self.context
            && (context.len() > LIST_LIMIT
                || context.iter().any(|(key, value)| {
                    key.is_empty() || key.len() > 128 || value.to_string().len() > 64 * 1024
                }))
        {
            wrong(
                "context",
                format!("must have at most {LIST_LIMIT} entries of at most 64 KiB"),
            );
        }
        if let Some(Some(minutes)) = self.estimate_minutes
            && !(1..=525_600).contains(&minutes)
        {
            wrong("estimate_minutes", "must be 1 to 525,600".into());
        }
        if self
            .close_reason
            .as_ref()
            .is_some_and(|text| text.len() > 4096)
        {
            wrong("close_reason", "must be at most 4 KiB".into());
        }
        if refusal.fields.is_empty() {
            Ok(self)
        } else {
            Err(refusal)
        }
    }

    /// The checks of [`checked`](Self::checked), and those of a new bead.
    pub fn checked_new(self) -> Result<Self, Refusal> {
        let mut input = self.checked()?;
        let mut refusal = Refusal::invalid(
            "invalid_fields",
            "The bead has fields that cannot be accepted.",
        );
        if input.title.is_none() {
            refusal = refusal.field("title", "is required");
        }
        if input
            .project_id
            .as_ref()
            .is_none_or(|id| id.trim().is_empty())
        {
            refusal = refusal.field("project_id", "is required");
        }
        if input
            .status
            .is_some_and(|status| status != BeadStatus::Open)
        {
            refusal = refusal.field("status", "must be open, or absent, for a new bead");
        }
        input.status = None;
        if refusal.fields.is_empty() {
            Ok(input)
        } else {
            Err(refusal)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<BeadInput, String> {
        serde_json::from_str::<BeadInput>(json).map_err(|error| error.to_string())
    }

    #[test]
    fn null_is_not_absent() {
        assert_eq!(parse("{}").unwrap().parent, None);
        assert_eq!(parse(r#"{"parent":null}"#).unwrap().parent, Some(None));
        assert_eq!(
            parse(r#"{"parent":"bd-1"}"#).unwrap().parent,
            Some(Some("bd-1".into()))
        );
    }

    #[test]
    fn what_serde_refuses() {
        for json in [
            r#"{"titel":"x"}"#,
            r#"{"priority":"P9"}"#,
            r#"{"priority":4}"#,
            r#"{"status":"ready"}"#,
            r#"{"title":1}"#,
            r#"{"due_at":"soon"}"#,
        ] {
            assert!(parse(json).is_err(), "{json}");
        }
        assert_eq!(
            parse(r#"{"priority":0}"#).unwrap().priority,
            Some(Priority::P0)
        );
    }

    #[test]
    fn each_wrong_field_is_named() {
        for (json, field) in [
            (r#"{"project_id":"p"}"#.to_owned(), "title"),
            (r#"{"title":"x"}"#.to_owned(), "project_id"),
            (r#"{"project_id":"p","title":"  "}"#.to_owned(), "title"),
            (
                format!(r#"{{"project_id":"p","title":"{}"}}"#, "x".repeat(10_000)),
                "title",
            ),
            (
                r#"{"project_id":"p","title":"x","type":"Big Bug"}"#.to_owned(),
                "type",
            ),
            (
                r#"{"project_id":"p","title":"x","tags":[""]}"#.to_owned(),
                "tags",
            ),
            (
                r#"{"project_id":"p","title":"x","touches":["../x"]}"#.to_owned(),
                "touches",
            ),
            (
                r#"{"project_id":"p","title":"x","status":"closed"}"#.to_owned(),
                "status",
            ),
            (
                r#"{"project_id":"p","title":"x","estimate_minutes":0}"#.to_owned(),
                "estimate_minutes",
            ),
        ] {
            let refusal = parse(&json).unwrap().checked_new().unwrap_err();
            assert!(
                refusal.fields.contains_key(field),
                "{json}: {:?}",
                refusal.fields
            );
        }
    }

    #[test]
    fn lists_lose_doubles_and_keep_order() {
        let input = parse(r#"{"tags":["b"," a","b"]}"#)
            .unwrap()
            .checked()
            .unwrap();
        assert_eq!(input.tags.unwrap(), ["b", "a"]);
    }
}
