use std::collections::BTreeMap;

use serde_json::Value;

use super::{BeadFile, FileComment, MAX_BYTES, scalar};
use crate::{Refusal, bead::BeadStatus, time::Timestamp};

/// The text of a bead's file: the same bead is always the same text. Where it would grow beyond [`MAX_BYTES`], the
/// oldest comments are left out.
///
/// # Errors
/// `bead_too_large` when it is too large even without comments.
pub fn write(file: &BeadFile) -> Result<String, Refusal> {
    let mut out = String::with_capacity(512 + file.description.len());
    head(&mut out, file);
    if !file.context.is_empty() {
        out.push_str("context:\n");
        free(&mut out, &file.context, 2);
    }
    let mut tail = String::new();
    free(&mut tail, &file.extra, 0);
    let mut left = MAX_BYTES.saturating_sub(out.len() + tail.len() + "comments:\n".len());
    if out.len() + tail.len() > MAX_BYTES {
        let message = format!(
            "Bead {} has more than {MAX_BYTES} bytes in a file, so it is not synced. Shorten its context or \
             description.",
            file.id
        );
        return Err(Refusal::invalid("bead_too_large", message));
    }
    let mut comments: Vec<String> = Vec::new();
    for comment in file.comments.iter().rev() {
        let text = one_comment(comment);
        let Some(rest) = left.checked_sub(text.len()) else {
            break;
        };
        left = rest;
        comments.push(text);
    }
    if !comments.is_empty() {
        out.push_str("comments:\n");
        out.extend(comments.into_iter().rev());
    }
    out.push_str(&tail);
    Ok(out)
}

fn head(out: &mut String, file: &BeadFile) {
    put(out, "id", &file.id);
    put(out, "type", &file.kind);
    put(out, "title", &file.title);
    put(out, "status", file.status.as_str());
    put(out, "priority", &file.priority.to_string());
    optional(out, "parent", file.parent.as_ref());
    list(out, "tags", &file.tags);
    list(out, "blocked_by", &file.blocked_by);
    list(out, "related", &file.related);
    list(out, "touches", &file.touches);
    optional(out, "assigned_to", file.assigned_to.as_ref());
    time(out, "due_at", file.due_at);
    if let Some(minutes) = file.estimate_minutes {
        out.push_str(&format!("estimate_minutes: {minutes}\n"));
    }
    optional(out, "created_by", file.created_by.as_ref());
    time(out, "created_at", file.created_at);
    time(out, "updated_at", file.updated_at);
    if file.status == BeadStatus::Closed {
        time(out, "closed_at", file.closed_at);
        optional(out, "close_reason", file.close_reason.as_ref());
    }
    optional(out, "commit", file.commit.as_ref());
    optional(out, "fingerprint", file.fingerprint.as_ref());
    optional(out, "root_id", file.root_id.as_ref());
    if file.cause_depth != 0 {
        out.push_str(&format!("cause_depth: {}\n", file.cause_depth));
    }
    time(out, "deleted_at", file.deleted_at);
    if !file.description.is_empty() {
        put(out, "description", &file.description);
    }
}

fn put(out: &mut String, name: &str, text: &str) {
    out.push_str(name);
    out.push(':');
    scalar::text(out, text, 0);
}

fn optional(out: &mut String, name: &str, text: Option<&String>) {
    if let Some(text) = text {
        put(out, name, text);
    }
}

fn time(out: &mut String, name: &str, time: Option<Timestamp>) {
    if let Some(time) = time {
        out.push_str(&format!("{name}: {}\n", time.to_rfc3339()));
    }
}

fn list(out: &mut String, name: &str, items: &[String]) {
    if items.is_empty() {
        return;
    }
    out.push_str(&format!("{name}:\n"));
    for item in items {
        out.push_str("  -");
        scalar::text(out, item, 2);
    }
}

/// A mapping of free values: texts as everywhere, anything else on one line.
fn free(out: &mut String, entries: &BTreeMap<String, Value>, indent: usize) {
    for (name, value) in entries {
        out.extend(std::iter::repeat_n(' ', indent));
        scalar::key(out, name, indent);
        match value {
            Value::String(text) => scalar::text(out, text, indent),
            other => {
                out.push(' ');
                scalar::flow(out, other);
                out.push('\n');
            }
        }
    }
}

fn one_comment(comment: &FileComment) -> String {
    let mut out = String::from("  - id:");
    scalar::text(&mut out, &comment.id, 4);
    out.push_str("    author:");
    scalar::text(&mut out, &comment.author, 4);
    if let Some(at) = comment.created_at {
        out.push_str(&format!("    created_at: {}\n", at.to_rfc3339()));
    }
    out.push_str("    text:");
    scalar::text(&mut out, &comment.content, 4);
    out
}
