use serde::{Deserialize, Deserializer};

/// What kind of account acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize)]
pub enum ActorKind {
    /// A person.
    #[default]
    User,
    /// A GitHub App or another program.
    Bot,
    /// An organisation.
    Organization,
    /// Anything else (`Mannequin`, …).
    #[serde(other)]
    Other,
}

/// The account behind an issue, comment, review or pull request.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
pub struct Actor {
    /// The account's name; an App's ends in `[bot]`.
    pub login: String,
    /// What kind of account.
    #[serde(rename = "type", default)]
    pub kind: ActorKind,
}

impl Actor {
    /// Whether a program acts.
    pub fn is_bot(&self) -> bool {
        self.kind == ActorKind::Bot || self.login.ends_with("[bot]")
    }

    /// Whether it is the account named `login`: names of accounts ignore case.
    pub fn is(&self, login: &str) -> bool {
        self.login.eq_ignore_ascii_case(login)
    }
}

impl Default for Actor {
    /// GitHub shows the works of deleted accounts as those of `ghost`.
    fn default() -> Self {
        Self {
            login: String::from("ghost"),
            kind: ActorKind::User,
        }
    }
}

/// For fields that GitHub gives as `null` where a value is missing.
pub(crate) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// For dates in RFC 3339; one that is missing or unreadable is `None`.
pub(crate) fn moment<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<loom_domain::time::Timestamp>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.and_then(|text| loom_domain::time::Timestamp::parse(&text)))
}
