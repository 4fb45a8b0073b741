//! Roles: what an agent does, what a bead or a workflow node asks for.
//!
//! There is one canonical spelling per role, and it is the only one that is stored, compared or put into JSON. Every
//! other spelling that people use is read by [`Role::parse`] or [`Role::parse_any`] and gone after that.

mod near;
mod org_chart;
mod spelling;
mod table;

#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Refusal;

pub(crate) use spelling::title;

pub use org_chart::{ORG_CHART, Position};
pub use table::{KNOWN, KnownRole};

/// A role in its canonical spelling: kebab-case, 2 to 64 characters of `a-z`, `0-9` and `-`.
///
/// Most values are one of [`KNOWN`]; a project may add roles of its own by adding a persona for them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Role(String);

impl Role {
    /// The person who owns the project. No model ever sits here.
    pub const CEO: &'static str = "ceo";
    /// Default owner of a bead that asks for nobody in particular.
    pub const ENGINEERING_MANAGER: &'static str = "engineering-manager";

    /// Reads the name of a role that Loom knows, or one of its aliases, in any case and with spaces, underscores or
    /// hyphens: `QA`, `QA Engineer`, `qa_engineer`, `default/qa-engineer`, `Engineering Manager (Default)`.
    ///
    /// `pm` is ambiguous among people; here it is the product manager, as in the org chart, and the project manager
    /// is `projm` or `pjm`. `backend-engineer`, `developer` and `coder` are the engineering manager, who is the role
    /// that writes code by default.
    ///
    /// # Errors
    /// `unknown_role`, with the nearest known names in the sentence and in `details.near`.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        known(&spelling::canonical(text)).ok_or_else(|| unknown(text))
    }

    /// Reads any role: a known one by any of its spellings, else a custom one, which must be spelled in kebab-case
    /// apart from case, spaces and underscores. For personas, which may introduce roles, and for stored values.
    ///
    /// # Errors
    /// `invalid_role` when the text cannot be spelled as 2 to 64 characters of `a-z`, `0-9` and `-`.
    pub fn parse_any(text: &str) -> Result<Self, Refusal> {
        let spelled = spelling::canonical(text);
        if let Some(role) = known(&spelled) {
            return Ok(role);
        }
        if spelling::is_canonical(&spelled) {
            return Ok(Self(spelled));
        }
        Err(Refusal::invalid(
            "invalid_role",
            format!(
                "{text:?} cannot be a role. Use 2 to 64 characters of a-z, 0-9 and -, such as \
                 \"data-engineer\"."
            ),
        )
        .field("role", "not a kebab-case name"))
    }

    /// Reads a known role or one of the project's own: `custom` are the roles that its personas introduce.
    ///
    /// # Errors
    /// `unknown_role`, as [`Role::parse`].
    pub fn parse_among(text: &str, custom: &[Role]) -> Result<Self, Refusal> {
        let spelled = spelling::canonical(text);
        known(&spelled)
            .or_else(|| custom.iter().find(|role| role.0 == spelled).cloned())
            .ok_or_else(|| unknown(text))
    }

    /// The canonical spelling.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name for people: `QA Engineer`. A custom role is its words, capitalised.
    pub fn display_name(&self) -> String {
        self.known().map_or_else(
            || spelling::title(&self.0),
            |known| known.display.to_owned(),
        )
    }

    /// The row of [`KNOWN`], if Loom knows the role.
    pub fn known(&self) -> Option<&'static KnownRole> {
        KNOWN.iter().find(|known| known.name == self.0)
    }

    /// Whether the seat belongs to a person: an agent must never be started for it, and what it is asked becomes a
    /// decision.
    pub fn is_human_seat(&self) -> bool {
        self.0 == Self::CEO
    }
}

fn known(spelled: &str) -> Option<Role> {
    KNOWN
        .iter()
        .find(|role| role.name == spelled || role.aliases.contains(&spelled))
        .map(|role| Role(role.name.to_owned()))
}

fn unknown(text: &str) -> Refusal {
    let near = near::names(&spelling::canonical(text));
    let hint = match near.as_slice() {
        [] => {
            let all: Vec<&str> = KNOWN.iter().map(|role| role.name).collect();
            format!("The roles are {}.", all.join(", "))
        }
        [one] => format!("Did you mean {one}?"),
        several => format!("Did you mean one of {}?", several.join(", ")),
    };
    let shown: String = text.chars().take(80).collect();
    Refusal::invalid(
        "unknown_role",
        format!("{shown:?} is not a role that Loom knows. {hint}"),
    )
    .field("role", "not a known role")
    .detail("near", near)
}

impl fmt::Display for Role {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl AsRef<str> for Role {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for Role {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<&str> for Role {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

/// As [`Role::parse_any`].
impl FromStr for Role {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        Self::parse_any(text)
    }
}

/// As [`Role::parse_any`].
impl TryFrom<String> for Role {
    type Error = Refusal;

    fn try_from(text: String) -> Result<Self, Refusal> {
        Self::parse_any(&text)
    }
}

impl From<Role> for String {
    fn from(role: Role) -> Self {
        role.0
    }
}
