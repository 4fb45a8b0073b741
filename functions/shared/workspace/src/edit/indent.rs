use std::collections::BTreeMap;

use super::lines::{Line, indent_of};

/// How indentation in the old text became indentation in the file, learnt from the lines that were matched.
pub(super) struct Reindent {
    /// From the old text's indentation to the file's.
    pairs: BTreeMap<String, String>,
    /// Spaces per tab, when one side uses tabs and the other spaces.
    spaces_per_tab: Option<usize>,
}

impl Reindent {
    pub(super) fn learn<'l>(pairs: impl Iterator<Item = (&'l Line<'l>, &'l Line<'l>)>) -> Self {
        let mut learnt = Self {
            pairs: BTreeMap::new(),
            spaces_per_tab: None,
        };
        for (old, file) in pairs.filter(|(old, file)| !old.is_blank() && !file.is_blank()) {
            let (old, file) = (old.indent(), file.indent());
            learnt.spaces_per_tab = learnt.spaces_per_tab.or_else(|| spaces_per_tab(old, file));
            learnt
                .pairs
                .entry(old.to_owned())
                .or_insert_with(|| file.to_owned());
        }
        learnt
    }

    /// A line of the new text, indented like the file.
    pub(super) fn fit(&self, line: &str) -> String {
        let indent = indent_of(line);
        let text = line.get(indent.len()..).unwrap_or_default();
        if text.trim().is_empty() {
            return String::new();
        }
        format!("{}{text}", self.indentation(indent))
    }

    fn indentation(&self, indent: &str) -> String {
        // The deepest known indentation that this one continues.
        let known = self
            .pairs
            .iter()
            .filter(|(old, _)| indent.starts_with(old.as_str()))
            .max_by_key(|(old, _)| old.len());
        if let Some((old, file)) = known {
            let more = indent.get(old.len()..).unwrap_or_default();
            return format!("{file}{}", self.translated(more, file));
        }
        // It is shallower than every known one: take as much away from the shallowest.
        let Some((old, file)) = self.pairs.iter().min_by_key(|(old, _)| old.len()) else {
            return indent.to_owned();
        };
        let less = old.get(indent.len()..).unwrap_or_default();
        let less = self.translated(less, file).len();
        file.get(..file.len().saturating_sub(less))
            .unwrap_or_default()
            .to_owned()
    }

    /// White space in the kind that the file uses.
    fn translated(&self, space: &str, file: &str) -> String {
        let Some(width) = self.spaces_per_tab else {
            return space.to_owned();
        };
        if file.contains('\t') && space.bytes().all(|b| b == b' ') {
            "\t".repeat(space.len().div_ceil(width))
        } else if file.contains(' ') && space.bytes().all(|b| b == b'\t') {
            " ".repeat(space.len() * width)
        } else {
            space.to_owned()
        }
    }
}

fn spaces_per_tab(left: &str, right: &str) -> Option<usize> {
    let only = |text: &str, byte| !text.is_empty() && text.bytes().all(|b| b == byte);
    let (spaces, tabs) = if only(left, b' ') && only(right, b'\t') {
        (left.len(), right.len())
    } else if only(left, b'\t') && only(right, b' ') {
        (right.len(), left.len())
    } else {
        return None;
    };
    (spaces % tabs == 0).then(|| spaces / tabs)
}
