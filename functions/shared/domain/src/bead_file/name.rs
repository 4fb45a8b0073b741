/// The directory of the files of beads, with the `/` at its end.
pub const DIRECTORY: &str = ".beads/beads/";
/// All beads as lines of JSON.
pub const ISSUES: &str = ".beads/issues.jsonl";
/// The longest slug, in characters.
const LONGEST: usize = 50;

/// The path of a new bead's file: `.beads/beads/<id>-<slug>.yaml`. The slug is the title in lower case, with `-` for
/// white space, and only letters, digits, `-` and `_` of ASCII. `id` must be one that a file may have.
pub fn file_name(id: &str, title: &str) -> String {
    let mut slug = String::new();
    for character in title.chars() {
        let character = match character {
            c if c.is_ascii_alphanumeric() || c == '_' => c.to_ascii_lowercase(),
            c if c.is_whitespace() || c == '-' => '-',
            _ => continue,
        };
        if character == '-' && (slug.is_empty() || slug.ends_with('-')) {
            continue;
        }
        slug.push(character);
        if slug.len() == LONGEST {
            break;
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() {
        format!("{DIRECTORY}{id}.yaml")
    } else {
        format!("{DIRECTORY}{id}-{slug}.yaml")
    }
}

/// Whether `path` has the form of [`file_name`] for the bead `id`, whatever its title.
pub fn is_named_after(path: &str, id: &str) -> bool {
    let name = path.strip_prefix(DIRECTORY);
    let rest = name.and_then(|name| name.strip_prefix(id));
    rest.is_some_and(|rest| rest.starts_with(['-', '.']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_and_safe() {
        for (title, name) in [
            ("Fix the login", "bd-1-fix-the-login.yaml"),
            ("  A/B: ../../etc — «ü» 100%", "bd-1-ab-etc-100.yaml"),
            ("日本語", "bd-1.yaml"),
        ] {
            assert_eq!(file_name("bd-1", title), format!("{DIRECTORY}{name}"));
        }
        assert!(is_named_after(&file_name("bd-1", ""), "bd-1"));
        assert!(is_named_after(&file_name("bd-1", "Fix it"), "bd-1"));
        assert!(!is_named_after(&file_name("bd-12", "Fix it"), "bd-1"));
        let long = file_name("bd-1", &"word ".repeat(40));
        assert!(long.len() <= DIRECTORY.len() + 5 + LONGEST + 5 && !long.contains("-.yaml"));
    }
}
