use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser, ScalarStyle, StrInput};
use serde_json::{Number, Value};

use super::{Mistake, Rules};

/// A value of the file, with the line on which it starts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tree {
    pub(crate) line: usize,
    pub(crate) content: Content,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Content {
    /// What a plain one means (number, truth, nothing) is for the reader of the field to say.
    Text {
        text: String,
        is_plain: bool,
    },
    List(Vec<Tree>),
    Map(Vec<Entry>),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) line: usize,
    pub(crate) key: String,
    pub(crate) value: Tree,
}

impl Tree {
    /// Nothing is written there, or a word for nothing.
    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.content, Content::Text { text, is_plain: true } if matches!(text.as_str(), "" | "~" | "null"))
    }

    /// The value as JSON, by YAML's own rules for plain words.
    pub(crate) fn json(&self) -> Value {
        match &self.content {
            _ if self.is_null() => Value::Null,
            Content::Text {
                text,
                is_plain: true,
            } => match text.as_str() {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                _ => match serde_json::from_str::<Number>(text) {
                    Ok(number) => Value::Number(number),
                    Err(_) => Value::String(text.clone()),
                },
            },
            Content::Text { text, .. } => Value::String(text.clone()),
            Content::List(items) => Value::Array(items.iter().map(Self::json).collect()),
            Content::Map(entries) => Value::Object(
                entries
                    .iter()
                    .map(|entry| (entry.key.clone(), entry.value.json()))
                    .collect(),
            ),
        }
    }
}

/// The file cannot be read any further; the problem is noted.
struct Stop;

struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
    rules: &'a Rules,
    line: usize,
    mistakes: Vec<Mistake>,
}

/// Reads the one document of a file, without what makes YAML surprising: anchors, aliases, tags, duplicate keys.
pub(crate) fn read(text: &str, rules: &Rules) -> Result<Tree, Vec<Mistake>> {
    let mut reader = Reader {
        parser: Parser::new_from_str(text),
        rules,
        line: 1,
        mistakes: Vec::new(),
    };
    match reader.document() {
        Ok(tree) if reader.mistakes.is_empty() => Ok(tree),
        _ => Err(reader.mistakes),
    }
}

impl<'a> Reader<'a> {
    fn mistake(&mut self, line: usize, message: impl Into<String>) {
        self.mistakes.push(Mistake {
            line,
            message: message.into(),
        });
    }

    fn next(&mut self) -> Result<Event<'a>, Stop> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => {
                self.line = span.start.line();
                Ok(event)
            }
            Some(Err(error)) => {
                let message = format!("this is not YAML: {}.", error.info());
                self.mistake(error.marker().line(), message);
                Err(Stop)
            }
            None => {
                self.mistake(self.line, "the file ends too early.");
                Err(Stop)
            }
        }
    }

    fn document(&mut self) -> Result<Tree, Stop> {
        loop {
            match self.next()? {
                Event::StreamStart => {}
                Event::DocumentStart(_) => break,
                _ => {
                    let message = format!("the file is empty. It must hold a {}.", self.rules.noun);
                    self.mistake(1, message);
                    return Err(Stop);
                }
            }
        }
        let event = self.next()?;
        let tree = self.value(event, 0)?;
        loop {
            match self.next()? {
                Event::DocumentEnd => {}
                Event::StreamEnd => return Ok(tree),
                _ => {
                    let message = format!(
                        "a second document starts here. One file is one {}; remove the ---.",
                        self.rules.noun
                    );
                    self.mistake(self.line, message);
                    return Err(Stop);
                }
            }
        }
    }

    fn value(&mut self, event: Event<'a>, depth: usize) -> Result<Tree, Stop> {
        let line = self.line;
        if depth > self.rules.depth {
            self.mistake(
                line,
                format!("lists and mappings nest deeper than {}.", self.rules.depth),
            );
            return Err(Stop);
        }
        let content = match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_extras(anchor, tag.is_some());
                Content::Text {
                    text: text.into_owned(),
                    is_plain: style == ScalarStyle::Plain,
                }
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse_extras(anchor, tag.is_some());
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        Event::SequenceEnd => break,
                        event => items.push(self.value(event, depth + 1)?),
                    }
                }
                Content::List(items)
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_extras(anchor, tag.is_some());
                Content::Map(self.map(depth)?)
            }
            Event::Alias(_) => {
                let message = format!(
                    "an alias (*) stands here. Write the value out: a {} has no aliases.",
                    self.rules.noun
                );
                self.mistake(line, message);
                Content::List(Vec::new())
            }
            _ => {
                self.mistake(line, "a value is missing here.");
                return Err(Stop);
            }
        };
        Ok(Tree { line, content })
    }

    fn map(&mut self, depth: usize) -> Result<Vec<Entry>, Stop> {
        let mut entries = Vec::new();
        let mut lines: BTreeMap<String, usize> = BTreeMap::new();
        loop {
            let event = self.next()?;
            if event == Event::MappingEnd {
                return Ok(entries);
            }
            let key = self.value(event, depth + 1)?;
            let event = self.next()?;
            let value = self.value(event, depth + 1)?;
            let Content::Text { text, .. } = key.content else {
                self.mistake(key.line, "a key must be a word, not a list or a mapping.");
                continue;
            };
            if let Some(first) = lines.get(&text) {
                let message =
                    format!("{text} is already set on line {first}. Remove one of the two.");
                self.mistake(key.line, message);
                continue;
            }
            lines.insert(text.clone(), key.line);
            entries.push(Entry {
                line: key.line,
                key: text,
                value,
            });
        }
    }

    fn refuse_extras(&mut self, anchor: usize, is_tagged: bool) {
        if anchor != 0 {
            let message = format!(
                "an anchor (&) stands here. Remove it: a {} has no anchors.",
                self.rules.noun
            );
            self.mistake(self.line, message);
        }
        if is_tagged {
            let message =
                "a tag (!) stands here. Remove it: the field says which type its value has.";
            self.mistake(self.line, message);
        }
    }
}
