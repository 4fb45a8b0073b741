use serde::{Serialize, Serializer};

/// Who keeps a bead blocked until a person releases it, whatever its workflow, a timer or an agent would do with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeldBy {
    /// The decision with this id: it is about something dangerous, its answer was that the bead stays blocked, or nobody
    /// answered it in time.
    Decision(String),
    /// The person of this name, who set the bead's status to blocked.
    Person(String),
}

const DECISION: &str = "decision:";
const PERSON: &str = "person:";

impl HeldBy {
    /// The text in JSON and SQL: `decision:<id>` or `person:<name>`.
    pub fn to_text(&self) -> String {
        match self {
            Self::Decision(id) => format!("{DECISION}{id}"),
            Self::Person(name) => format!("{PERSON}{name}"),
        }
    }

    /// What [`to_text`](Self::to_text) wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let decision = text
            .strip_prefix(DECISION)
            .map(|id| Self::Decision(id.to_owned()));
        let person = || {
            text.strip_prefix(PERSON)
                .map(|name| Self::Person(name.to_owned()))
        };
        decision.or_else(person)
    }
}

impl Serialize for HeldBy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_it_was_written() {
        for held_by in [
            HeldBy::Decision("d-1".into()),
            HeldBy::Person("ada".into()),
            HeldBy::Person("decision:d-1".into()),
        ] {
            assert_eq!(HeldBy::parse(&held_by.to_text()), Some(held_by));
        }
        assert_eq!(HeldBy::parse("ada"), None);
    }
}
