use std::{collections::BTreeMap, fmt};

use thiserror::Error;

/// Named secrets, from one variable. Their values are in no `Debug`, no error and no JSON.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secrets(BTreeMap<String, String>);

/// Why the variable cannot be read; it quotes names, never values.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SecretsError {
    /// It begins with `{` but is no JSON object of texts.
    #[error("it is no JSON object whose values are texts")]
    Json,
    /// A part is not `name=value`.
    #[error("part {0} is not name=value; parts are separated by spaces or line breaks")]
    Pair(usize),
    /// A name that no URL could refer to.
    #[error("part {0} has no good name: lower-case letters, digits, `-` and `_`, 1 to 64 of them")]
    Name(usize),
    /// A secret without a value.
    #[error("the secret {0} is empty")]
    Empty(String),
}

/// Whether `name` may name a secret: lower-case letters, digits, `-` and `_`, 1 to 64 of them.
pub(super) fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_')
        })
}

impl Secrets {
    /// Reads `{"name": "value", …}`, or `name=value` parts that are separated by spaces or line breaks. Empty is fine.
    pub fn parse(text: &str) -> Result<Self, SecretsError> {
        let text = text.trim();
        let pairs: Vec<(String, String)> = if text.starts_with('{') {
            let map: BTreeMap<String, String> =
                serde_json::from_str(text).map_err(|_| SecretsError::Json)?;
            map.into_iter().collect()
        } else {
            text.split_whitespace()
                .enumerate()
                .map(|(place, part)| {
                    part.split_once('=')
                        .map(|(name, value)| (name.to_owned(), value.to_owned()))
                        .ok_or(SecretsError::Pair(place + 1))
                })
                .collect::<Result<_, _>>()?
        };
        let mut secrets = BTreeMap::new();
        for (place, (name, value)) in pairs.into_iter().enumerate() {
            if !is_name(&name) {
                return Err(SecretsError::Name(place + 1));
            }
            if value.is_empty() {
                return Err(SecretsError::Empty(name));
            }
            secrets.insert(name, value);
        }
        Ok(Self(secrets))
    }

    /// The value of a secret.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read() {
        for text in [
            r#"{"team-slack": "https://h/x=1", "k2": "v"}"#,
            "team-slack=https://h/x=1 k2=v",
            "\n team-slack=https://h/x=1\n\tk2=v\n",
        ] {
            let secrets = Secrets::parse(text).unwrap();
            assert_eq!(secrets.get("team-slack"), Some("https://h/x=1"), "{text}");
            assert_eq!(secrets.get("k2"), Some("v"));
            assert_eq!(secrets.get("k3"), None);
        }
        assert_eq!(Secrets::parse("  ").unwrap(), Secrets::default());
    }

    #[test]
    fn what_cannot_be_read_is_named_without_its_value() {
        for text in [
            r#"{"a": 7, "b": "hush"}"#,
            "{hush}",
            "hush",
            "a=1 hush",
            "Hush=hush",
            "=hush",
        ] {
            let error = Secrets::parse(text).unwrap_err().to_string();
            assert!(!error.to_lowercase().contains("hush"), "{error}");
        }
        assert_eq!(
            Secrets::parse("a=").unwrap_err(),
            SecretsError::Empty("a".to_owned())
        );
    }

    #[test]
    fn debugging_shows_names_alone() {
        let secrets = Secrets::parse("a=hush b=hush2").unwrap();
        assert_eq!(format!("{secrets:?}"), r#"{"a", "b"}"#);
    }
}
