mod format;
mod merging;

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Map, Value};

use super::{BeadFile, FileComment};
use crate::bead::{BeadStatus, Priority};
use crate::time::Timestamp;

/// Any text without NUL, with a liking for what readers of YAML trip over.
pub(super) fn text() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "a",
        "Fix it",
        ": ",
        " #",
        "- ",
        "\n",
        "\n\n",
        "\n  ",
        "\t",
        "\r\n",
        "'",
        "\"",
        "\\",
        "---\n",
        "...",
        "&a",
        "*a",
        "!x",
        "|",
        ">",
        "%",
        "@",
        "`",
        "{",
        "}",
        "[",
        "]",
        ",",
        "?",
        "~",
        "null",
        "true",
        "0x1f",
        "1e3",
        "2026-01-01",
        "é",
        "日本",
        "\u{85}",
        "\u{2028}",
        "\u{feff}",
        "\u{7f}",
        "\u{1}",
        "😀",
        "\u{fffe}",
        "=",
        "<<",
        " ",
        "  ",
        "yes",
        "end\n",
    ]);
    prop_oneof![
        prop::collection::vec(pieces, 0..12).prop_map(|pieces| pieces.concat()),
        any::<String>().prop_map(|text| text.replace('\0', "")),
        "[a-z ]{1,30}",
    ]
}

fn line() -> impl Strategy<Value = String> {
    text().prop_filter_map("one line", |text| {
        let line: String = text.chars().filter(|c| !c.is_control()).take(100).collect();
        let line = line.trim().to_owned();
        (!line.is_empty()).then_some(line)
    })
}

fn list() -> impl Strategy<Value = Vec<String>> {
    prop::collection::btree_set(line(), 0..4)
        .prop_map(|set| set.into_iter().filter(|text| text.len() <= 256).collect())
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(text(), inner, 0..4)
                .prop_map(|map| Value::Object(Map::from_iter(map))),
        ]
    })
    .prop_filter("a null is no value", |value| !value.is_null())
}

fn values() -> impl Strategy<Value = BTreeMap<String, Value>> {
    prop::collection::btree_map(
        line().prop_filter("a short key", |key| key.len() <= 128),
        value(),
        0..4,
    )
}

fn comment() -> impl Strategy<Value = FileComment> {
    let content = text().prop_filter("not empty", |text| !text.is_empty());
    ("[a-z0-9-]{1,36}", line(), content, 0..4_000_000_000_000i64).prop_map(
        |(id, author, content, at)| FileComment {
            id,
            author,
            content,
            created_at: Some(Timestamp(at)),
        },
    )
}

/// Any bead that a Loom may have.
pub(super) fn bead() -> impl Strategy<Value = BeadFile> {
    let words = (line(), text(), list(), list(), list());
    let facts = (
        prop::sample::select(BeadStatus::ALL.to_vec()),
        0..4i64,
        prop::option::of(line()),
        prop::option::of(1..525_600i64),
        prop::option::of(0..4_000_000_000_000i64),
        0..3i64,
    );
    let rest = (values(), prop::collection::vec(comment(), 0..3), values());
    (words, facts, rest).prop_map(
        |((title, description, tags, blocked_by, touches), facts, rest)| {
            let (status, priority, name, minutes, at, cause_depth) = facts;
            let (context, comments, extra) = rest;
            let closed = status == BeadStatus::Closed;
            let mut file = BeadFile::new("bd-1a.b_c", title);
            file.description = description;
            file.tags = tags;
            file.blocked_by = blocked_by;
            file.touches = touches
                .into_iter()
                .filter(|glob| !glob.starts_with('/') && !glob.split('/').any(|part| part == ".."))
                .collect();
            file.status = status;
            file.priority = Priority::new(priority).unwrap();
            file.parent.clone_from(&name);
            file.assigned_to.clone_from(&name);
            file.created_by.clone_from(&name);
            file.fingerprint.clone_from(&name);
            file.close_reason = name.filter(|_| closed);
            file.estimate_minutes = minutes;
            file.due_at = at.map(Timestamp);
            file.created_at = at.map(Timestamp);
            file.updated_at = at.map(Timestamp);
            file.closed_at = at.map(Timestamp).filter(|_| closed);
            file.cause_depth = cause_depth;
            file.context = context;
            file.comments = comments;
            file.comments.sort_by(|one, other| {
                (one.created_at, &one.id).cmp(&(other.created_at, &other.id))
            });
            file.comments.dedup_by(|one, other| one.id == other.id);
            let known = |key: &String| {
                let text = super::write(&BeadFile::new("bd-1", "x")).unwrap();
                super::read(&format!("{text}\"{}\": 1\n", key.escape_default()))
                    .is_ok_and(|file| file.extra.is_empty())
            };
            file.extra = extra;
            file.extra.retain(|key, _| !known(key));
            file
        },
    )
}
