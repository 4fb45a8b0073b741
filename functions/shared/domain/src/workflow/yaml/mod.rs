//! Definitions of workflows as YAML, or as JSON, which is YAML too.
//!
//! The parser of events is a crate; what they mean is decided here, because a definition is refused with every problem
//! and its line, and because the YAML crates that fill structures are larger than a whole component may be.

mod fields;
mod read;

#[cfg(test)]
mod defects;
#[cfg(test)]
mod tests;

use super::{Definition, Problem, validate};
use crate::yaml::{self, Rules};

/// The largest file, in bytes.
pub const MAX_BYTES: usize = 256 * 1024;
/// A definition nests five deep.
const RULES: Rules = Rules {
    noun: "workflow",
    depth: 16,
};
/// More problems than these are not told at once.
const MAX_PROBLEMS: usize = 50;

/// Reads a definition and judges it.
///
/// # Errors
/// Every problem with its line, in the order of the file, at most 50. Nothing surprising of YAML is accepted: anchors,
/// aliases, tags, duplicate and unknown keys and second documents are problems too.
pub fn parse(text: &str) -> Result<Definition, Vec<Problem>> {
    if text.len() > MAX_BYTES {
        let message = format!(
            "the file has {} bytes; at most {MAX_BYTES} are read.",
            text.len()
        );
        return Err(vec![Problem::new(1, message)]);
    }
    let tree = yaml::read(text, &RULES).map_err(|mistakes| {
        let problem = |mistake: yaml::Mistake| Problem::new(mistake.line, mistake.message);
        mistakes.into_iter().map(problem).collect::<Vec<_>>()
    })?;
    let mut draft = read::read(&tree)?;
    validate::fields(&draft.definition, &draft.lines, &mut draft.problems);
    if draft.is_whole {
        validate::graph(&draft.definition, &draft.lines, &mut draft.problems);
    }
    if draft.problems.is_empty() {
        return Ok(draft.definition);
    }
    draft.problems.sort();
    draft.problems.dedup();
    draft.problems.truncate(MAX_PROBLEMS);
    Err(draft.problems)
}
