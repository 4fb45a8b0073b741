//! What of a file is read and written at once, and why a path is refused that names no such file.

use crate::{Outcome, WorkspaceError};

/// The largest file that is read or written, in bytes.
pub const MAX_FILE: usize = 1024 * 1024;

/// The lines of a text from `first` to `last`, both from 1 and both included; by default all.
///
/// Refuses with `no_such_lines` where the text has none of them. An empty text has the lines 0 to 0.
pub fn lines(
    path: String,
    text: &str,
    first: Option<u32>,
    last: Option<u32>,
) -> Result<Outcome, WorkspaceError> {
    let total = u32::try_from(text.split_inclusive('\n').count()).unwrap_or(u32::MAX);
    let first = first.unwrap_or(1).max(1);
    let last = last.unwrap_or(total).min(total);
    if first > total.max(1) || (last < first && total > 0) {
        return Err(WorkspaceError::refused(
            "no_such_lines",
            format!("{path} has {total} lines, so there are none from {first} to {last}"),
        )
        .with("total_lines", total));
    }
    let content: String = text
        .split_inclusive('\n')
        .zip(1u32..)
        .filter(|(_, number)| (first..=last).contains(number))
        .map(|(line, _)| line)
        .collect();
    let (first_line, last_line) = if total == 0 { (0, 0) } else { (first, last) };
    Ok(Outcome::File {
        path,
        content,
        first_line,
        last_line,
        total_lines: total,
        truncated: last < total,
    })
}

/// `file_not_found`: there is nothing at the path.
pub fn missing(path: &str) -> WorkspaceError {
    refused(
        "file_not_found",
        path,
        format!("there is no file {path}; list the tree to see what there is"),
    )
}

/// `file_not_found`: the path leads through a file.
pub fn below_a_file(path: &str) -> WorkspaceError {
    refused(
        "file_not_found",
        path,
        format!(
            "a part of {path} is a file and not a directory; list the tree to see what there is"
        ),
    )
}

/// `file_exists`: a file can't be moved to the path, because something is there.
pub fn exists(path: &str) -> WorkspaceError {
    refused(
        "file_exists",
        path,
        format!("there is already something at {path}; delete it first, or choose another name"),
    )
}

/// `not_a_file`: a directory or something else is there.
pub fn not_a_file(path: &str) -> WorkspaceError {
    refused("not_a_file", path, format!("{path} is not a regular file"))
}

/// `path_outside_workspace`: a symbolic link stands in the way.
pub fn link(path: &str) -> WorkspaceError {
    refused(
        "path_outside_workspace",
        path,
        format!(
            "{path} is a symbolic link or leads through one, and links are not followed here; name the file itself"
        ),
    )
}

/// `path_outside_workspace`: a symbolic link was followed and leads out.
pub fn leads_out(path: &str) -> WorkspaceError {
    refused(
        "path_outside_workspace",
        path,
        format!("{path} leads out of the workspace through a symbolic link"),
    )
}

/// `file_too_large`: it has more than [`MAX_FILE`] bytes.
pub fn too_large(path: &str) -> WorkspaceError {
    refused(
        "file_too_large",
        path,
        format!("{path} is larger than {MAX_FILE} bytes, the most that is read or written at once"),
    )
}

/// `file_not_text`: it is not UTF-8.
pub fn not_text(path: &str) -> WorkspaceError {
    refused(
        "file_not_text",
        path,
        format!("{path} is not UTF-8 text, so it can't be shown or edited"),
    )
}

fn refused(code: &str, path: &str, message: String) -> WorkspaceError {
    WorkspaceError::refused(code, message).with("path", path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, first: Option<u32>, last: Option<u32>) -> (String, u32, u32, bool) {
        match lines("f".to_owned(), text, first, last).unwrap() {
            Outcome::File {
                content,
                first_line,
                last_line,
                truncated,
                ..
            } => (content, first_line, last_line, truncated),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn lines_are_counted_from_one_and_the_last_is_included() {
        assert_eq!(
            shown("a\nb\nc", None, None),
            ("a\nb\nc".into(), 1, 3, false)
        );
        assert_eq!(
            shown("a\nb\nc", Some(2), Some(2)),
            ("b\n".into(), 2, 2, true)
        );
        assert_eq!(
            shown("a\nb\n", Some(0), Some(9)),
            ("a\nb\n".into(), 1, 2, false)
        );
        assert_eq!(shown("", None, None), (String::new(), 0, 0, false));
    }

    #[test]
    fn lines_that_are_not_there_are_refused() {
        for (text, first, last) in [
            ("a\n", Some(2), None),
            ("a\nb\n", Some(2), Some(1)),
            ("", Some(2), None),
        ] {
            let error = lines("f".to_owned(), text, first, last).unwrap_err();
            assert_eq!(error.code, "no_such_lines", "{text:?} {first:?}");
        }
    }
}
