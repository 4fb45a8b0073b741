//! The personas that this repository ships, held to what a model needs of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::{AllowedActions, Persona, load_all};
use crate::action::Action;
use crate::role::KNOWN;

const SECTIONS: [&str; 6] = [
    "## Mission",
    "## Look first",
    "## Good work",
    "## How you work",
    "## Escalate",
    "## Never",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../personas")
}

fn files(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            let relative = path
                .strip_prefix(root())
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            found.push((relative, fs::read_to_string(&path).unwrap()));
        }
    }
}

fn shipped() -> Vec<Persona> {
    let mut found = Vec::new();
    files(&root(), &mut found);
    for (path, _) in &found {
        assert!(path.ends_with("/SKILL.md"), "{path} is no persona");
    }
    let (personas, errors) = load_all(found, &Action::NAMES);
    assert_eq!(errors, []);
    personas
}

#[test]
fn every_known_role_has_its_persona_and_no_other_is_there() {
    let names: Vec<String> = shipped().into_iter().map(|persona| persona.name).collect();
    let mut expected: Vec<String> = KNOWN
        .iter()
        .map(|role| match role.name {
            "loom" => "loom".to_owned(),
            name => format!("default/{name}"),
        })
        .collect();
    expected.sort();
    assert_eq!(names, expected);
}

#[test]
fn each_persona_is_complete() {
    for persona in shipped() {
        let name = &persona.name;
        assert_eq!(
            name.rsplit('/').next().unwrap(),
            persona.role.as_str(),
            "{name}"
        );
        assert!(persona.specialties.len() >= 3, "{name}");
        assert!(
            persona.allowed_actions.allows("done"),
            "{name} cannot finish"
        );
        let mut rest = persona.body.as_str();
        for section in SECTIONS {
            let (_, after) = rest
                .split_once(&format!("{section}\n"))
                .unwrap_or_else(|| panic!("{name}: {section} is missing or out of order"));
            rest = after;
        }
        let words = persona.body.split_whitespace().count();
        assert!((400..=900).contains(&words), "{name} has {words} words");
    }
}

#[test]
fn no_persona_speaks_of_an_action_that_it_may_not_take() {
    for persona in shipped() {
        for code in persona.body.split('`').skip(1).step_by(2) {
            let is_action = Action::NAMES.contains(&code);
            let is_shaped =
                code.contains('_') && code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            if is_shaped {
                assert!(is_action, "{}: `{code}` is no action", persona.name);
            }
            if is_action {
                let allowed = persona.allowed_actions.allows(code);
                assert!(allowed, "{}: `{code}` is not in its list", persona.name);
            }
        }
        let quotes = persona.body.matches('`').count();
        assert_eq!(quotes % 2, 0, "{}: a ` is not closed", persona.name);
    }
}

#[test]
fn each_persona_may_only_take_actions_that_it_is_told_about() {
    for persona in shipped() {
        let AllowedActions::Only(names) = &persona.allowed_actions else {
            continue;
        };
        for name in names {
            let told = persona.body.contains(&format!("`{name}`"));
            assert!(told, "{}: nothing says when to use `{name}`", persona.name);
        }
    }
}

#[test]
fn no_two_personas_say_the_same() {
    let mut lines: BTreeMap<String, String> = BTreeMap::new();
    for persona in shipped() {
        for line in persona.body.lines().filter(|line| line.len() > 40) {
            if let Some(other) = lines.insert(line.to_owned(), persona.name.clone()) {
                panic!("{other} and {} share the line {line:?}", persona.name);
            }
        }
    }
}

#[test]
fn a_shipped_persona_survives_its_own_markdown() {
    for persona in shipped() {
        let again = super::parse(&persona.path(), &persona.to_markdown(), &Action::NAMES);
        assert_eq!(again, Ok(persona));
    }
}
