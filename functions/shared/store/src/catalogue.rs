//! The personas in force: the shipped files, with the texts that replace them.

use std::collections::BTreeMap;

use loom_domain::{
    Refusal,
    action::Action,
    persona::{self, Persona, PersonaError},
    role::Role,
    time::Timestamp,
};
use loom_platform::{Files, Statements};
use serde::Serialize;

use crate::{
    StoreError,
    persona::{PersonaOverride, find as find_override, list as list_overrides},
};

/// Where the shipped personas are mounted (the manifest's `files`).
pub const DIRECTORY: &str = "/personas";

/// Where the text in force comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The file that Loom ships.
    Shipped,
    /// A text that replaces the shipped file.
    Override,
    /// A text of this Loom alone; no file of that name is shipped.
    Custom,
}

/// A persona in force.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Entry {
    /// What the text says.
    #[serde(flatten)]
    pub persona: Persona,
    /// Its name for people.
    pub display_name: String,
    /// Where the text comes from.
    pub source: Source,
    /// The whole text: front matter and body.
    pub content: String,
    /// Who wrote the text that replaces the shipped one.
    pub updated_by: Option<String>,
    /// When that was written.
    pub updated_at: Option<Timestamp>,
}

/// Every persona in force, and every text that is not right.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Catalogue {
    /// Sorted by name.
    pub personas: Vec<Entry>,
    /// One for each text that could not be read; the others are in force all the same.
    pub problems: Vec<PersonaError>,
}

/// The persona that an agent of a role has unless another is asked for.
pub fn default_name(role: &Role) -> String {
    match role.as_str() {
        // Loom's own persona stands above the namespaces.
        "loom" => "loom".to_owned(),
        role => format!("default/{role}"),
    }
}

/// Reads a persona's text as if it lay in its file.
pub fn parse(name: &str, content: &str) -> Result<Persona, PersonaError> {
    persona::parse(&path(name), content, &Action::NAMES)
}

fn path(name: &str) -> String {
    format!("{DIRECTORY}/{name}/SKILL.md")
}

/// Every persona in force. A replacing text that no longer parses is reported, and the shipped one is in force.
pub async fn all<F: Files, S: Statements>(
    files: &F,
    statements: &S,
) -> Result<Catalogue, StoreError> {
    let mut catalogue = Catalogue::default();
    let mut texts = Vec::new();
    for path in files.list(DIRECTORY).map_err(unreadable)? {
        match files.read(&path) {
            Ok(text) => texts.push((path, text)),
            Err(error) => catalogue.problems.push(PersonaError {
                file: path,
                line: 1,
                reason: error.reason,
            }),
        }
    }
    let (shipped, problems) = persona::load_all(
        texts.iter().map(|(path, text)| (path, text)),
        &Action::NAMES,
    );
    catalogue.problems.extend(problems);
    let texts: BTreeMap<String, String> = texts.into_iter().collect();
    let mut entries: BTreeMap<String, Entry> = BTreeMap::new();
    for persona in shipped {
        let content = texts.get(&path(&persona.name)).cloned().unwrap_or_default();
        entries.insert(
            persona.name.clone(),
            entry(persona, content, Source::Shipped, None),
        );
    }
    for text in list_overrides(statements).await? {
        let source = if texts.contains_key(&path(&text.name)) {
            Source::Override
        } else {
            Source::Custom
        };
        match parse(&text.name, &text.content) {
            Ok(persona) => {
                let content = text.content.clone();
                entries.insert(
                    text.name.clone(),
                    entry(persona, content, source, Some(text)),
                );
            }
            Err(problem) => catalogue.problems.push(problem),
        }
    }
    catalogue.personas = entries.into_values().collect();
    catalogue
        .problems
        .sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    Ok(catalogue)
}

/// The persona of that name, if there is one. Reads one file and one row.
///
/// Refuses with `persona_malformed` when its text cannot be read.
pub async fn find<F: Files, S: Statements>(
    files: &F,
    statements: &S,
    name: &str,
) -> Result<Option<Entry>, StoreError> {
    // A name is a path below the mounted folder, so it is held to the form of names before it is used as one.
    if !is_name(name) {
        return Ok(None);
    }
    let shipped = files.read(&path(name)).ok();
    let replaced = find_override(statements, name).await?;
    let (content, source, by) = match (shipped, replaced) {
        (None, None) => return Ok(None),
        (Some(_), Some(text)) => (text.content.clone(), Source::Override, Some(text)),
        (None, Some(text)) => (text.content.clone(), Source::Custom, Some(text)),
        (Some(text), None) => (text, Source::Shipped, None),
    };
    match parse(name, &content) {
        Ok(persona) => Ok(Some(entry(persona, content, source, by))),
        Err(problem) => Err(Refusal::conflict(
            "persona_malformed",
            format!("The text of the persona {name} is not right. {problem}. Correct it with PUT /api/v1/personas/{name}."),
        )
        .into()),
    }
}

/// Whether a text can name a persona: one to four folders of lower-case letters, digits, `-` and `_`.
pub fn is_name(name: &str) -> bool {
    let segment = |part: &str| {
        (1..=64).contains(&part.len())
            && part.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit())
            && part.bytes().all(|byte| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte)
            })
    };
    (1..=4).contains(&name.split('/').count()) && name.split('/').all(segment)
}

fn entry(persona: Persona, content: String, source: Source, by: Option<PersonaOverride>) -> Entry {
    Entry {
        display_name: persona.display_name(),
        persona,
        source,
        content,
        updated_by: by.as_ref().map(|text| text.updated_by.clone()),
        updated_at: by.map(|text| text.updated_at),
    }
}

fn unreadable(error: loom_platform::FilesError) -> StoreError {
    StoreError::Corrupt(error.to_string())
}
