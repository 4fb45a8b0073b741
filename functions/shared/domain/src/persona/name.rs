/// The persona's name from its file's path: the folders between `personas/` and `SKILL.md`.
///
/// # Errors
/// A sentence, when the path is no persona's.
pub(super) fn from_path(path: &str) -> Result<String, String> {
    let path = path.replace('\\', "/");
    let parts: Vec<&str> = path
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".")
        .collect();
    let Some((file, folders)) = parts.split_last() else {
        return Err("the path is empty; a persona is personas/<namespace>/<role>/SKILL.md".into());
    };
    if *file != "SKILL.md" {
        return Err(format!(
            "a persona's file is called SKILL.md, not {file:?}; the older formats are not read"
        ));
    }
    let start = folders
        .iter()
        .rposition(|folder| *folder == "personas")
        .map_or(0, |at| at + 1);
    let name = folders.get(start..).unwrap_or_default();
    if name.is_empty() {
        return Err(
            "a persona has a folder of its own: personas/<namespace>/<role>/SKILL.md".into(),
        );
    }
    if name.len() > 4 {
        return Err("a persona lies at most four folders below personas/".into());
    }
    if let Some(bad) = name.iter().find(|part| !is_segment(part)) {
        return Err(format!(
            "the folder {bad:?} is not a name: use up to 64 of a-z, 0-9, - and _, starting with \
             a letter or digit"
        ));
    }
    Ok(name.join("/"))
}

/// The folder that names the role: the third of `projects/<project>/<role>/<name>`, else the last.
pub(super) fn role_folder(name: &str) -> &str {
    let mut parts = name.split('/');
    if name.starts_with("projects/") && parts.clone().count() == 4 {
        return parts.nth(2).unwrap_or(name);
    }
    parts.next_back().unwrap_or(name)
}

fn is_segment(part: &str) -> bool {
    let mut bytes = part.bytes();
    part.len() <= 64
        && bytes
            .next()
            .is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b))
}
