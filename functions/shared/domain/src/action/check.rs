use serde_json::{Map, Value};

use super::near::nearest;
use super::problem::{ActionError, Problem};
use super::spec::{
    self, ARGUMENT_MAX, ARGV_MAX, CONTENT_MAX, Field, Kind, LINE_COMMENTS_MAX, PATH_MAX, Spec,
};
use super::synonyms::{NOTE_FIELDS, canonical_name, field_candidates};
use super::tools::is_allowed;
use super::{Action, argv};

/// An action that passed every check, and what the model thought aloud beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The action.
    pub action: Action,
    /// The model's notes; never more than 2,000 characters.
    pub notes: Option<String>,
}

/// Most characters of notes that are kept.
const NOTES_MAX: usize = 2_000;

/// Where the action's name may stand, in order of preference.
const NAME_FIELDS: &[&str] = &[
    "action",
    "type",
    "action_type",
    "tool",
    "tool_name",
    "name",
    "function",
];

/// Where models put the fields when they don't put them beside the name.
const NESTED_FIELDS: &[&str] = &[
    "arguments",
    "args",
    "parameters",
    "params",
    "input",
    "fields",
];

/// Reads one action from a JSON object such as `{"action":"read_file","path":"src/lib.rs"}`; the name may stand in
/// `type`, `tool` or `name`, and the fields in `arguments`. `allowed` is the persona's list, see [`is_allowed`].
pub fn from_json(value: &Value, allowed: Option<&[String]>) -> Result<Checked, ActionError> {
    let Value::Object(object) = value else {
        return Err(ActionError::one(
            None,
            Problem::new(
                "not_an_object",
                format!("An action is a JSON object, not {}.", kind_of(value)),
            ),
        ));
    };
    match wrapped(object) {
        Some((Some(name), inner)) => from_call(name, inner.clone(), allowed),
        Some((None, inner)) => from_object(inner, allowed),
        None => from_object(object, allowed),
    }
}

/// Looks through a wrapper: `{"action":{"type":…}}`, `{"function":{"name":…}}` with whatever beside it, and
/// `{"read_file":{…}}`, which gives the name too.
fn wrapped(object: &Map<String, Value>) -> Option<(Option<&str>, &Map<String, Value>)> {
    let inner = |name: &str| object.get(name).and_then(Value::as_object);
    if let Some(inner) = inner("action").or_else(|| inner("function")) {
        return Some((None, inner));
    }
    let mut fields = object.iter();
    match (fields.next(), fields.next()) {
        (Some((name, Value::Object(inner))), None) if canonical_name(name).is_some() => {
            Some((Some(name), inner))
        }
        _ => None,
    }
}

/// Whether a JSON object tries to be an action, whatever else may be wrong with it.
pub(crate) fn names_an_action(object: &Map<String, Value>) -> bool {
    object.contains_key("action")
        || wrapped(object).is_some()
        || name_of(object).is_some_and(|(_, name)| canonical_name(name).is_some())
}

fn from_object(
    object: &Map<String, Value>,
    allowed: Option<&[String]>,
) -> Result<Checked, ActionError> {
    let Some((field, name)) = name_of(object) else {
        return Err(ActionError::one(
            None,
            Problem::new(
                "missing_action",
                "The object has no `action`. Start with {\"action\":\"read_tree\",\"path\":\".\"}.",
            ),
        ));
    };
    let mut fields = object.clone();
    fields.remove(field);
    from_call(name, fields, allowed)
}

/// The name and where it stood. A field that could also be the action's own (`type` of `create_bead`) counts only when
/// its value is an action's name.
fn name_of(object: &Map<String, Value>) -> Option<(&'static str, &str)> {
    let text = |field: &'static str| {
        object
            .get(field)
            .and_then(Value::as_str)
            .map(|name| (field, name))
    };
    NAME_FIELDS
        .iter()
        .filter_map(|field| text(field))
        .find(|(field, name)| *field == "action" || canonical_name(name).is_some())
        .or_else(|| NAME_FIELDS.iter().find_map(|field| text(field)))
}

/// Reads an action from a tool call: its name, and its arguments.
pub(crate) fn from_call(
    name: &str,
    mut fields: Map<String, Value>,
    allowed: Option<&[String]>,
) -> Result<Checked, ActionError> {
    let Some(spec) = canonical_name(name).and_then(spec::find) else {
        let known = || {
            Action::NAMES
                .into_iter()
                .filter(|name| is_allowed(name, allowed))
        };
        let hint = match nearest(name, known()) {
            Some(meant) => format!("Did you mean {meant}?"),
            None => format!(
                "The actions are: {}.",
                known().collect::<Vec<_>>().join(", ")
            ),
        };
        let name = crate::prompt::cut::one_line(name, 64);
        return Err(ActionError::one(
            None,
            Problem::new(
                "unknown_action",
                format!("There is no action \"{name}\". {hint}"),
            ),
        ));
    };
    if !is_allowed(spec.name, allowed) {
        let others: Vec<_> = Action::NAMES
            .into_iter()
            .filter(|name| is_allowed(name, allowed))
            .collect();
        return Err(ActionError::one(
            Some(spec.name),
            Problem::new(
                "not_allowed",
                format!(
                    "Your role may not use it. You may use: {}.",
                    others.join(", ")
                ),
            ),
        ));
    }
    unnest(spec, &mut fields);
    if fields
        .get("action")
        .and_then(Value::as_str)
        .and_then(canonical_name)
        == Some(spec.name)
    {
        fields.remove("action");
    }
    let (mut fields, notes, mut problems) = sort_out(spec, fields);
    let mut checked = Map::new();
    for field in spec.fields {
        match fields.remove(field.name) {
            None if field.required => problems.push(missing(spec, field)),
            None => {}
            Some(value) => match check(field, value) {
                Ok(value) => drop(checked.insert(field.name.to_owned(), value)),
                Err(problem) => problems.push(problem),
            },
        }
    }
    if problems.is_empty() {
        problems.extend(check_together(spec, &mut checked));
    }
    if !problems.is_empty() {
        return Err(ActionError {
            action: Some(spec.name),
            problems,
        });
    }
    checked.insert("action".to_owned(), spec.name.into());
    match serde_json::from_value(Value::Object(checked)) {
        Ok(action) => Ok(Checked { action, notes }),
        // The table and the enum agree (there is a test), so this is for a disagreement that the test doesn't see.
        Err(error) => Err(ActionError::one(
            Some(spec.name),
            Problem::new("wrong_type", format!("{error}.")),
        )),
    }
}

/// Moves the fields of `{"arguments":{…}}` up.
fn unnest(spec: &Spec, fields: &mut Map<String, Value>) {
    for nested in NESTED_FIELDS {
        let own = spec.fields.iter().any(|field| field.name == *nested);
        if !own
            && fields.get(*nested).is_some_and(Value::is_object)
            && let Some(Value::Object(inner)) = fields.remove(*nested)
        {
            for (name, value) in inner {
                fields.entry(name).or_insert(value);
            }
        }
    }
}

/// Gives fields their canonical names, takes the notes out, leaves nulls out, and names what is unknown.
fn sort_out(
    spec: &Spec,
    fields: Map<String, Value>,
) -> (Map<String, Value>, Option<String>, Vec<Problem>) {
    let known = |name: &str| spec.fields.iter().any(|field| field.name == name);
    let (mut sorted, others): (Map<_, _>, Map<_, _>) = fields
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .partition(|(name, _)| known(name));
    let mut notes = None;
    let mut problems = Vec::new();
    for (name, value) in others {
        let target =
            field_candidates(&name).find(|meant| known(meant) && !sorted.contains_key(*meant));
        if let Some(target) = target {
            sorted.insert(target.to_owned(), value);
        } else if NOTE_FIELDS.contains(&name.as_str()) || (name == "reason" && value.is_string()) {
            if let Some(text) = value.as_str().filter(|text| !text.trim().is_empty()) {
                notes.get_or_insert_with(|| {
                    crate::prompt::cut::middle(text.trim(), NOTES_MAX).into_owned()
                });
            }
        } else {
            problems.push(unknown(spec, &name));
        }
    }
    (sorted, notes, problems)
}

fn unknown(spec: &Spec, name: &str) -> Problem {
    let hint = if spec.fields.is_empty() {
        "It has no fields.".to_owned()
    } else if let Some(meant) = nearest(name, spec.fields.iter().map(|field| field.name)) {
        format!("Did you mean `{meant}`?")
    } else {
        let names: Vec<_> = spec
            .fields
            .iter()
            .map(|field| format!("`{}`", field.name))
            .collect();
        format!("Its fields are {}.", names.join(", "))
    };
    let name = crate::prompt::cut::one_line(name, 64);
    Problem::field(
        "unknown_field",
        &name,
        format!("There is no field `{name}`. {hint}"),
    )
}

fn missing(spec: &Spec, field: &Field) -> Problem {
    Problem::field(
        "missing_field",
        field.name,
        format!(
            "`{}` is missing: {} Example: {}",
            field.name, field.help, spec.example
        ),
    )
}

fn wrong(field: &Field, wanted: &str, value: &Value) -> Problem {
    Problem::field(
        "wrong_type",
        field.name,
        format!("`{}` must be {wanted}, not {}.", field.name, kind_of(value)),
    )
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// Checks a value, and brings it into the form that serde reads.
fn check(field: &Field, value: Value) -> Result<Value, Problem> {
    match field.kind {
        Kind::Text { max } => text(field, value, max),
        Kind::Path => text(field, value, PATH_MAX),
        Kind::Content => match value {
            Value::String(text) => length(field, &text, CONTENT_MAX).map(|()| text.into()),
            other => Err(wrong(field, "a string that is the text itself", &other)),
        },
        Kind::Argv => argv_of(field, value),
        Kind::Count { min, max } => match whole_number(&value) {
            Some(number) if (min..=max).contains(&number) => Ok(number.into()),
            Some(number) => Err(Problem::field(
                "out_of_range",
                field.name,
                format!(
                    "`{}` must be from {min} to {max}, not {number}.",
                    field.name
                ),
            )),
            None => Err(wrong(field, "a whole number", &value)),
        },
        Kind::Priority => priority(&value).map(Into::into).ok_or_else(|| {
            Problem::field(
                "out_of_range",
                field.name,
                format!("`{}` must be 0, 1, 2 or 3.", field.name),
            )
        }),
        Kind::Flag => match &value {
            Value::Bool(flag) => Ok((*flag).into()),
            Value::String(word) if word == "true" || word == "false" => Ok((word == "true").into()),
            other => Err(wrong(field, "true or false", other)),
        },
        Kind::Choice(words) => {
            let word = value
                .as_str()
                .map(|word| word.trim().to_ascii_lowercase().replace(['-', ' '], "_"));
            match word.and_then(|word| words.iter().find(|known| **known == word)) {
                Some(known) => Ok((*known).into()),
                None => Err(Problem::field(
                    "unknown_choice",
                    field.name,
                    format!("`{}` must be one of {}.", field.name, words.join(", ")),
                )),
            }
        }
        Kind::List { items, max } => list(field, value, items, max),
        Kind::LineComments => line_comments(field, value),
    }
}

fn text(field: &Field, value: Value, max: usize) -> Result<Value, Problem> {
    let Value::String(text) = value else {
        return Err(wrong(field, "a string", &value));
    };
    if text.trim().is_empty() {
        return Err(empty(field));
    }
    length(field, &text, max)?;
    // A NUL ends a path for the kernel and is no text anywhere.
    if text.contains('\0') {
        return Err(Problem::field(
            "wrong_type",
            field.name,
            format!("`{}` contains a NUL.", field.name),
        ));
    }
    let text = if matches!(field.kind, Kind::Path) {
        text.trim().to_owned()
    } else {
        text
    };
    Ok(text.into())
}

fn empty(field: &Field) -> Problem {
    Problem::field(
        "empty_field",
        field.name,
        format!("`{}` is empty: {}", field.name, field.help),
    )
}

fn length(field: &Field, text: &str, max: usize) -> Result<(), Problem> {
    // Bytes bound characters, so most texts need no count.
    let long = text.len() > max && text.chars().count() > max;
    if !long {
        return Ok(());
    }
    Err(Problem::field(
        "too_long",
        field.name,
        format!(
            "`{}` has {} characters; at most {max} are allowed.",
            field.name,
            text.chars().count()
        ),
    ))
}

fn argv_of(field: &Field, value: Value) -> Result<Value, Problem> {
    let line = match &value {
        Value::String(line) => Some(line.clone()),
        // ["cargo test"] means the line; a program's name has no spaces.
        Value::Array(items) => match items.as_slice() {
            [Value::String(line)] if line.trim().contains(' ') => Some(line.clone()),
            _ => None,
        },
        _ => None,
    };
    let words = match (line, value) {
        (Some(line), _) => argv::split(&line).map_err(|error| {
            let code = if error == argv::ArgvError::Empty {
                "empty_field"
            } else {
                "no_shell"
            };
            Problem::field(code, field.name, error.to_string())
        })?,
        (None, Value::Array(items)) => items
            .into_iter()
            .map(|item| match item {
                Value::String(word) => Ok(word),
                Value::Number(number) => Ok(number.to_string()),
                other => Err(wrong(field, "an array of strings", &other)),
            })
            .collect::<Result<Vec<_>, _>>()?,
        (None, other) => return Err(wrong(field, "an array of strings", &other)),
    };
    if words
        .first()
        .is_none_or(|program| program.trim().is_empty())
    {
        return Err(empty(field));
    }
    if words.len() > ARGV_MAX {
        return Err(Problem::field(
            "too_long",
            field.name,
            format!(
                "`{}` has {} items; at most {ARGV_MAX} are allowed.",
                field.name,
                words.len()
            ),
        ));
    }
    for word in &words {
        length(field, word, ARGUMENT_MAX)?;
        if word.contains('\0') {
            return Err(Problem::field(
                "wrong_type",
                field.name,
                format!("`{}` contains a NUL.", field.name),
            ));
        }
    }
    Ok(words.into())
}

fn whole_number(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64().or_else(|| {
            let float = number.as_f64()?;
            // Some encoders write 3 as 3.0; beyond 2^53 a float is no count any more.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            (float.fract() == 0.0 && (0.0..9e15).contains(&float)).then_some(float as u64)
        }),
        Value::String(text) => text.trim().trim_start_matches('#').parse().ok(),
        _ => None,
    }
}

fn priority(value: &Value) -> Option<u64> {
    let number = match value {
        Value::String(text) => text.trim().trim_start_matches(['P', 'p']).parse().ok(),
        other => whole_number(other),
    };
    number.filter(|number| *number <= 3)
}

fn list(field: &Field, value: Value, most: usize, max: usize) -> Result<Value, Problem> {
    let items = match value {
        Value::Array(items) => items,
        Value::String(text) if text.trim().is_empty() => Vec::new(),
        Value::String(text) => vec![text.into()],
        other => return Err(wrong(field, "an array of strings", &other)),
    };
    if items.len() > most {
        return Err(Problem::field(
            "too_long",
            field.name,
            format!(
                "`{}` has {} items; at most {most} are allowed.",
                field.name,
                items.len()
            ),
        ));
    }
    items
        .into_iter()
        .map(|item| text(field, item, max))
        .collect::<Result<Vec<_>, _>>()
        .map(Value::Array)
}

fn line_comments(field: &Field, value: Value) -> Result<Value, Problem> {
    let shape = "an array of objects with path, line and body";
    let Value::Array(items) = value else {
        return Err(wrong(field, shape, &value));
    };
    if items.len() > LINE_COMMENTS_MAX {
        return Err(Problem::field(
            "too_long",
            field.name,
            format!(
                "`{}` has {} items; at most {LINE_COMMENTS_MAX} are allowed.",
                field.name,
                items.len()
            ),
        ));
    }
    items
        .into_iter()
        .map(|item| {
            let text = |name: &str| {
                item.get(name)
                    .and_then(Value::as_str)
                    .filter(|text| !text.trim().is_empty())
            };
            let line = item
                .get("line")
                .and_then(whole_number)
                .and_then(|line| u32::try_from(line).ok());
            match (text("path"), line, text("body")) {
                (Some(path), Some(line @ 1..), Some(body)) => {
                    Ok(serde_json::json!({"path": path, "line": line, "body": body}))
                }
                _ => Err(wrong(field, shape, &item)),
            }
        })
        .collect::<Result<Vec<_>, _>>()
        .map(Value::Array)
}

/// Rules about several fields.
fn check_together(spec: &Spec, fields: &mut Map<String, Value>) -> Option<Problem> {
    match spec.name {
        "read_tree" => {
            fields.entry("path").or_insert_with(|| ".".into());
            None
        }
        "read_file" => {
            let line = |name: &str| fields.get(name).and_then(Value::as_u64);
            match (line("first_line"), line("last_line")) {
                (Some(first), Some(last)) if first > last => Some(Problem::field(
                    "out_of_range",
                    "last_line",
                    format!("`last_line` ({last}) is before `first_line` ({first})."),
                )),
                _ => None,
            }
        }
        "edit_file" if fields.get("old_text") == fields.get("new_text") => Some(Problem::field(
            "nothing_to_change",
            "new_text",
            "`old_text` and `new_text` are the same, so nothing would change.",
        )),
        "move_file" if fields.get("from") == fields.get("to") => Some(Problem::field(
            "nothing_to_change",
            "to",
            "`from` and `to` are the same, so nothing would change.",
        )),
        "update_bead" if !fields.keys().any(|name| name != "bead_id") => Some(Problem::new(
            "nothing_to_change",
            "No field is given that could change.",
        )),
        _ => None,
    }
}
