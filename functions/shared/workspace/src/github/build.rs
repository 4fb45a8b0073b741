//! New trees.

use loom_github::{Mode, NewEntry, Repository};
use loom_platform::Platform;

use super::error::{self, Result};

/// A text of at most this many bytes goes along with the tree, which saves a request.
const INLINE: usize = 64 * 1024;
/// How much goes along with one tree, in bytes and in entries; what is more makes another tree on top of it.
const MOST_INLINE: usize = 4 * 1024 * 1024;
const MOST_ENTRIES: usize = 1000;

/// An entry with this content. A blob is made for what can't go along with the tree: large files, binary ones, and
/// empty ones, which GitHub would take for missing.
pub(super) async fn entry<P: Platform>(
    repository: &Repository<P>,
    path: String,
    mode: Mode,
    bytes: Vec<u8>,
) -> Result<NewEntry> {
    let is_small = !bytes.is_empty() && bytes.len() <= INLINE && !bytes.contains(&0);
    let bytes = match String::from_utf8(bytes) {
        Ok(text) if is_small => return Ok(NewEntry::PutText { path, mode, text }),
        Ok(text) => text.into_bytes(),
        Err(error) => error.into_bytes(),
    };
    let sha = repository
        .create_blob(&bytes)
        .await
        .map_err(error::github)?;
    Ok(NewEntry::Put { path, mode, sha })
}

/// The tree that `base` becomes with these changes.
pub(super) async fn tree<P: Platform>(
    repository: &Repository<P>,
    base: Option<&str>,
    entries: Vec<NewEntry>,
) -> Result<Option<String>> {
    let mut made = base.map(str::to_owned);
    for part in parts(entries) {
        let tree = repository
            .create_tree(made.as_deref(), &part)
            .await
            .map_err(error::github)?;
        made = Some(tree);
    }
    Ok(made)
}

fn parts(entries: Vec<NewEntry>) -> Vec<Vec<NewEntry>> {
    let mut parts: Vec<Vec<NewEntry>> = Vec::new();
    let mut inline = 0;
    for entry in entries {
        let bytes = match &entry {
            NewEntry::PutText { text, .. } => text.len(),
            _ => 0,
        };
        inline += bytes;
        match parts.last_mut() {
            Some(part) if part.len() < MOST_ENTRIES && inline <= MOST_INLINE => part.push(entry),
            _ => {
                inline = bytes;
                parts.push(vec![entry]);
            }
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_changes_are_several_trees() {
        let entry = |n: usize, bytes: usize| NewEntry::PutText {
            path: n.to_string(),
            mode: Mode::File,
            text: "x".repeat(bytes),
        };
        let sizes =
            |entries: Vec<NewEntry>| parts(entries).iter().map(Vec::len).collect::<Vec<_>>();
        assert!(sizes(Vec::new()).is_empty());
        assert_eq!(
            sizes((0..2500).map(|n| entry(n, 1)).collect()),
            [1000, 1000, 500]
        );
        assert_eq!(
            sizes((0..100).map(|n| entry(n, INLINE)).collect()),
            [64, 36]
        );
    }
}
