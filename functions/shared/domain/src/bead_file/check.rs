use std::collections::BTreeMap;

use serde_json::Value;

use super::{BeadFile, sorted};
use crate::bead::{BeadInput, BeadStatus, MAX_CAUSE_DEPTH, Priority};

/// Whether a text may be a bead's id in a file.
pub(super) fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// Applies the rules that a bead from the API must follow too. What is wrong comes by the field's name.
pub(super) fn check(mut file: BeadFile) -> Result<BeadFile, BTreeMap<String, String>> {
    let input = BeadInput {
        kind: Some(file.kind),
        title: Some(file.title),
        description: Some(file.description),
        tags: Some(file.tags),
        blocked_by: Some(file.blocked_by),
        related: Some(file.related),
        touches: Some(file.touches),
        context: Some(file.context),
        estimate_minutes: Some(file.estimate_minutes),
        close_reason: file.close_reason,
        ..BeadInput::default()
    };
    let mut wrong = BTreeMap::new();
    if !is_id(&file.id) {
        let problem = "must be 1 to 64 letters, digits, `.`, `_` or `-`";
        wrong.insert("id".to_owned(), problem.to_owned());
    }
    if !(0..=MAX_CAUSE_DEPTH).contains(&file.cause_depth) {
        let problem = format!("must be 0 to {MAX_CAUSE_DEPTH}");
        wrong.insert("cause_depth".to_owned(), problem);
    }
    let checked = match input.checked() {
        Ok(checked) => checked,
        Err(refusal) => {
            wrong.extend(refusal.fields);
            return Err(wrong);
        }
    };
    if !wrong.is_empty() {
        return Err(wrong);
    }
    file.kind = checked.kind.unwrap_or_default();
    file.title = checked.title.unwrap_or_default();
    file.description = checked.description.unwrap_or_default();
    file.tags = checked.tags.unwrap_or_default();
    file.blocked_by = sorted(checked.blocked_by.unwrap_or_default());
    file.related = sorted(checked.related.unwrap_or_default());
    file.touches = checked.touches.unwrap_or_default();
    file.context = checked.context.unwrap_or_default();
    file.estimate_minutes = checked.estimate_minutes.flatten();
    file.close_reason = checked.close_reason;
    Ok(file)
}

/// The status that a word means, and the word when Loom has none like it.
pub(super) fn status(word: &str) -> Option<(BeadStatus, Option<Value>)> {
    match word {
        "deferred" | "pinned" | "hooked" => Some((BeadStatus::Blocked, Some(word.into()))),
        _ => BeadStatus::parse(word).map(|status| (status, None)),
    }
}

/// The priority that a number or word means, and the number when Loom has none as low.
pub(super) fn priority(value: &Value) -> Option<(Priority, Option<Value>)> {
    let number = value.as_i64();
    let lowest = Priority::new(3).unwrap_or(Priority::DEFAULT);
    let known = number
        .and_then(Priority::new)
        .or_else(|| Priority::parse(value.as_str()?));
    match (known, number) {
        (Some(priority), _) => Some((priority, None)),
        (None, Some(4)) => Some((lowest, Some(4.into()))),
        _ => None,
    }
}
