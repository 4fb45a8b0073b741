use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::super::{BeadFile, FileComment, LineError, check};
use super::{BLOCKS, PARENT, RELATED, is_foreign};
use crate::{bead::Priority, time::Timestamp};

const LONGEST_COMMENT: usize = 64 * 1024;

/// What a line holds.
#[derive(Debug, PartialEq)]
pub enum Line {
    /// A bead.
    Bead(Box<BeadFile>),
    /// One that was deleted: its id.
    Deleted(String),
    /// Nothing.
    Empty,
}

/// Reads one line; `number` is the line's, from 1, for what is wrong with it.
///
/// # Errors
/// Everything that is wrong with the line, by field.
pub fn parse(number: usize, text: &str) -> Result<Line, Vec<LineError>> {
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return Ok(Line::Empty);
    }
    let fields = match serde_json::from_str(text) {
        Ok(Value::Object(fields)) => fields,
        Ok(_) => return Err(vec![error(number, None, "is not a JSON object".to_owned())]),
        Err(problem) => return Err(vec![error(number, None, format!("is not JSON: {problem}"))]),
    };
    Reader {
        number,
        fields,
        errors: Vec::new(),
    }
    .read()
}

fn error(line: usize, field: Option<&str>, message: String) -> LineError {
    LineError {
        line,
        field: field.map(str::to_owned),
        message,
    }
}

/// Takes fields out of a line and notes what is wrong with them.
struct Reader {
    number: usize,
    fields: Map<String, Value>,
    errors: Vec<LineError>,
}

#[derive(Default)]
struct Links {
    blocked_by: Vec<String>,
    parent: Option<String>,
    related: Vec<String>,
    foreign: Vec<Value>,
}

impl Reader {
    fn read(mut self) -> Result<Line, Vec<LineError>> {
        let id = self.text("id").unwrap_or_default();
        let mut kept = Vec::new();
        let mut file = BeadFile::new(id.clone(), self.text("title").unwrap_or_default());
        match self.text("status").as_deref() {
            None => {}
            Some("tombstone") => return Ok(Line::Deleted(id)),
            Some(word) => match check::status(word) {
                Some((status, word)) => {
                    file.status = status;
                    kept.extend(word.map(|word| ("bd_status", word)));
                }
                None => {
                    let problem =
                        format!("{word} is no status: use open, in_progress, blocked or closed");
                    self.wrong("status", problem);
                }
            },
        }
        let (priority, lower) = self.priority();
        file.priority = priority;
        kept.extend(lower.map(|number| ("bd_priority", number)));
        let links = self.links(&id);
        if !links.foreign.is_empty() {
            kept.push(("dependencies", links.foreign.into()));
        }
        file.comments = self.comments(&id);
        if let Some(kind) = self.text("issue_type") {
            file.kind = kind;
        }
        file.description = self.text("description").unwrap_or_default();
        file.parent = links.parent;
        file.tags = self.texts("labels");
        file.blocked_by = links.blocked_by;
        file.related = links.related;
        file.touches = self.texts("touches");
        file.due_at = self.time("due_at");
        file.estimate_minutes = self.minutes();
        file.assigned_to = self.text("assignee").filter(|name| !name.is_empty());
        file.close_reason = self.text("close_reason");
        file.commit = self.text("commit");
        file.created_by = self.text("created_by").filter(|name| !name.is_empty());
        file.created_at = self.time("created_at");
        file.updated_at = self.time("updated_at");
        file.closed_at = self.time("closed_at");
        // A line that was never changed after it was made often leaves this out.
        file.updated_at = file.updated_at.or(file.closed_at).or(file.created_at);
        file.context = self.context();
        let kept = kept.into_iter();
        file.context
            .extend(kept.map(|(key, value)| (key.to_owned(), value)));
        match check::check(file) {
            Ok(file) if self.errors.is_empty() => return Ok(Line::Bead(Box::new(file))),
            Ok(_) => {}
            Err(wrong) => {
                for (field, problem) in &wrong {
                    self.wrong(name_in_file(field), problem.clone());
                }
            }
        }
        Err(self.errors)
    }

    fn wrong(&mut self, field: &str, message: impl Into<String>) {
        self.errors
            .push(error(self.number, Some(field), message.into()));
    }

    /// The field, taken out; `None` when it is absent or null.
    fn take(&mut self, name: &str) -> Option<Value> {
        self.fields.remove(name).filter(|value| !value.is_null())
    }

    fn text(&mut self, name: &str) -> Option<String> {
        match self.take(name)? {
            Value::String(text) if !text.contains('\0') => Some(text),
            _ => {
                self.wrong(name, "must be text without NUL");
                None
            }
        }
    }

    fn texts(&mut self, name: &str) -> Vec<String> {
        let Some(value) = self.take(name) else {
            return Vec::new();
        };
        serde_json::from_value(value).unwrap_or_else(|_| {
            self.wrong(name, "must be a list of texts");
            Vec::new()
        })
    }

    fn time(&mut self, name: &str) -> Option<Timestamp> {
        let text = self.text(name).filter(|text| !text.is_empty())?;
        let time = Timestamp::parse(&text);
        if time.is_none() {
            self.wrong(name, "must be RFC 3339, such as 2026-11-24T08:05:34Z");
        }
        time
    }

    fn minutes(&mut self) -> Option<i64> {
        let value = self.take("estimated_minutes")?;
        let minutes = value.as_i64();
        if minutes.is_none() {
            self.wrong("estimated_minutes", "must be a whole number");
        }
        // `bd` writes 0 for none.
        minutes.filter(|minutes| *minutes != 0)
    }

    /// The priority, and the number that it had when Loom has none as low.
    fn priority(&mut self) -> (Priority, Option<Value>) {
        let Some(value) = self.take("priority") else {
            return (Priority::DEFAULT, None);
        };
        check::priority(&value).unwrap_or_else(|| {
            self.wrong("priority", "must be 0 to 4");
            (Priority::DEFAULT, None)
        })
    }

    fn links(&mut self, id: &str) -> Links {
        let mut links = Links::default();
        let items = match self.take("dependencies") {
            None => Vec::new(),
            Some(Value::Array(items)) => items,
            Some(_) => {
                self.wrong("dependencies", "must be a list");
                Vec::new()
            }
        };
        for item in items {
            let text = |name: &str| item.get(name).and_then(Value::as_str);
            let Some(other) = text("depends_on_id").filter(|other| !other.is_empty()) else {
                self.wrong("dependencies", "each must name a bead as depends_on_id");
                continue;
            };
            if text("issue_id").is_some_and(|own| own != id) {
                self.wrong(
                    "dependencies",
                    "each must have the line's own id as issue_id, or none",
                );
                continue;
            }
            let other = other.to_owned();
            match text("type").unwrap_or(BLOCKS) {
                BLOCKS => links.blocked_by.push(other),
                RELATED => links.related.push(other),
                PARENT => match &links.parent {
                    Some(first) if *first != other => {
                        let problem =
                            format!("has two parents, {first} and {other}; a bead is part of one");
                        self.wrong("dependencies", problem);
                    }
                    _ => links.parent = Some(other),
                },
                _ => links.foreign.push(item),
            }
        }
        links
    }

    fn comments(&mut self, bead_id: &str) -> Vec<FileComment> {
        let items = match self.take("comments") {
            None => Vec::new(),
            Some(Value::Array(items)) => items,
            Some(_) => {
                self.wrong("comments", "must be a list");
                Vec::new()
            }
        };
        let mut comments = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let text = |name: &str| item.get(name).and_then(Value::as_str);
            let id = match item.get("id") {
                Some(Value::String(id)) if (1..=128).contains(&id.len()) => id.clone(),
                Some(Value::Number(number)) => format!("{bead_id}#{number}"),
                _ => format!("{bead_id}#at{index}"),
            };
            let content = text("text").unwrap_or_default();
            if content.is_empty() || content.len() > LONGEST_COMMENT || content.contains('\0') {
                self.wrong("comments", "each must have a text of 1 byte to 64 KiB");
                continue;
            }
            let created_at = text("created_at").map(Timestamp::parse);
            if created_at == Some(None) {
                self.wrong("comments", "created_at must be RFC 3339");
                continue;
            }
            comments.push(FileComment {
                id,
                author: text("author").unwrap_or("unknown").to_owned(),
                content: content.to_owned(),
                created_at: created_at.flatten(),
            });
        }
        comments
    }

    /// What is left, under its own name; an object `context` gives its entries.
    fn context(&mut self) -> BTreeMap<String, Value> {
        let nested = self.take("context");
        let mut context = BTreeMap::new();
        context.extend(std::mem::take(&mut self.fields));
        match nested {
            Some(Value::Object(entries)) => context.extend(entries),
            Some(other) => {
                context.insert("context".to_owned(), other);
            }
            None => {}
        }
        context.retain(|_, value| !value.is_null());
        // Only what is written back from there may have this name.
        if let Some(Value::Array(items)) = context.get("dependencies")
            && items.iter().all(is_foreign)
        {
            self.wrong(
                "context",
                "must not have dependencies of its own; put them into dependencies",
            );
        }
        context
    }
}

/// The name in the file of a field that the rules name.
fn name_in_file(field: &str) -> &str {
    match field {
        "type" => "issue_type",
        "tags" => "labels",
        "blocked_by" | "related" => "dependencies",
        "estimate_minutes" => "estimated_minutes",
        other => other,
    }
}
