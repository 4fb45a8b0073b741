use serde::{Deserialize, Serialize};

/// How far an agent may go without a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Autonomy {
    /// Decides everything but what is critical (P0).
    Full,
    /// Decides what is of normal or low priority (P2, P3); the default.
    #[default]
    Semi,
    /// Decides nothing; asks.
    Supervised,
}

impl Autonomy {
    /// Every level, from the freest.
    pub const ALL: [Self; 3] = [Self::Full, Self::Semi, Self::Supervised];

    /// The word in front matter and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Semi => "semi",
            Self::Supervised => "supervised",
        }
    }

    /// Reads the word; `None` for any other.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == word)
    }

    /// Whether it may take a decision of this priority (0 is P0, critical) in place of a person.
    pub const fn may_decide(self, priority: u8) -> bool {
        match self {
            Self::Full => priority >= 1,
            Self::Semi => priority >= 2,
            Self::Supervised => false,
        }
    }
}
