use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Which actions an agent of a persona may take. In JSON and front matter: the word `all`, or a list of names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum AllowedActions {
    /// Every action there is; what a file means that does not mention actions.
    #[default]
    All,
    /// These, and no other; never empty, in the file's order, each once.
    Only(Vec<String>),
}

impl AllowedActions {
    /// Whether the action of this name may be taken.
    pub fn allows(&self, action: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.iter().any(|name| name == action),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Wire {
    Word(String),
    Names(Vec<String>),
}

impl Serialize for AllowedActions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::All => serializer.serialize_str("all"),
            Self::Only(names) => names.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for AllowedActions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Wire::deserialize(deserializer)? {
            Wire::Word(word) if word == "all" => Ok(Self::All),
            Wire::Word(_) => Err(D::Error::custom(
                "expected \"all\" or a list of action names",
            )),
            Wire::Names(names) => Ok(Self::Only(names)),
        }
    }
}
