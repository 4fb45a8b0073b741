use serde_json::{Map, Value};

use crate::{
    action::nearest,
    workflow::{Problem, lines::Marks},
    yaml::{Content, Entry, Tree, short},
};

/// The keys of one mapping, read one by one; what cannot be read is noted and counts as absent.
pub(super) struct Fields<'a> {
    /// How the messages call the mapping: `node qa_verify`.
    pub(super) what: String,
    pub(super) line: usize,
    entries: &'a [Entry],
}

impl<'a> Fields<'a> {
    /// The mapping `tree`, of which only these keys are known.
    pub(super) fn open(
        what: &str,
        tree: &'a Tree,
        known: &[&str],
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        let Content::Map(entries) = &tree.content else {
            let message = format!(
                "{what} must be a mapping with the keys {}.",
                known.join(", ")
            );
            problems.push(Problem::new(tree.line, message));
            return None;
        };
        for entry in entries {
            if !known.contains(&entry.key.as_str()) {
                let hint = match nearest(&entry.key, known.iter().copied()) {
                    Some(near) => format!("Did you mean {near}?"),
                    None => format!("The keys are {}.", known.join(", ")),
                };
                let message = format!("{what}: {} is not a known key. {hint}", short(&entry.key));
                problems.push(Problem::new(entry.line, message));
            }
        }
        Some(Self {
            what: what.to_owned(),
            line: tree.line,
            entries,
        })
    }

    /// Where everything of it is written.
    pub(super) fn marks(&self) -> Marks {
        let keys = self.entries.iter();
        Marks {
            line: self.line,
            keys: keys.map(|entry| (entry.key.clone(), entry.line)).collect(),
        }
    }

    /// The value of a key that is there and is not nothing.
    pub(super) fn find(&self, key: &str) -> Option<&'a Entry> {
        self.entries
            .iter()
            .find(|entry| entry.key == key && !entry.value.is_null())
    }

    /// Notes that a key is missing.
    pub(super) fn missing(&self, key: &str, problems: &mut Vec<Problem>) {
        let message = format!("{}: {key} is missing.", self.what);
        problems.push(Problem::new(self.line, message));
    }

    fn wrong(&self, entry: &Entry, must: &str, problems: &mut Vec<Problem>) {
        let message = format!("{}: {} must be {must}.", self.what, entry.key);
        problems.push(Problem::new(entry.line, message));
    }

    /// Any scalar as text, without white space at its ends.
    pub(super) fn text(&self, key: &str, problems: &mut Vec<Problem>) -> Option<String> {
        let entry = self.find(key)?;
        if let Content::Text { text, .. } = &entry.value.content {
            return Some(text.trim().to_owned());
        }
        self.wrong(entry, "text", problems);
        None
    }

    /// A text that must be there.
    pub(super) fn required(&self, key: &str, problems: &mut Vec<Problem>) -> Option<String> {
        match self.find(key) {
            Some(_) => self.text(key, problems),
            None => {
                self.missing(key, problems);
                None
            }
        }
    }

    /// A whole number.
    pub(super) fn number(&self, key: &str, problems: &mut Vec<Problem>) -> Option<i64> {
        let entry = self.find(key)?;
        if let Content::Text {
            text,
            is_plain: true,
        } = &entry.value.content
            && let Ok(number) = text.parse()
        {
            return Some(number);
        }
        self.wrong(entry, "a whole number, without quotes", problems);
        None
    }

    /// `true` or `false`.
    pub(super) fn truth(&self, key: &str, problems: &mut Vec<Problem>) -> Option<bool> {
        let entry = self.find(key)?;
        if let Content::Text {
            text,
            is_plain: true,
        } = &entry.value.content
            && let Ok(truth) = text.parse()
        {
            return Some(truth);
        }
        self.wrong(entry, "true or false, without quotes", problems);
        None
    }

    /// One of some words, told by what `parse` makes of them.
    pub(super) fn word<T>(
        &self,
        key: &str,
        words: &[&str],
        parse: impl Fn(&str) -> Option<T>,
        problems: &mut Vec<Problem>,
    ) -> Option<T> {
        let text = self.text(key, problems)?;
        let parsed = parse(&text);
        if parsed.is_none() {
            let hint = nearest(&text, words.iter().copied())
                .map(|near| format!(" Did you mean {near}?"))
                .unwrap_or_default();
            let message = format!(
                "{}: {key} {:?} is not one of {}.{hint}",
                self.what,
                short(&text),
                words.join(", ")
            );
            let line = self.find(key).map_or(self.line, |entry| entry.line);
            problems.push(Problem::new(line, message));
        }
        parsed
    }

    /// The items of a list.
    pub(super) fn list(&self, key: &str, problems: &mut Vec<Problem>) -> Option<&'a [Tree]> {
        let entry = self.find(key)?;
        if let Content::List(items) = &entry.value.content {
            return Some(items);
        }
        self.wrong(entry, "a list", problems);
        None
    }

    /// A list of texts.
    pub(super) fn texts(&self, key: &str, problems: &mut Vec<Problem>) -> Vec<String> {
        let mut texts = Vec::new();
        for item in self.list(key, problems).unwrap_or_default() {
            match &item.content {
                Content::Text { text, .. } if !item.is_null() => texts.push(text.trim().to_owned()),
                _ => {
                    let message = format!("{}: each item of {key} must be a word.", self.what);
                    problems.push(Problem::new(item.line, message));
                }
            }
        }
        texts
    }

    /// A mapping of free values.
    pub(super) fn free(&self, key: &str, problems: &mut Vec<Problem>) -> Map<String, Value> {
        let Some(entry) = self.find(key) else {
            return Map::new();
        };
        match entry.value.json() {
            Value::Object(map) => map,
            _ => {
                self.wrong(entry, "a mapping", problems);
                Map::new()
            }
        }
    }
}
