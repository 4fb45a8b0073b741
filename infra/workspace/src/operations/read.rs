use loom_workspace::{Outcome, file, path};

use crate::journal::Answer;
use crate::space::Space;

pub(super) fn lines(space: &Space, path: &str, first: Option<u32>, last: Option<u32>) -> Answer {
    let path = path::normalize_file(path)?;
    let text = space.files()?.text(&path)?;
    file::lines(path, &text, first, last)
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
