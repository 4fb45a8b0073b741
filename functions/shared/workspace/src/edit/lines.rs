/// One line of a text: where it is, and what it says without its end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'t> {
    pub(super) start: usize,
    /// Past its end, line break included.
    pub(super) end: usize,
    /// Without line break.
    pub(super) text: &'t str,
}

impl<'t> Line<'t> {
    /// The text without white space at both ends.
    pub(super) fn trimmed(&self) -> &'t str {
        self.text.trim()
    }

    /// The white space it begins with; nothing for a blank line.
    pub(super) fn indent(&self) -> &'t str {
        indent_of(self.text)
    }

    pub(super) fn is_blank(&self) -> bool {
        self.trimmed().is_empty()
    }
}

/// The white space that a line begins with; nothing for a blank line.
pub(super) fn indent_of(text: &str) -> &str {
    let rest = text.trim_start();
    if rest.is_empty() {
        ""
    } else {
        text.get(..text.len() - rest.len()).unwrap_or_default()
    }
}

/// All lines of a text. A line break at its very end begins no further line.
pub(super) fn split(text: &str) -> Vec<Line<'_>> {
    let mut lines = Vec::new();
    let mut start = 0;
    for piece in text.split_inclusive('\n') {
        let bare = piece.strip_suffix('\n').unwrap_or(piece);
        let bare = bare.strip_suffix('\r').unwrap_or(bare);
        lines.push(Line {
            start,
            end: start + piece.len(),
            text: bare,
        });
        start += piece.len();
    }
    lines
}
