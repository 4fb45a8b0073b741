use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser, ScalarStyle, StrInput};

use crate::workflow::Problem;

/// How deep lists and mappings may nest: a definition needs five, and the reader is recursive.
const MAX_DEPTH: usize = 16;

/// A value of the file, with the line on which it starts.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tree {
    pub(super) line: usize,
    pub(super) content: Content,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Content {
    /// What a plain one means (number, truth, nothing) is for the reader of the field to say.
    Text {
        text: String,
        is_plain: bool,
    },
    List(Vec<Tree>),
    Map(Vec<Entry>),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) line: usize,
    pub(super) key: String,
    pub(super) value: Tree,
}

impl Tree {
    /// Nothing is written there, or a word for nothing.
    pub(super) fn is_null(&self) -> bool {
        matches!(&self.content, Content::Text { text, is_plain: true } if matches!(text.as_str(), "" | "~" | "null"))
    }
}

/// The file cannot be read any further; the problem is noted.
struct Stop;

struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
    line: usize,
    problems: Vec<Problem>,
}

/// Reads the one document of a file, without what makes YAML surprising: anchors, aliases, tags, duplicate keys.
pub(super) fn read(text: &str) -> Result<Tree, Vec<Problem>> {
    let mut reader = Reader {
        parser: Parser::new_from_str(text),
        line: 1,
        problems: Vec::new(),
    };
    match reader.document() {
        Ok(tree) if reader.problems.is_empty() => Ok(tree),
        _ => Err(reader.problems),
    }
}

impl<'a> Reader<'a> {
    fn problem(&mut self, line: usize, message: impl Into<String>) {
        self.problems.push(Problem::new(line, message));
    }

    fn next(&mut self) -> Result<Event<'a>, Stop> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => {
                self.line = span.start.line();
                Ok(event)
            }
            Some(Err(error)) => {
                let message = format!("this is not YAML: {}.", error.info());
                self.problem(error.marker().line(), message);
                Err(Stop)
            }
            None => {
                self.problem(self.line, "the file ends too early.");
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
                    self.problem(1, "the file is empty. It must hold a workflow.");
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
                    let message =
                        "a second document starts here. One file is one workflow; remove the ---.";
                    self.problem(self.line, message);
                    return Err(Stop);
                }
            }
        }
    }

    fn value(&mut self, event: Event<'a>, depth: usize) -> Result<Tree, Stop> {
        let line = self.line;
        if depth > MAX_DEPTH {
            self.problem(
                line,
                format!("lists and mappings nest deeper than {MAX_DEPTH}."),
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
                let message =
                    "an alias (*) stands here. Write the value out: a workflow has no aliases.";
                self.problem(line, message);
                Content::List(Vec::new())
            }
            _ => {
                self.problem(line, "a value is missing here.");
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
                self.problem(key.line, "a key must be a word, not a list or a mapping.");
                continue;
            };
            if let Some(first) = lines.get(&text) {
                let message =
                    format!("{text} is already set on line {first}. Remove one of the two.");
                self.problem(key.line, message);
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
            let message = "an anchor (&) stands here. Remove it: a workflow has no anchors.";
            self.problem(self.line, message);
        }
        if is_tagged {
            let message =
                "a tag (!) stands here. Remove it: the field says which type its value has.";
            self.problem(self.line, message);
        }
    }
}
