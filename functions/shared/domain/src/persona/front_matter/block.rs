use super::{Line, Node, Problem, list, scalar};

/// The entries of one mapping, in order.
#[derive(Debug)]
pub(in crate::persona) struct Block<'a> {
    entries: Vec<Entry<'a>>,
}

/// One `key: value`. The value is what follows on the line and the deeper lines below it, not yet interpreted.
#[derive(Debug)]
pub(in crate::persona) struct Entry<'a> {
    pub(in crate::persona) line: usize,
    /// As written, for messages.
    key: &'a str,
    inline: &'a str,
    below: Vec<Line<'a>>,
}

impl<'a> Block<'a> {
    /// Reads the keys of a mapping whose lines are given.
    pub(in crate::persona) fn read(lines: &[Line<'a>]) -> Result<Self, Problem> {
        let mut entries: Vec<Entry<'a>> = Vec::new();
        let level = lines
            .iter()
            .find(|line| !line.is_empty())
            .map_or(0, |line| line.indent());
        for &line in lines {
            // A list may stand as deep as its key.
            let is_item = line.trimmed() == "-" || line.trimmed().starts_with("- ");
            let belongs_above = line.is_empty()
                || line.indent() > level
                || (line.indent() == level
                    && is_item
                    && entries
                        .last()
                        .is_some_and(|entry| scalar::is_blank(entry.inline)));
            if belongs_above && let Some(entry) = entries.last_mut() {
                entry.below.push(line);
                continue;
            }
            if line.is_empty() {
                continue;
            }
            if line.text.trim_start_matches(' ').starts_with('\t') {
                return Err(Problem::new(line.number, "a tab cannot indent; use spaces"));
            }
            if line.indent() != level {
                let reason = "this line is indented less than the ones before it";
                return Err(Problem::new(line.number, reason));
            }
            let entry = Entry::start(line)?;
            if let Some(first) = entries.iter().find(|other| same_key(other.key, entry.key)) {
                let reason = format!("{} is already set on line {}", entry.key, first.line);
                return Err(Problem::new(line.number, reason));
            }
            entries.push(entry);
        }
        Ok(Self { entries })
    }

    /// The first of these keys that is there and has a value.
    pub(in crate::persona) fn find(&self, keys: &[&str]) -> Option<&Entry<'a>> {
        keys.iter()
            .filter_map(|key| self.entries.iter().find(|entry| same_key(entry.key, key)))
            .find(|entry| !entry.is_null())
    }
}

/// Hyphens and underscores are the same in a key.
fn same_key(left: &str, right: &str) -> bool {
    left.bytes()
        .map(|b| if b == b'-' { b'_' } else { b })
        .eq(right.bytes().map(|b| if b == b'-' { b'_' } else { b }))
}

impl<'a> Entry<'a> {
    fn start(line: Line<'a>) -> Result<Self, Problem> {
        let no_key = || {
            let reason = format!("expected key: value, found {:?}", short(line.trimmed()));
            Problem::new(line.number, reason)
        };
        let (key, inline) = line.trimmed().split_once(':').ok_or_else(no_key)?;
        let is_key = key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && key
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
        if !is_key {
            return Err(no_key());
        }
        if !inline.is_empty() && !inline.starts_with([' ', '\t']) {
            let reason = format!("a space is missing after \"{key}:\"");
            return Err(Problem::new(line.number, reason));
        }
        Ok(Self {
            line: line.number,
            key,
            inline: inline.trim(),
            below: Vec::new(),
        })
    }

    /// The deeper lines that are not empty.
    fn content(&self) -> impl Iterator<Item = Line<'a>> + '_ {
        self.below.iter().copied().filter(|line| !line.is_empty())
    }

    /// No value at all, or YAML's words for none.
    fn is_null(&self) -> bool {
        let written = scalar::without_comment(self.inline);
        self.content().next().is_none() && matches!(written, "" | "~" | "null")
    }

    /// Whether the value is written as text rather than as a list.
    pub(in crate::persona) fn is_text(&self) -> bool {
        !scalar::is_blank(self.inline) && !self.inline.starts_with('[')
    }

    /// The value as text: plain, quoted or a block.
    pub(in crate::persona) fn text(&self) -> Result<Node, Problem> {
        let value = if self.inline.starts_with(['|', '>']) {
            scalar::block(self.line, self.inline, &self.below)?
        } else if scalar::is_blank(self.inline) {
            let reason = format!("{} must be text; a long one starts with > or |", self.key);
            return Err(Problem::new(self.line, reason));
        } else {
            let mut value = scalar::single(self.line, self.inline)?;
            for line in self.content() {
                if self.inline.starts_with(['"', '\'']) {
                    let reason = format!("quoted text must end on its line ({})", self.key);
                    return Err(Problem::new(line.number, reason));
                }
                value.push(' ');
                value.push_str(&scalar::plain(line.number, line.trimmed())?);
            }
            value
        };
        Ok(Node {
            line: self.line,
            value,
        })
    }

    /// The value as a list of texts.
    pub(in crate::persona) fn list(&self) -> Result<Vec<Node>, Problem> {
        if self.inline.starts_with('[') {
            return list::flow(self.line, self.inline, &self.below);
        }
        if !scalar::is_blank(self.inline) {
            let reason = format!(
                "{} must be a list: [a, b], or lines that start with -",
                self.key
            );
            return Err(Problem::new(self.line, reason));
        }
        list::block(self.key, self.content())
    }

    /// The value as a mapping.
    pub(in crate::persona) fn map(&self) -> Result<Block<'a>, Problem> {
        if !scalar::is_blank(self.inline) {
            let reason = format!("{} must be a mapping: keys on the lines below it", self.key);
            return Err(Problem::new(self.line, reason));
        }
        Block::read(&self.below)
    }
}

/// Enough of a line to recognise it.
pub(super) fn short(text: &str) -> String {
    let mut short: String = text.chars().take(40).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
