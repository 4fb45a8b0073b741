use std::collections::BTreeMap;

use super::{Persona, PersonaError, parse};

/// File names of the format that Loom no longer reads.
const OLD_FORMAT: [&str; 2] = ["PERSONA.md", "AI_START_HERE.md"];

/// Reads every persona among the files, given as (path, text), and reports every file that is not right; one bad file
/// never keeps the others out.
///
/// Files that are neither `SKILL.md` nor of the older format are not personas and are passed over. Two files of one
/// name are an error of the one that comes later; the first stays. Personas come sorted by name, errors by file.
pub fn load_all<P: AsRef<str>, T: AsRef<str>>(
    files: impl IntoIterator<Item = (P, T)>,
    known_actions: &[&str],
) -> (Vec<Persona>, Vec<PersonaError>) {
    let mut personas: BTreeMap<String, (String, Persona)> = BTreeMap::new();
    let mut errors = Vec::new();
    for (path, text) in files {
        let path = path.as_ref();
        let file = path.rsplit(['/', '\\']).next().unwrap_or(path);
        if file != "SKILL.md" && !OLD_FORMAT.contains(&file) {
            continue;
        }
        match parse(path, text.as_ref(), known_actions) {
            Err(error) => errors.push(error),
            Ok(persona) => {
                if let Some((first, _)) = personas.get(&persona.name) {
                    errors.push(PersonaError {
                        file: path.to_owned(),
                        line: 1,
                        reason: format!(
                            "the persona {} is already defined by {first}; remove one of them",
                            persona.name
                        ),
                    });
                } else {
                    personas.insert(persona.name.clone(), (path.to_owned(), persona));
                }
            }
        }
    }
    errors.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    (
        personas.into_values().map(|(_, persona)| persona).collect(),
        errors,
    )
}
