use super::front_matter::{self, Block, Node, Problem};
use super::{AllowedActions, Autonomy, Persona, PersonaError, name};
use crate::role::Role;

/// The largest file that is read, in bytes: a persona is part of every prompt of its agents.
pub const MAX_BYTES: usize = 64 * 1024;
/// The longest description, in characters.
pub const MAX_DESCRIPTION_CHARS: usize = 1024;
/// The most specialties of one persona.
pub const MAX_SPECIALTIES: usize = 32;
/// The longest specialty, in characters.
pub const MAX_SPECIALTY_CHARS: usize = 120;

/// Reads one persona from the text of its `SKILL.md`.
///
/// The front matter is a strict subset of YAML: plain, quoted and block (`|`, `>`) text, lists in either style, and
/// one nested map, `metadata`, whose `role`, `autonomy_level` and `specialties` count where the top level does not
/// have them. Hyphens and underscores in keys are the same, `autonomy` is short for `autonomy_level`, and keys that
/// Loom does not know are ignored, so that files written for other tools load. `description` and a body are required;
/// `name`, if given, must agree with the folder; `role` defaults to the folder, `autonomy_level` to `semi`,
/// `allowed_actions` to `all`. `known_actions` are the names that `allowed_actions` may use.
///
/// # Errors
/// The first thing that is wrong, with its line.
pub fn parse(path: &str, text: &str, known_actions: &[&str]) -> Result<Persona, PersonaError> {
    read(path, text, known_actions).map_err(|problem| PersonaError {
        file: path.to_owned(),
        line: problem.line,
        reason: problem.reason,
    })
}

fn read(path: &str, text: &str, known_actions: &[&str]) -> Result<Persona, Problem> {
    let name = name::from_path(path).map_err(|reason| Problem::new(1, reason))?;
    if text.len() > MAX_BYTES {
        let reason = format!(
            "the file has {} bytes; the limit is {MAX_BYTES}",
            text.len()
        );
        return Err(Problem::new(1, reason));
    }
    let (lines, body, body_line) = front_matter::split(text)?;
    let block = Block::read(&lines)?;
    let metadata = match block.find(&["metadata"]) {
        Some(entry) => Some(entry.map()?),
        None => None,
    };
    let find = |keys: &[&str]| {
        block
            .find(keys)
            .or_else(|| metadata.as_ref().and_then(|nested| nested.find(keys)))
    };

    if let Some(given) = block.find(&["name"]) {
        check_name(&given.text()?, &name, given.line)?;
    }
    let description = match block.find(&["description"]) {
        Some(entry) => {
            let description = entry.text()?.value.trim().to_owned();
            within(
                "description",
                &description,
                MAX_DESCRIPTION_CHARS,
                entry.line,
            )?;
            description
        }
        None => {
            return Err(Problem::new(
                1,
                "description is missing: say what the persona is for",
            ));
        }
    };
    let role = match find(&["role"]) {
        Some(entry) => {
            let given = entry.text()?;
            Role::parse_any(&given.value).map_err(|no| Problem::new(given.line, no.message))?
        }
        None => {
            Role::parse_any(name::role_folder(&name)).map_err(|no| Problem::new(1, no.message))?
        }
    };
    let autonomy = match find(&["autonomy_level", "autonomy"]) {
        Some(entry) => {
            let given = entry.text()?;
            Autonomy::from_word(&given.value.to_lowercase()).ok_or_else(|| {
                let reason = format!(
                    "{:?} is not a level of autonomy; use full, semi or supervised",
                    given.value
                );
                Problem::new(given.line, reason)
            })?
        }
        None => Autonomy::default(),
    };
    let specialties = match find(&["specialties"]) {
        Some(entry) => specialties(&entry.list()?, entry.line)?,
        None => Vec::new(),
    };
    let allowed_actions = match find(&["allowed_actions"]) {
        Some(entry) if entry.is_text() => {
            let given = entry.text()?;
            if given.value != "all" {
                let reason = format!(
                    "allowed_actions is {:?}; use all, or a list such as [read_file, done]",
                    given.value
                );
                return Err(Problem::new(given.line, reason));
            }
            AllowedActions::All
        }
        Some(entry) => AllowedActions::Only(actions(&entry.list()?, entry.line, known_actions)?),
        None => AllowedActions::All,
    };
    let body = body.trim().to_owned();
    if body.is_empty() {
        let reason = "there is no text after the front matter; write the persona's instructions";
        return Err(Problem::new(body_line, reason));
    }
    Ok(Persona {
        name,
        description,
        role,
        autonomy,
        specialties,
        allowed_actions,
        body,
    })
}

/// The name in the file is the folder's, alone or with the folders above it; otherwise one of both is a mistake.
fn check_name(given: &Node, name: &str, line: usize) -> Result<(), Problem> {
    let last = name.rsplit('/').next().unwrap_or(name);
    if given.value == last || given.value == name {
        return Ok(());
    }
    let reason = format!(
        "name is {:?}, but the folder is {last:?}; make them agree",
        given.value
    );
    Err(Problem::new(line, reason))
}

fn within(what: &str, text: &str, most: usize, line: usize) -> Result<(), Problem> {
    let length = text.chars().count();
    if text.trim().is_empty() {
        return Err(Problem::new(line, format!("{what} is empty")));
    }
    if length > most {
        let reason = format!("{what} has {length} characters; the limit is {most}");
        return Err(Problem::new(line, reason));
    }
    Ok(())
}

fn specialties(items: &[Node], line: usize) -> Result<Vec<String>, Problem> {
    if items.len() > MAX_SPECIALTIES {
        let reason = format!(
            "{} specialties; the limit is {MAX_SPECIALTIES}",
            items.len()
        );
        return Err(Problem::new(line, reason));
    }
    items
        .iter()
        .map(|item| {
            let text = item.value.trim();
            within("a specialty", text, MAX_SPECIALTY_CHARS, item.line)?;
            Ok(text.to_owned())
        })
        .collect()
}

fn actions(items: &[Node], line: usize, known: &[&str]) -> Result<Vec<String>, Problem> {
    if items.is_empty() {
        let reason = "allowed_actions is empty: an agent without actions cannot even finish";
        return Err(Problem::new(line, reason));
    }
    let mut names: Vec<String> = Vec::with_capacity(items.len());
    for item in items {
        if !known.contains(&item.value.as_str()) {
            let reason = format!(
                "{:?} is not an action; the actions are {}",
                item.value,
                known.join(", ")
            );
            return Err(Problem::new(item.line, reason));
        }
        if names.contains(&item.value) {
            let reason = format!("{} stands twice in allowed_actions", item.value);
            return Err(Problem::new(item.line, reason));
        }
        names.push(item.value.clone());
    }
    Ok(names)
}
