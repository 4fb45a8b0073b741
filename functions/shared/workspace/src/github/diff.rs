//! The difference of one file, as git prints it.

use loom_github::Mode;
use loom_platform::Platform;

use super::{
    error::Result,
    text::hunks,
    view::{File, View},
};
use crate::file::MAX_FILE;

/// A unified diff of one file with git's header lines; empty when nothing differs.
pub(super) async fn of_file<P: Platform>(
    view: &View<'_, P>,
    path: &str,
    old: Option<&File>,
    new: Option<&File>,
    context: usize,
) -> Result<String> {
    let before = content(view, path, old).await?;
    let after = content(view, path, new).await?;
    let old_mode = old.map(|file| file.mode);
    let new_mode = new.map(|file| file.mode);
    Ok(render(path, (old_mode, before), (new_mode, after), context))
}

/// Whether a diff only says that the files differ.
pub(super) fn is_opaque(diff: &str) -> bool {
    diff.lines()
        .last()
        .is_some_and(|line| line.starts_with("Binary files ") && line.ends_with(" differ"))
}

/// A side's content: what it is as text, or only that it is something else.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Content {
    Text(String),
    /// Binary, or too large to compare; told apart by where it is.
    Opaque(String),
}

async fn content<P: Platform>(
    view: &View<'_, P>,
    path: &str,
    file: Option<&File>,
) -> Result<Content> {
    let Some(file) = file else {
        return Ok(Content::Text(String::new()));
    };
    let opaque = || Content::Opaque(format!("{:?}", file.source));
    if file.mode == Mode::Submodule || file.size > MAX_FILE as u64 {
        return Ok(opaque());
    }
    let bytes = match view.bytes(path, file).await {
        Err(error) if error.code == "github_too_large" => return Ok(opaque()),
        other => other?,
    };
    if bytes.contains(&0) {
        return Ok(opaque());
    }
    Ok(String::from_utf8(bytes).map_or_else(|_| opaque(), Content::Text))
}

type Side = (Option<Mode>, Content);

fn render(path: &str, old: Side, new: Side, context: usize) -> String {
    if old == new {
        return String::new();
    }
    let mut text = format!("diff --git a/{path} b/{path}\n");
    match (old.0, new.0) {
        (None, Some(mode)) => text.push_str(&format!("new file mode {}\n", mode.digits())),
        (Some(mode), None) => text.push_str(&format!("deleted file mode {}\n", mode.digits())),
        (Some(old), Some(new)) if old != new => text.push_str(&format!(
            "old mode {}\nnew mode {}\n",
            old.digits(),
            new.digits()
        )),
        _ => {}
    }
    let name = |mode: Option<Mode>, side: char| {
        mode.map_or("/dev/null".to_owned(), |_| format!("{side}/{path}"))
    };
    let (from, to) = (name(old.0, 'a'), name(new.0, 'b'));
    match (&old.1, &new.1) {
        (Content::Text(before), Content::Text(after)) => {
            let hunks = hunks(before, after, context);
            if !hunks.is_empty() {
                text.push_str(&format!("--- {from}\n+++ {to}\n{hunks}"));
            }
        }
        _ => text.push_str(&format!("Binary files {from} and {to} differ\n")),
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Content {
        Content::Text(text.to_owned())
    }

    #[test]
    fn new_deleted_changed_and_binary_files() {
        let file = Some(Mode::File);
        assert_eq!(
            render("x", (None, text("")), (file, text("a\n")), 3),
            "diff --git a/x b/x\nnew file mode 100644\n--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+a\n"
        );
        assert_eq!(
            render("x", (file, text("")), (None, text("")), 3),
            "diff --git a/x b/x\ndeleted file mode 100644\n"
        );
        assert_eq!(
            render(
                "x",
                (file, text("a\n")),
                (Some(Mode::Executable), text("a\n")),
                3
            ),
            "diff --git a/x b/x\nold mode 100644\nnew mode 100755\n"
        );
        let opaque = |id: &str| Content::Opaque(id.to_owned());
        assert!(render("x", (file, opaque("1")), (file, opaque("2")), 3).ends_with("differ\n"));
        assert_eq!(render("x", (file, opaque("1")), (file, opaque("1")), 3), "");
    }

    #[test]
    fn added_secrets_are_found_with_file_and_line() {
        let secret = format!("token = \"{}\"\n", "a1B2".repeat(8));
        let new = format!("a\n{secret}b\n");
        let diff = render(
            "x",
            (Some(Mode::File), text("a\nb\n")),
            (Some(Mode::File), text(&new)),
            0,
        );
        let found = crate::secret::in_diff(&diff);
        assert_eq!(found.len(), 1, "{diff}");
        assert_eq!((found[0].path.as_str(), found[0].line), ("x", 2));
    }
}
