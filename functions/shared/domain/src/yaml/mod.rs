//! YAML without its surprises, for files that people write: one document, no anchors, aliases or tags, no duplicate
//! keys, a bounded depth, and the line of everything.
//!
//! The parser of events is a crate; what they mean is decided here and by the reader of each kind of file.

mod tree;

pub(crate) use tree::{Content, Entry, Tree, read};

/// What a kind of file allows.
pub(crate) struct Rules {
    /// What one file is, for messages: `workflow`.
    pub(crate) noun: &'static str,
    /// How deep lists and mappings may nest; the reader is recursive.
    pub(crate) depth: usize,
}

/// What is wrong with a file, and where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mistake {
    /// The line, from 1.
    pub(crate) line: usize,
    /// One or two sentences: what is wrong, and what to write instead.
    pub(crate) message: String,
}

/// Enough of a text to recognise it.
pub(crate) fn short(text: &str) -> String {
    let mut short: String = text.chars().take(60).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
