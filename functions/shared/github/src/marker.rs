//! Hidden marks in texts, by which Loom finds again what it wrote.

/// The mark as it stands in a text: an HTML comment, which GitHub does not show.
///
/// Letters, digits and `:_/.@#-` of `marker` stay; anything else becomes `_`, and so does the second of two hyphens,
/// which could end the comment.
pub fn hidden(marker: &str) -> String {
    let mut safe = String::with_capacity(marker.len());
    for character in marker.chars() {
        let kept = character.is_ascii_alphanumeric()
            || (":_/.@#-".contains(character) && !(character == '-' && safe.ends_with('-')));
        safe.push(if kept { character } else { '_' });
    }
    format!("<!-- loom:{safe} -->")
}

/// Whether any mark of Loom stands in a text. Says nothing about who wrote it.
pub fn has_any(text: &str) -> bool {
    text.contains("<!-- loom:")
}

/// The text with the mark at its end.
pub(crate) fn marked(text: &str, marker: &str) -> String {
    let mark = hidden(marker);
    if text.contains(&mark) {
        text.to_owned()
    } else {
        format!("{}\n\n{mark}", text.trim_end())
    }
}

#[cfg(test)]
mod tests {
    use super::{has_any, hidden, marked};

    #[test]
    fn nothing_in_a_marker_ends_the_comment() {
        for marker in [
            "bead/b-1", "a --> b", "--", "-->", "<!--", "run 7\n", "é--->",
        ] {
            let mark = hidden(marker);
            assert_eq!(mark.matches("--").count(), 2, "{mark}");
            assert_eq!(mark.matches('>').count(), 1, "{mark}");
            assert!(has_any(&mark));
        }
        assert_eq!(hidden("bead/b-1"), "<!-- loom:bead/b-1 -->");
    }

    #[test]
    fn a_text_is_marked_once() {
        let once = marked("text\n", "m");
        assert_eq!(once, "text\n\n<!-- loom:m -->");
        assert_eq!(marked(&once, "m"), once);
    }
}
