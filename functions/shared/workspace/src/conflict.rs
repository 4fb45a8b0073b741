//! Conflicts of a merge: what marks them in a text, and that they must be resolved before a commit.

use crate::{WorkspaceError, excerpt};

/// Whether a text still has conflict markers in it.
pub fn has_markers(text: &str) -> bool {
    text.lines().any(|line| line.starts_with("<<<<<<< "))
        && text.lines().any(|line| line.starts_with(">>>>>>> "))
}

/// Refuses a commit with `conflict_markers` where these files still have some.
pub fn refuse(marked: Vec<String>) -> Result<(), WorkspaceError> {
    if marked.is_empty() {
        return Ok(());
    }
    Err(WorkspaceError::refused(
        "conflict_markers",
        format!(
            "there are still conflict markers (<<<<<<< ======= >>>>>>>) in {}; resolve them first",
            excerpt::paths(&marked)
        ),
    )
    .with("files", marked))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_mark_a_conflict() {
        assert!(has_markers(
            "a\n<<<<<<< ours\nx\n=======\ny\n>>>>>>> theirs\n"
        ));
        assert!(!has_markers("a\n<<<<<<< only the beginning\n"));
    }
}
