use serde_json::{Map, Value, json};

use super::super::{BeadFile, FileComment};
use super::{BLOCKS, FIELDS, PARENT, RELATED, is_foreign};

/// A bead as one line, with the line's end. Fields are in the order of their names, and empty ones are left out, so
/// that the same bead is always the same bytes.
pub fn line(bead: &BeadFile) -> String {
    let mut fields = Map::new();
    let mut nested = Map::new();
    let mut context = bead.context.clone();
    let foreign = context
        .get("dependencies")
        .and_then(Value::as_array)
        .filter(|items| items.iter().all(is_foreign))
        .cloned();
    if foreign.is_some() {
        context.remove("dependencies");
    }
    for (name, value) in context {
        if FIELDS.contains(&name.as_str()) {
            nested.insert(name, value);
        } else {
            fields.insert(name, value);
        }
    }
    let mut put = |name: &str, value: Value| {
        let empty = match &value {
            Value::Null => true,
            Value::String(text) => text.is_empty(),
            Value::Array(items) => items.is_empty(),
            Value::Object(entries) => entries.is_empty(),
            _ => false,
        };
        if !empty {
            fields.insert(name.to_owned(), value);
        }
    };
    put("id", json!(bead.id));
    put("title", json!(bead.title));
    put("description", json!(bead.description));
    put("status", json!(bead.status));
    put("priority", json!(bead.priority.number()));
    put("issue_type", json!(bead.kind));
    put("created_at", json!(bead.created_at));
    put("created_by", json!(bead.created_by));
    put("updated_at", json!(bead.updated_at));
    put("closed_at", json!(bead.closed_at));
    put("close_reason", json!(bead.close_reason));
    put("labels", json!(bead.tags));
    put("assignee", json!(bead.assigned_to));
    put(
        "dependencies",
        dependencies(bead, foreign.unwrap_or_default()),
    );
    put("comments", all(bead, &bead.comments));
    put("estimated_minutes", json!(bead.estimate_minutes));
    put("due_at", json!(bead.due_at));
    put("touches", json!(bead.touches));
    put("commit", json!(bead.commit));
    put("context", Value::Object(nested));
    format!("{}\n", Value::Object(fields))
}

fn dependencies(bead: &BeadFile, foreign: Vec<Value>) -> Value {
    let link = |other: &String, kind: &str| json!({"issue_id": bead.id, "depends_on_id": other, "type": kind});
    let mut items: Vec<Value> = bead
        .blocked_by
        .iter()
        .map(|other| link(other, BLOCKS))
        .collect();
    items.extend(bead.parent.iter().map(|other| link(other, PARENT)));
    items.extend(bead.related.iter().map(|other| link(other, RELATED)));
    items.extend(foreign);
    Value::Array(items)
}

fn all(bead: &BeadFile, comments: &[FileComment]) -> Value {
    let items = comments.iter().map(|comment| {
        json!({
            "id": comment.id,
            "issue_id": bead.id,
            "author": comment.author,
            "text": comment.content,
            "created_at": comment.created_at,
        })
    });
    items.collect()
}
