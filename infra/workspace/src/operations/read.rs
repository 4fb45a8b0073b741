use loom_workspace::{Outcome, WorkspaceError, path};

use crate::journal::Answer;
use crate::space::Space;

pub(super) fn file(space: &Space, path: &str, first: Option<u32>, last: Option<u32>) -> Answer {
    let path = path::normalize_file(path)?;
    let text = space.files()?.text(&path)?;
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
    let lines = text
        .split_inclusive('\n')
        .zip(1u32..)
        .filter(|(_, n)| (first..=last).contains(n));
    let content: String = lines.map(|(line, _)| line).collect();
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

pub(super) fn instructions(space: &Space) -> Answer {
    match space.files()?.text("AGENTS.md") {
        Ok(text) => Ok(Outcome::Text {
            text,
            truncated: false,
        }),
        Err(error) if error.code == "file_not_found" => Ok(Outcome::Text {
            text: String::new(),
            truncated: false,
        }),
        Err(error) => Err(error),
    }
}
