/// The candidate that `word` was probably meant to be: at most half of its letters wrong, or one contains the
/// other.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let word = word.to_ascii_lowercase();
    // Longer names are not typing errors, and the distance is quadratic.
    if word.len() < 2 || word.len() > 40 {
        return None;
    }
    candidates
        .into_iter()
        .filter_map(|candidate| {
            let distance = distance(&word, candidate);
            let close = distance * 2 <= candidate.len().max(word.len());
            let inside = word.len() >= 3 && (candidate.contains(&word) || word.contains(candidate));
            (close || inside).then_some((if close { distance } else { distance + 100 }, candidate))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein distance in characters.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, a) in a.chars().enumerate() {
        let mut next = Vec::with_capacity(row.len());
        let mut left = i + 1;
        next.push(left);
        for (b, pair) in b.iter().zip(row.windows(2)) {
            if let [diagonal, up] = pair {
                left = (diagonal + usize::from(a != *b)).min(up + 1).min(left + 1);
                next.push(left);
            }
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_meant() {
        let names = ["old_text", "new_text", "path", "read_file", "git_commit"];
        for (word, meant) in [
            ("old_tex", Some("old_text")),
            ("OldText", Some("old_text")),
            ("paht", Some("path")),
            ("read_files", Some("read_file")),
            ("commit", Some("git_commit")),
            ("zebra", None),
            ("", None),
            ("x", None),
        ] {
            assert_eq!(nearest(word, names), meant, "{word}");
        }
    }

    #[test]
    fn distance_is_levenshtein() {
        for (a, b, d) in [
            ("", "", 0),
            ("abc", "", 3),
            ("", "abc", 3),
            ("kitten", "sitting", 3),
            ("flaw", "lawn", 2),
        ] {
            assert_eq!(distance(a, b), d, "{a} {b}");
        }
    }
}
