//! Operations in one line, for tests.

use crate::Operation;

/// Reads a whole file.
pub fn read(path: &str) -> Operation {
    Operation::ReadFile {
        path: path.into(),
        first_line: None,
        last_line: None,
    }
}

/// Creates or replaces a file.
pub fn write(path: &str, content: &str) -> Operation {
    Operation::WriteFile {
        path: path.into(),
        content: content.into(),
    }
}

/// Replaces a text in a file.
pub fn edit(path: &str, old: &str, new: &str) -> Operation {
    Operation::EditFile {
        path: path.into(),
        old_text: old.into(),
        new_text: new.into(),
    }
}

/// Deletes a file.
pub fn delete(path: &str) -> Operation {
    Operation::DeleteFile { path: path.into() }
}

/// Moves a file.
pub fn rename(from: &str, to: &str) -> Operation {
    Operation::MoveFile {
        from: from.into(),
        to: to.into(),
    }
}

/// Commits with this message.
pub fn commit(message: &str) -> Operation {
    Operation::Commit {
        message: message.into(),
    }
}
