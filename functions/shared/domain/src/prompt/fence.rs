use std::borrow::Cow;

use sha2::{Digest, Sha256};

use super::cut;

/// A fence around text that others wrote, so that the model can tell it from instructions.
///
/// The tag's name comes from the content's hash and does not occur in the content, so no content can close its fence:
/// `<data-3f9ac0d1e2b4 source="AGENTS.md">` … `</data-3f9ac0d1e2b4>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    tag: String,
}

/// What a fence's tag starts with.
const PREFIX: &str = "data-";

/// Hexadecimal digits after the prefix.
const DIGITS: usize = 12;

impl Fence {
    /// A fence for these texts.
    pub fn around(texts: &[&str]) -> Self {
        let mut counter = 0_u64;
        loop {
            let mut hasher = Sha256::new();
            hasher.update(counter.to_le_bytes());
            for text in texts {
                hasher.update(text.len().to_le_bytes());
                hasher.update(text);
            }
            let digest = crate::hex::encode(&hasher.finalize());
            let tag = format!("{PREFIX}{}", digest.get(..DIGITS).unwrap_or_default());
            if !texts.iter().any(|text| text.contains(&tag)) {
                return Self { tag };
            }
            counter += 1;
        }
    }

    /// Puts one of the texts into the fence; `source` says where it is from.
    pub fn wrap(&self, source: &str, text: &str) -> String {
        let source: String = cut::one_line(source, 100)
            .chars()
            .map(|c| {
                if matches!(c, '<' | '>' | '"') {
                    '\''
                } else {
                    c
                }
            })
            .collect();
        let tag = &self.tag;
        let end = if text.ends_with('\n') { "" } else { "\n" };
        format!("<{tag} source=\"{source}\">\n{text}{end}</{tag}>")
    }

    /// The tag's name.
    pub fn tag(&self) -> &str {
        &self.tag
    }
}

/// Shortens a message to about `max` bytes. Fenced parts are shortened inside their fences, so that what is data stays
/// recognisable as data; a message without any is cut in the middle.
pub(crate) fn shrink(text: &str, max: usize) -> Cow<'_, str> {
    if text.len() <= max {
        return Cow::Borrowed(text);
    }
    let parts = parts(text);
    let fenced = parts
        .iter()
        .filter(|part| matches!(part, Part::Data(_)))
        .count();
    if fenced == 0 {
        return cut::middle(text, max);
    }
    let around: usize = parts
        .iter()
        .map(|part| {
            if let Part::Outside(text) = part {
                text.len()
            } else {
                0
            }
        })
        .sum();
    let each = (max.saturating_sub(around) / fenced).max(SMALLEST);
    Cow::Owned(
        parts
            .iter()
            .fold(String::with_capacity(max), |mut shrunk, part| {
                match part {
                    Part::Outside(text) => shrunk.push_str(text),
                    Part::Data(text) => shrunk.push_str(&cut::middle(text, each)),
                }
                shrunk
            }),
    )
}

/// A fenced part keeps at least this many bytes.
const SMALLEST: usize = 100;

enum Part<'a> {
    /// Text outside of fences, and the fences.
    Outside(&'a str),
    /// Text inside of a fence.
    Data(&'a str),
}

fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, data, after)) = first_fence(rest) {
        parts.push(Part::Outside(before));
        parts.push(Part::Data(data));
        rest = after;
    }
    parts.push(Part::Outside(rest));
    parts
}

/// Splits after the first opening tag and before its closing tag. Openings inside of the data are skipped with it.
fn first_fence(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let open = from + text.get(from..)?.find("<data-")?;
        let tag = text.get(open + 1..open + 1 + PREFIX.len() + DIGITS)?;
        let line_end = open + text.get(open..)?.find('\n')? + 1;
        let is_tag = tag
            .bytes()
            .skip(PREFIX.len())
            .all(|byte| byte.is_ascii_hexdigit());
        let close = text.get(line_end..)?.find(&format!("</{tag}>"));
        if let Some(length) = close.filter(|_| is_tag) {
            let close = line_end + length;
            return Some((
                text.get(..line_end)?,
                text.get(line_end..close)?,
                text.get(close..)?,
            ));
        }
        from = line_end;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_fence_names_its_source() {
        let fence = Fence::around(&["hello"]);
        let wrapped = fence.wrap("a\"><b\nc", "hello");
        let tag = fence.tag();
        assert_eq!(
            wrapped,
            format!("<{tag} source=\"a'''b\">\nhello\n</{tag}>")
        );
        assert_eq!(
            fence.wrap("a", "hello\n"),
            format!("<{tag} source=\"a\">\nhello\n</{tag}>")
        );
    }

    proptest! {
        #[test]
        fn content_cannot_close_its_fence(text in "(?s).{0,80}", guess in "[0-9a-f]{12}") {
            // The best guess of an attacker: the fence of the text without the closing tag, and a random one.
            let known = Fence::around(&[&text]).tag().to_owned();
            for attack in [format!("{text}</{known}>"), format!("</data-{guess}>{text}"), text.clone()] {
                let fence = Fence::around(&[&attack]);
                let wrapped = fence.wrap("x", &attack);
                let close = format!("</{}>", fence.tag());
                prop_assert_eq!(wrapped.matches(&close).count(), 1);
                prop_assert_eq!(wrapped.matches(fence.tag()).count(), 2);
                prop_assert!(wrapped.ends_with(&close));
            }
        }

        #[test]
        fn shrinking_keeps_fences_whole(a in "(?s).{0,600}", b in "[ -~\n]{0,600}", max in 0_usize..900) {
            let inner = Fence::around(&[&b]).wrap("inner", &b);
            let (one, two) = (Fence::around(&[&a]), Fence::around(&[&inner]));
            let text = format!("Head\n{}\nBetween\n{}\nTail", one.wrap("a", &a), two.wrap("b", &inner));
            let shrunk = shrink(&text, max);
            for fence in [&one, &two] {
                let (open, close) = (format!("<{} source=", fence.tag()), format!("</{}>", fence.tag()));
                let opens = shrunk.find(&open);
                let closes = shrunk.find(&close);
                prop_assert!(opens.is_some() && closes.is_some() && opens < closes);
            }
            prop_assert!(shrunk.starts_with("Head\n") && shrunk.ends_with("\nTail") && shrunk.contains("\nBetween\n"));
            prop_assert!(shrunk.len() <= max.max(700));
        }
    }
}
