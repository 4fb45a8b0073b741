/// Brings a spelling towards the canonical one: the role's part of a persona's name, without a note in brackets, in
/// lower case, with one hyphen between words, without `the` before and `agent`, `only` or `persona` after.
///
/// The result is canonical only if [`is_canonical`] says so.
pub(super) fn canonical(text: &str) -> String {
    let text = role_part(text.trim().trim_start_matches('@'));
    let text = text.split_once('(').map_or(text, |(before, _)| before);
    let mut spelled = String::with_capacity(text.len());
    for character in text.chars().flat_map(char::to_lowercase) {
        if character.is_whitespace() || matches!(character, '_' | '-') {
            if !spelled.is_empty() && !spelled.ends_with('-') {
                spelled.push('-');
            }
        } else {
            spelled.push(character);
        }
    }
    let mut rest = spelled.trim_matches('-');
    rest = rest.strip_prefix("the-").unwrap_or(rest);
    while let Some(shorter) = ["-only", "-agent", "-persona"]
        .iter()
        .find_map(|ending| rest.strip_suffix(ending))
    {
        rest = shorter;
    }
    rest.to_owned()
}

/// `default/qa-engineer` names the role last; `projects/<project>/<role>/<name>` names it third.
fn role_part(text: &str) -> &str {
    let mut parts = text.split('/').map(str::trim);
    if parts.clone().next() == Some("projects") && parts.clone().count() == 4 {
        return parts.nth(2).unwrap_or(text);
    }
    parts.next_back().unwrap_or(text)
}

/// Whether the text is a role's canonical spelling.
pub(super) fn is_canonical(text: &str) -> bool {
    (2..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
        && !text.contains("--")
}

/// `data-engineer` → `Data Engineer`.
pub(crate) fn title(kebab: &str) -> String {
    let mut title = String::with_capacity(kebab.len());
    for word in kebab.split('-').filter(|word| !word.is_empty()) {
        if !title.is_empty() {
            title.push(' ');
        }
        let mut letters = word.chars();
        title.extend(letters.next().into_iter().flat_map(char::to_uppercase));
        title.push_str(letters.as_str());
    }
    title
}
