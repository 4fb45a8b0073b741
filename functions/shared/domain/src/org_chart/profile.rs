use serde::{Deserialize, Serialize};

use crate::Refusal;
use crate::role::{ORG_CHART, Position, Role};

/// How large a company a project starts with.
///
/// The original's `startup` is a CEO, an engineering manager and a web designer, which lacks the roles that its own
/// workflows ask for: nobody reviews, tests or says what a feature is to do. Ours has them. Whatever the profile, each
/// position that the default chart requires is filled, except a person's seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// The engineering manager, and what is required.
    Solo,
    /// Who is needed to take a feature from an idea to reviewed and tested code.
    #[default]
    Startup,
    /// Every position of the default chart that is no person's seat.
    Full,
}

impl Profile {
    /// Every profile, the smallest first.
    pub const ALL: [Self; 3] = [Self::Solo, Self::Startup, Self::Full];

    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Solo => "solo",
            Self::Startup => "startup",
            Self::Full => "full",
        }
    }

    /// Reads the word, in any case.
    ///
    /// # Errors
    /// `unknown_profile`, with the words that there are and the field `profile`.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        Self::ALL
            .into_iter()
            .find(|profile| profile.as_str().eq_ignore_ascii_case(text.trim()))
            .ok_or_else(|| {
                let shown: String = text.chars().take(80).collect();
                let problem = format!("must be solo, startup or full, not {shown:?}");
                Refusal::invalid("unknown_profile", format!("The profile {problem}."))
                    .field("profile", problem)
            })
    }

    /// The roles of its team, one agent each, in the order of the default chart.
    pub fn roles(self) -> Vec<Role> {
        ORG_CHART
            .iter()
            .filter(|position| self.has(position))
            .filter_map(|position| Role::parse(position.role).ok())
            .filter(|role| !role.is_human_seat())
            .collect()
    }

    fn has(self, position: &Position) -> bool {
        let own: &[&str] = match self {
            Self::Solo => &["engineering-manager"],
            Self::Startup => &[
                "product-manager",
                "engineering-manager",
                "qa-engineer",
                "code-reviewer",
                "web-designer",
            ],
            Self::Full => return true,
        };
        position.required || own.contains(&position.role)
    }
}

/// The roles of a team that is given one by one, each in any spelling; a role may stand there several times.
///
/// # Errors
/// `invalid_fields` with `team[<index>]`: a role that Loom does not know, or that is a person's seat.
pub fn team(given: &[String]) -> Result<Vec<Role>, Refusal> {
    let mut refusal = Refusal::invalid(
        "invalid_fields",
        "The team has roles that no agent can have.",
    );
    let mut roles = Vec::with_capacity(given.len());
    for (index, text) in given.iter().enumerate() {
        let problem = match Role::parse(text) {
            Ok(role) if role.is_human_seat() => {
                format!("{role} is a person's seat; no agent can have it")
            }
            Ok(role) => {
                roles.push(role);
                continue;
            }
            Err(unknown) => unknown.message,
        };
        refusal = refusal.field(format!("team[{index}]"), problem);
    }
    if refusal.fields.is_empty() {
        Ok(roles)
    } else {
        Err(refusal)
    }
}
