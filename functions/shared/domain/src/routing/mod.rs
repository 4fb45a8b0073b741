//! Which role a bead asks for, as far as its own text says.
//!
//! A hint of a person always wins over a guess: first the title, then the description, then the tags, and only for a
//! bead that Loom filed itself the words of its error message. Workflow nodes come before all of that and the
//! project's default after it; both are the dispatcher's business.

mod auto_bug;
mod hint;
mod text;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::role::Role;

/// A role that a bead asks for, and why Loom thinks so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WantedRole {
    /// The role. [`Role::is_human_seat`] may be true: then no agent may take the bead.
    pub role: Role,
    /// What it was read from.
    pub reason: RoutingReason,
}

/// Why a bead asks for a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum RoutingReason {
    /// Somebody wrote it.
    PersonaHint {
        /// Where.
        place: HintPlace,
        /// The words that say it, at most 80 characters.
        text: String,
    },
    /// The bead was filed automatically, and its words are those of one kind of error.
    AutoBug {
        /// The kind.
        kind: BugKind,
        /// The word or tag that gave it away.
        word: String,
    },
}

impl RoutingReason {
    /// The stable code, as in JSON.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::PersonaHint { .. } => "persona_hint",
            Self::AutoBug { .. } => "auto_bug",
        }
    }

    /// The reason as a sentence, for `why` and the event log.
    pub fn sentence(&self) -> String {
        match self {
            Self::PersonaHint { place, text } => {
                format!("The {} asks for the role: \"{text}\".", place.word())
            }
            Self::AutoBug { kind, word } => {
                format!(
                    "Filed automatically, and \"{word}\" points to a {} error.",
                    kind.word()
                )
            }
        }
    }
}

/// Which part of a bead holds a hint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HintPlace {
    /// The title.
    Title,
    /// The description.
    Description,
    /// A tag.
    Tag,
}

impl HintPlace {
    const fn word(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Description => "description",
            Self::Tag => "tag",
        }
    }
}

/// What kind of error an automatically filed bead reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BugKind {
    /// Building, packaging, deploying.
    Build,
    /// A script in the browser.
    Frontend,
    /// A crash or a compile error of the program.
    Backend,
    /// A refused or failed request.
    Api,
    /// The database.
    Database,
    /// How a page looks.
    Styling,
}

impl BugKind {
    const fn word(self) -> &'static str {
        match self {
            Self::Build => "build",
            Self::Frontend => "frontend",
            Self::Backend => "backend",
            Self::Api => "API",
            Self::Database => "database",
            Self::Styling => "styling",
        }
    }
}

/// The known role that a bead asks for, or `None` when it says nothing.
///
/// Hints are `[qa-engineer] …`, `qa-engineer: …`, `for the qa-engineer: …`, `**FOR web-designer AGENT** …`,
/// `ask the web designer to …` and the tags `persona:…` and `role:…`; any spelling that [`Role::parse`] reads. What is
/// no role is no hint: `fix: …` and `for now: …` address nobody, and neither does Loom's own name, since it is also
/// the name of a project. `auto_filed` says that Loom itself filed the bead; the text cannot claim it.
pub fn wanted_role(
    title: &str,
    description: &str,
    tags: &[String],
    auto_filed: bool,
) -> Option<WantedRole> {
    wanted_role_among(title, description, tags, auto_filed, &[])
}

/// As [`wanted_role`], for a project with roles of its own, which can be asked for like the known ones.
pub fn wanted_role_among(
    title: &str,
    description: &str,
    tags: &[String],
    auto_filed: bool,
    custom: &[Role],
) -> Option<WantedRole> {
    let hint = hint::in_text(title, HintPlace::Title, custom)
        .or_else(|| hint::in_text(description, HintPlace::Description, custom))
        .or_else(|| hint::in_tags(tags, custom));
    if hint.is_some() || !auto_filed {
        return hint;
    }
    auto_bug::route(title, description, tags)
}
