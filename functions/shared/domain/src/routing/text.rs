/// A letter, digit or underscore: what a word consists of.
pub(super) fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// The lines in which a person speaks: not blank, not quoted (`>`), not in a fenced block.
pub(super) fn readable_lines(text: &str) -> Vec<&str> {
    let mut fenced = false;
    text.lines()
        .filter(|line| {
            let start = line.trim_start();
            let fence = start.starts_with("```") || start.starts_with("~~~");
            fenced ^= fence;
            !fence && !fenced && !start.is_empty() && !start.starts_with('>')
        })
        .collect()
}

/// The last words of a text, nearest first, in lower case without punctuation around them.
pub(super) fn words_before(text: &str, count: usize) -> impl Iterator<Item = String> + '_ {
    text.split_whitespace().rev().take(count).map(|word| {
        word.trim_matches(|c: char| !is_word(c))
            .replace('’', "'")
            .to_lowercase()
    })
}

/// Whether `text` holds `phrase` where no word goes on before or after it; both in lower case. A phrase that ends in
/// `*` may be the beginning of a longer word, any other may have a plural `s`.
pub(super) fn holds(text: &str, phrase: &str) -> bool {
    let (phrase, stem) = match phrase.strip_suffix('*') {
        Some(stem) => (stem, true),
        None => (phrase, false),
    };
    text.match_indices(phrase).any(|(at, found)| {
        let before = text.get(..at).unwrap_or_default();
        let after = text.get(at + found.len()..).unwrap_or_default();
        let starts = !(phrase.starts_with(is_word) && before.ends_with(is_word));
        let plural = after.strip_prefix('s').unwrap_or(after);
        let ends = stem
            || !phrase.ends_with(is_word)
            || !after.starts_with(is_word)
            || !plural.starts_with(is_word);
        starts && ends
    })
}
