//! Beads as lines of JSON, in the format of the `bd` tool (`issues.jsonl`).
//!
//! | `bd` | Loom |
//! |---|---|
//! | `id`, `title`, `description`, `created_at`, `created_by`, `updated_at`, `closed_at`, `close_reason`, `due_at` | the same |
//! | `issue_type` | `type` |
//! | `status` | the same; `deferred`, `pinned` and `hooked` become blocked, with the word kept as `bd_status` in the context; a `tombstone` is passed over |
//! | `priority` 0 to 3 | P0 to P3; 4 becomes P3, with the number kept as `bd_priority` |
//! | `labels` | `tags` |
//! | `estimated_minutes` | `estimate_minutes` |
//! | `assignee` | `assigned_to` when it is the id of an agent, else kept in the context |
//! | `dependencies` of type `blocks`, `parent-child`, `related` | `blocked_by`, `parent`, `related`; others are kept in the context |
//! | `comments` | comments; an `id` that is a number becomes `<bead>#<number>` |
//! | `touches`, `commit` | the same; `bd` does not know them |
//! | any other field | the context, under its name |
//!
//! What is in the context goes back to its own name on export; where that is the name of a field, it goes into the
//! object `context`. So export, import and export again give the same bytes.

mod parse;
mod write;

pub use parse::{Line, parse};
pub use write::line;

/// The names that a line's fields have; a key of the context with such a name is written into `context`.
const FIELDS: [&str; 22] = [
    "id",
    "title",
    "description",
    "status",
    "priority",
    "issue_type",
    "created_at",
    "created_by",
    "updated_at",
    "closed_at",
    "close_reason",
    "labels",
    "assignee",
    "dependencies",
    "comments",
    "estimated_minutes",
    "due_at",
    "touches",
    "commit",
    "context",
    // What the API calls these fields, so that nobody takes one for the other.
    "type",
    "tags",
];

/// The types of dependencies that Loom knows.
const BLOCKS: &str = "blocks";
const PARENT: &str = "parent-child";
const RELATED: &str = "related";

/// A dependency of another type, which is kept as it came.
fn is_foreign(dependency: &serde_json::Value) -> bool {
    let text = |name: &str| dependency.get(name).and_then(serde_json::Value::as_str);
    let kind = text("type");
    text("depends_on_id").is_some()
        && kind.is_some_and(|kind| ![BLOCKS, PARENT, RELATED].contains(&kind))
}

#[cfg(test)]
mod tests;
