use std::fmt::Write as _;

use super::{AllowedActions, Persona};

impl Persona {
    /// The persona as the text of a `SKILL.md`; [`super::parse`] with [`Persona::path`] reads it back to an equal
    /// value.
    pub fn to_markdown(&self) -> String {
        let mut text = String::with_capacity(self.body.len() + 1024);
        text.push_str("---\n");
        let name = self.name.rsplit('/').next().unwrap_or(&self.name);
        line(&mut text, "name", name);
        line(&mut text, "description", &self.description);
        line(&mut text, "role", self.role.as_str());
        line(&mut text, "autonomy_level", self.autonomy.as_str());
        list(&mut text, "specialties", &self.specialties);
        match &self.allowed_actions {
            AllowedActions::All => line(&mut text, "allowed_actions", "all"),
            AllowedActions::Only(names) => list(&mut text, "allowed_actions", names),
        }
        text.push_str("---\n\n");
        text.push_str(&self.body);
        text.push('\n');
        text
    }
}

fn line(text: &mut String, key: &str, value: &str) {
    text.push_str(key);
    text.push_str(": ");
    scalar(text, value);
    text.push('\n');
}

fn list(text: &mut String, key: &str, items: &[String]) {
    text.push_str(key);
    if items.is_empty() {
        text.push_str(": []\n");
        return;
    }
    text.push_str(":\n");
    for item in items {
        text.push_str("  - ");
        scalar(text, item);
        text.push('\n');
    }
}

/// Plain where no reader of YAML can take it for anything else, double-quoted otherwise.
fn scalar(text: &mut String, value: &str) {
    if is_plain(value) {
        text.push_str(value);
        return;
    }
    text.push('"');
    for character in value.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\t' => text.push_str("\\t"),
            '\r' => text.push_str("\\r"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                // Writing to a String cannot fail.
                let _ = write!(text, "\\u{:04x}", u32::from(c));
            }
            c => text.push(c),
        }
    }
    text.push('"');
}

/// Begins with a letter, consists of letters, digits and harmless punctuation, and is not a word that YAML types.
fn is_plain(value: &str) -> bool {
    const TYPED: [&str; 7] = ["null", "true", "false", "yes", "no", "on", "off"];
    value.starts_with(|c: char| c.is_ascii_alphabetic())
        && !value.ends_with([' ', ':'])
        && !value.contains(": ")
        && value
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || " -_/.,;:()'+".contains(c))
        && !TYPED.contains(&value.to_ascii_lowercase().as_str())
}
