use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::{BeadFile, FileComment, LineError, check};
use crate::{
    time::Timestamp,
    yaml::{self, Content, Entry, Rules, Tree, short},
};

/// The largest file of a bead, in bytes.
pub const MAX_BYTES: usize = 1024 * 1024;
/// The longest comment, in bytes.
const LONGEST_COMMENT: usize = 256 * 1024;
/// Free values may nest as deep as they may in JSON (128), inside of a mapping.
const RULES: Rules = Rules {
    noun: "bead",
    depth: 132,
};
/// What the original and Loom's API call some fields.
const ALIASES: [(&str, &str); 14] = [
    ("deletedat", "deleted_at"),
    ("assignedto", "assigned_to"),
    ("blockedby", "blocked_by"),
    ("relatedto", "related"),
    ("related_to", "related"),
    ("duedate", "due_at"),
    ("due_date", "due_at"),
    ("estimatedtime", "estimate_minutes"),
    ("estimated_time", "estimate_minutes"),
    ("createdat", "created_at"),
    ("updatedat", "updated_at"),
    ("closedat", "closed_at"),
    ("createdby", "created_by"),
    ("closereason", "close_reason"),
];
/// What other things say too: the repository, and the other bead's own file.
const PASSED_OVER: [&str; 6] = [
    "projectid",
    "project_id",
    "blocks",
    "children",
    "entitymetadata",
    "entity_metadata",
];

/// Reads a bead's file.
///
/// # Errors
/// Everything that is wrong with it, with the line, in the order of the file.
pub fn read(text: &str) -> Result<BeadFile, Vec<LineError>> {
    if text.len() > MAX_BYTES {
        let message = format!(
            "the file has {} bytes; at most {MAX_BYTES} are read.",
            text.len()
        );
        return Err(vec![error(1, None, message)]);
    }
    let tree = yaml::read(text, &RULES).map_err(|mistakes| {
        let told = |mistake: yaml::Mistake| error(mistake.line, None, mistake.message);
        mistakes.into_iter().map(told).collect::<Vec<_>>()
    })?;
    let Content::Map(entries) = &tree.content else {
        let message = "a bead is a mapping: id: …, title: …".to_owned();
        return Err(vec![error(tree.line, None, message)]);
    };
    let mut reader = Reader {
        errors: Vec::new(),
        lines: HashMap::new(),
    };
    let mut file = BeadFile::new("", "");
    for entry in entries {
        reader.entry(&mut file, entry);
    }
    reader.finish(file)
}

fn error(line: usize, field: Option<&str>, message: impl Into<String>) -> LineError {
    LineError {
        line,
        field: field.map(str::to_owned),
        message: message.into(),
    }
}

struct Reader {
    errors: Vec<LineError>,
    /// Where each field stands.
    lines: HashMap<&'static str, usize>,
}

/// Every key that has a meaning.
const KEYS: [&str; 26] = [
    "id",
    "type",
    "title",
    "status",
    "priority",
    "parent",
    "tags",
    "blocked_by",
    "related",
    "touches",
    "assigned_to",
    "due_at",
    "estimate_minutes",
    "created_by",
    "created_at",
    "updated_at",
    "closed_at",
    "close_reason",
    "commit",
    "fingerprint",
    "root_id",
    "cause_depth",
    "deleted_at",
    "description",
    "context",
    "comments",
];

impl Reader {
    fn wrong(&mut self, entry: &Entry, message: impl Into<String>) {
        self.errors.push(error(
            entry.value.line.max(entry.line),
            Some(&entry.key),
            message,
        ));
    }

    fn entry(&mut self, file: &mut BeadFile, entry: &Entry) {
        let alias = ALIASES.iter().find(|(old, _)| *old == entry.key);
        let name = alias.map_or(entry.key.as_str(), |(_, name)| name);
        if PASSED_OVER.contains(&name) {
            return;
        }
        let Some(name) = KEYS.into_iter().find(|key| *key == name) else {
            file.extra.insert(entry.key.clone(), entry.value.json());
            return;
        };
        if let Some(first) = self.lines.insert(name, entry.line) {
            let message = format!("says the same as line {first}. Remove one of the two.");
            self.wrong(entry, message);
            return;
        }
        if entry.value.is_null() && name != "title" {
            return;
        }
        match name {
            "id" => set(&mut file.id, self.text(entry)),
            "type" => set(&mut file.kind, self.text(entry)),
            "title" => set(&mut file.title, self.text(entry)),
            "description" => set(&mut file.description, self.text(entry)),
            "status" => self.status(file, entry),
            "priority" => self.priority(file, entry),
            "parent" => file.parent = self.name(entry),
            "tags" => file.tags = self.texts(entry),
            "blocked_by" => file.blocked_by = self.texts(entry),
            "related" => file.related = self.texts(entry),
            "touches" => file.touches = self.texts(entry),
            "assigned_to" => file.assigned_to = self.name(entry),
            "created_by" => file.created_by = self.name(entry),
            "close_reason" => file.close_reason = self.name(entry),
            "commit" => file.commit = self.name(entry),
            "fingerprint" => file.fingerprint = self.name(entry),
            "root_id" => file.root_id = self.name(entry),
            // 0 is how the original writes none.
            "estimate_minutes" => file.estimate_minutes = self.number(entry).filter(|n| *n != 0),
            "cause_depth" => set(&mut file.cause_depth, self.number(entry)),
            "due_at" => file.due_at = self.time(entry),
            "created_at" => file.created_at = self.time(entry),
            "updated_at" => file.updated_at = self.time(entry),
            "closed_at" => file.closed_at = self.time(entry),
            "deleted_at" => file.deleted_at = self.time(entry),
            "context" => self.context(file, entry),
            "comments" => file.comments = self.comments(entry),
            _ => {}
        }
    }

    fn finish(mut self, mut file: BeadFile) -> Result<BeadFile, Vec<LineError>> {
        // A bead that was never changed after it was made often leaves this out.
        file.updated_at = file.updated_at.or(file.closed_at).or(file.created_at);
        for name in ["id", "title"] {
            if !self.lines.contains_key(name) {
                self.errors
                    .push(error(1, Some(name), format!("{name} is missing.")));
            }
        }
        if !self.errors.is_empty() {
            self.errors.sort();
            return Err(self.errors);
        }
        check::check(file).map_err(|wrong| {
            let told = wrong.iter().map(|(field, problem)| {
                let line = self.lines.get(field.as_str()).copied().unwrap_or(1);
                error(line, Some(field), problem.clone())
            });
            let mut errors: Vec<LineError> = told.collect();
            errors.sort();
            errors
        })
    }

    fn text(&mut self, entry: &Entry) -> Option<String> {
        match &entry.value.content {
            Content::Text { text, .. } if !text.contains('\0') => Some(text.clone()),
            Content::Text { .. } => {
                self.wrong(entry, "must be text without NUL");
                None
            }
            _ => {
                self.wrong(entry, "must be text, not a list or a mapping");
                None
            }
        }
    }

    /// A text that is not empty.
    fn name(&mut self, entry: &Entry) -> Option<String> {
        self.text(entry).filter(|text| !text.is_empty())
    }

    fn texts(&mut self, entry: &Entry) -> Vec<String> {
        let Content::List(items) = &entry.value.content else {
            self.wrong(entry, "must be a list");
            return Vec::new();
        };
        let mut texts = Vec::new();
        for item in items {
            match &item.content {
                Content::Text { text, .. } if !text.contains('\0') => texts.push(text.clone()),
                _ => self
                    .errors
                    .push(error(item.line, Some(&entry.key), "each must be a text")),
            }
        }
        texts
    }

    fn number(&mut self, entry: &Entry) -> Option<i64> {
        let number = entry.value.json().as_i64();
        if number.is_none() {
            self.wrong(entry, "must be a whole number, without quotes");
        }
        number
    }

    fn time(&mut self, entry: &Entry) -> Option<Timestamp> {
        let text = self.name(entry)?;
        let time = Timestamp::parse(&text);
        if time.is_none() {
            let message = format!(
                "{:?} must be RFC 3339, such as 2026-11-24T08:05:34Z",
                short(&text)
            );
            self.wrong(entry, message);
        }
        // The original writes the year 1 for none.
        time.filter(|time| time.0 >= 0)
    }

    fn status(&mut self, file: &mut BeadFile, entry: &Entry) {
        let Some(word) = self.text(entry) else { return };
        match check::status(&word) {
            Some((status, kept)) => {
                file.status = status;
                keep(&mut file.context, "bd_status", kept);
            }
            None => {
                let message = format!(
                    "{:?} is no status: use open, in_progress, blocked or closed",
                    short(&word)
                );
                self.wrong(entry, message);
            }
        }
    }

    fn priority(&mut self, file: &mut BeadFile, entry: &Entry) {
        match check::priority(&entry.value.json()) {
            Some((priority, kept)) => {
                file.priority = priority;
                keep(&mut file.context, "bd_priority", kept);
            }
            None => self.wrong(entry, "must be P0 to P3, or 0 to 4"),
        }
    }

    fn context(&mut self, file: &mut BeadFile, entry: &Entry) {
        let Value::Object(entries) = entry.value.json() else {
            self.wrong(entry, "must be a mapping");
            return;
        };
        for (key, value) in entries {
            if !value.is_null() {
                file.context.insert(key, value);
            }
        }
    }

    fn comments(&mut self, entry: &Entry) -> Vec<FileComment> {
        let Content::List(items) = &entry.value.content else {
            self.wrong(entry, "must be a list");
            return Vec::new();
        };
        let mut comments: Vec<FileComment> = Vec::new();
        for item in items {
            match comment(item) {
                Ok(comment) if comments.iter().any(|other| other.id == comment.id) => {
                    let message = format!("the id {:?} is there twice", short(&comment.id));
                    self.errors
                        .push(error(item.line, Some("comments"), message));
                }
                Ok(comment) => comments.push(comment),
                Err(message) => self
                    .errors
                    .push(error(item.line, Some("comments"), message)),
            }
        }
        comments
            .sort_by(|one, other| (one.created_at, &one.id).cmp(&(other.created_at, &other.id)));
        comments
    }
}

fn comment(item: &Tree) -> Result<FileComment, &'static str> {
    let Content::Map(entries) = &item.content else {
        return Err("each must be a mapping with id, author, created_at and text");
    };
    let find = |key: &str| {
        let entry = entries.iter().find(|entry| entry.key == key)?;
        match &entry.value.content {
            Content::Text { text, .. } if !entry.value.is_null() => Some(text.clone()),
            _ => None,
        }
    };
    let id = find("id").filter(|id| (1..=128).contains(&id.len()) && !id.contains('\0'));
    let content = find("text")
        .filter(|text| (1..=LONGEST_COMMENT).contains(&text.len()) && !text.contains('\0'));
    let created_at = find("created_at").map(|at| Timestamp::parse(&at));
    if created_at == Some(None) {
        return Err("created_at must be RFC 3339");
    }
    Ok(FileComment {
        id: id.ok_or("each must have an id of 1 to 128 bytes")?,
        author: find("author").unwrap_or_else(|| "unknown".to_owned()),
        content: content.ok_or("each must have a text of 1 byte to 256 KiB")?,
        created_at: created_at.flatten(),
    })
}

fn set<T>(target: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *target = value;
    }
}

fn keep(context: &mut BTreeMap<String, Value>, key: &str, value: Option<Value>) {
    if let Some(value) = value {
        context.insert(key.to_owned(), value);
    }
}
