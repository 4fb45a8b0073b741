//! Personas: the Markdown files that make an agent behave as a role.
//!
//! A persona lives in `personas/<namespace>/<role>/SKILL.md`: front matter between two `---` lines, then a body that
//! becomes part of the model's instructions. The older `PERSONA.md` and `AI_START_HERE.md` files are not read.

mod allowed_actions;
mod autonomy;
mod catalogue;
mod front_matter;
mod markdown;
mod name;
mod parse;

#[cfg(test)]
mod repository_tests;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::role::Role;

pub use allowed_actions::AllowedActions;
pub use autonomy::Autonomy;
pub use catalogue::load_all;
pub use parse::{MAX_BYTES, MAX_DESCRIPTION_CHARS, MAX_SPECIALTIES, MAX_SPECIALTY_CHARS, parse};

/// One persona, as its file says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Persona {
    /// The folder below `personas/`: `default/qa-engineer`, `projects/<project>/<role>/<name>`, `loom`.
    pub name: String,
    /// One or two sentences: what it is for. 1 to [`MAX_DESCRIPTION_CHARS`] characters.
    pub description: String,
    /// The role it plays; its folder's name where the file does not say.
    pub role: Role,
    /// How far it may go alone.
    pub autonomy: Autonomy,
    /// What it is good at, in a few words each; shown to people and to agents who look for help.
    pub specialties: Vec<String>,
    /// Which actions its agents may take.
    pub allowed_actions: AllowedActions,
    /// The instructions, in Markdown, without surrounding blank lines; never empty.
    pub body: String,
}

impl Persona {
    /// The name for people: the role's, or for a project's variant of a role its own name and the role's, such as
    /// `Strict (QA Engineer)`.
    pub fn display_name(&self) -> String {
        let own = self.name.rsplit('/').next().unwrap_or(&self.name);
        let role = self.role.display_name();
        if own == self.role.as_str() {
            role
        } else {
            format!("{} ({role})", crate::role::title(own))
        }
    }

    /// The path of its file, relative to the folder that holds `personas/`.
    pub fn path(&self) -> String {
        format!("personas/{}/SKILL.md", self.name)
    }
}

/// What is wrong with a persona's file. The other files still load.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
#[error("{file}:{line}: {reason}")]
pub struct PersonaError {
    /// The path as it was given.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong and what would be right, in a sentence.
    pub reason: String,
}
