//! From what a model answered to the actions it wants.
//!
//! Models call tools, or write one JSON action into prose, code fences and thoughts. [`parse`] copes with all of it and
//! never guesses: JSON that was cut off is an error, not half an action. [`assistant_message`] is the same reply as it
//! goes into the conversation; both give the same ids to the same calls.

mod arguments;
mod error;
mod history;
mod scan;
mod think;

use serde_json::Value;

pub use error::{ReplyError, ReplyErrorKind};
pub use history::assistant_message;

use crate::action::{Action, ActionError, Problem, from_json, names_an_action};
use crate::conversation::Reply;
use scan::Found;

/// Most actions that one reply may ask for; what is beyond gets an answer that says so.
pub const MAX_ACTIONS: usize = 16;

/// One action that the model asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The tool call that it came from, which a tool message must answer; `None` when it was written as text.
    pub call_id: Option<String>,
    /// What the model thought aloud beside it.
    pub notes: Option<String>,
    /// The action, or what is wrong with it (its `Display` is what the model should read).
    pub action: Result<Action, ActionError>,
}

/// Reads a reply. At least one call of an `Ok` holds an action; a reply without any is a [`ReplyError`], which counts
/// as a parse failure. `allowed` is the persona's list, see [`crate::action::is_allowed`].
///
/// Of a text, the first JSON object that is an action counts (or its `actions`): what a model writes after it was
/// written without knowing the result. After an invalid call, calls that conclude the work are not tried either.
pub fn parse(reply: &Reply, allowed: Option<&[String]>) -> Result<Vec<Call>, ReplyError> {
    let cut_off = reply.finish_reason == "length";
    let mut calls = if reply.tool_calls.is_empty() {
        match from_text(&reply.content, cut_off) {
            Ok(values) => values
                .iter()
                .take(MAX_ACTIONS + 1)
                .map(|value| from_value(value, allowed))
                .collect(),
            Err(kind) => return Err(ReplyError::new(kind, cut_off, Vec::new())),
        }
    } else {
        from_tool_calls(reply, allowed)
    };
    for (index, call) in calls.iter_mut().enumerate() {
        if index >= MAX_ACTIONS {
            call.action = Err(ActionError::one(
                None,
                Problem::new(
                    "too_many_actions",
                    format!(
                        "A reply may have {MAX_ACTIONS} actions; this one was not tried. Send it again."
                    ),
                ),
            ));
        }
    }
    hold_back_conclusions(&mut calls);
    if calls.iter().any(|call| call.action.is_ok()) {
        return Ok(calls);
    }
    let forbidden = calls
        .iter()
        .all(|call| matches!(&call.action, Err(error) if error.code() == "not_allowed"));
    let kind = match (calls.is_empty(), forbidden) {
        (true, _) => ReplyErrorKind::NoAction,
        (false, true) => ReplyErrorKind::NotAllowed,
        (false, false) => ReplyErrorKind::Invalid,
    };
    Err(ReplyError::new(kind, cut_off, calls))
}

/// A commit or a `done` after an invalid edit was meant for a worktree with the edit in it.
fn hold_back_conclusions(calls: &mut [Call]) {
    let mut invalid = false;
    for call in calls {
        match &call.action {
            Err(_) => invalid = true,
            Ok(action) if invalid && action.concludes() => {
                call.action = Err(ActionError::one(
                    Some(action.name()),
                    Problem::new(
                        "not_tried",
                        "Not tried, because an earlier action of this reply is invalid. Put that right first.",
                    ),
                ));
            }
            Ok(_) => {}
        }
    }
}

fn from_tool_calls(reply: &Reply, allowed: Option<&[String]>) -> Vec<Call> {
    let ids = history::call_ids(&reply.tool_calls);
    let text = think::strip(&reply.content);
    let mut said = Some(crate::prompt::cut::middle(text.trim(), 2_000).into_owned())
        .filter(|text| !text.is_empty());
    reply
        .tool_calls
        .iter()
        .zip(ids)
        .map(|(call, id)| {
            let checked = arguments::object(&call.arguments)
                .map_err(|problem| {
                    ActionError::one(crate::action::canonical_name(&call.name), problem)
                })
                .and_then(|fields| crate::action::from_call(&call.name, fields, allowed));
            let (notes, action) = split(checked);
            Call {
                call_id: Some(id),
                notes: notes.or_else(|| said.take()),
                action,
            }
        })
        .collect()
}

fn from_value(value: &Value, allowed: Option<&[String]>) -> Call {
    // {"name":"read_file","arguments":"{\"path\":…}"}: the arguments are text, as in a tool call.
    let unpacked = value.as_object().and_then(|object| {
        let key = ["arguments", "parameters", "args"]
            .into_iter()
            .find(|key| {
                object
                    .get(*key)
                    .and_then(Value::as_str)
                    .is_some_and(|text| text.trim_start().starts_with('{'))
            })?;
        let inner = arguments::object(object.get(key)?.as_str()?).ok()?;
        let mut object = object.clone();
        object.insert(key.to_owned(), Value::Object(inner));
        Some(Value::Object(object))
    });
    let (notes, action) = split(from_json(unpacked.as_ref().unwrap_or(value), allowed));
    Call {
        call_id: None,
        notes,
        action,
    }
}

fn split(
    checked: Result<crate::action::Checked, ActionError>,
) -> (Option<String>, Result<Action, ActionError>) {
    match checked {
        Ok(checked) => (checked.notes, Ok(checked.action)),
        Err(error) => (None, Err(error)),
    }
}

/// The JSON actions in a text.
fn from_text(text: &str, cut_off: bool) -> Result<Vec<Value>, ReplyErrorKind> {
    let direct = text.trim_start();
    // A tag inside the JSON itself (a file about think tags) must not be taken for a thought.
    if direct.starts_with(['{', '[', '`'])
        && let Found {
            values: Some(values),
            ..
        } = scan::actions(direct, scan::Pick::First)
    {
        return Ok(values);
    }
    let answer = think::strip(text);
    let found = scan::actions(&answer, scan::Pick::First);
    if let Some(values) = found.values {
        return Ok(values);
    }
    // A thought that was never closed and yet ends with an action: the last one is what it came to.
    if !cut_off
        && !found.broken
        && let Some(thought) = think::unclosed(text)
        && let Some(values) = scan::actions(thought, scan::Pick::Last).values
    {
        return Ok(values);
    }
    if found.broken {
        Err(ReplyErrorKind::Unparseable)
    } else {
        Err(ReplyErrorKind::NoAction)
    }
}

/// What a JSON value asks for: itself, the items of its `actions` or `tool_calls`, or its own items.
fn requested(value: Value) -> Option<Vec<Value>> {
    match value {
        Value::Object(mut object) => {
            for list in ["actions", "tool_calls"] {
                if let Some(Value::Array(items)) = object.get_mut(list) {
                    return Some(std::mem::take(items));
                }
            }
            // An object without an action's name still wants to be one, unless it is empty, as `{}` in prose is.
            (!object.is_empty()).then(|| vec![Value::Object(object)])
        }
        Value::Array(items) => {
            let actions = items
                .iter()
                .any(|item| item.as_object().is_some_and(names_an_action));
            actions.then_some(items)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
