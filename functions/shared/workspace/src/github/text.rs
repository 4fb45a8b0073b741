//! Differences between texts, and their merging, line by line.

use diffy::{ConflictStyle, DiffOptions, IncompleteHunkStyle, MergeOptions};

/// Comparing takes time by the product of the lines that differ on both sides, so beyond this there is no comparing:
/// everything between the common beginning and the common end counts as replaced.
const MOST_WORK: usize = 16_000_000;

/// The changed lines between two texts as the hunks of a unified diff, without its file names; empty when they are
/// equal.
pub(super) fn hunks(old: &str, new: &str, context: usize) -> String {
    if old == new {
        return String::new();
    }
    if work(old, new) > MOST_WORK {
        return replaced(old, new);
    }
    let patch = DiffOptions::new()
        .set_context_len(context)
        .create_patch(old, new)
        .to_string();
    // Two lines that name the files precede the hunks.
    patch
        .split_inclusive('\n')
        .skip_while(|line| !line.starts_with("@@ "))
        .collect()
}

/// Both sides' changes to a text; or, where they touch the same lines, the text with both versions between conflict
/// markers. `None` when the texts are too different to be compared.
pub(super) fn merge(base: &str, ours: &str, theirs: &str) -> Option<Result<String, String>> {
    if ours == theirs || theirs == base {
        return Some(Ok(ours.to_owned()));
    }
    if ours == base {
        return Some(Ok(theirs.to_owned()));
    }
    if work(base, ours) > MOST_WORK || work(base, theirs) > MOST_WORK {
        return None;
    }
    let merged = MergeOptions::new()
        .set_conflict_style(ConflictStyle::Merge)
        .set_incomplete_hunk_style(IncompleteHunkStyle::Git)
        .merge(base, ours, theirs);
    Some(merged)
}

/// How much comparing two texts would take.
fn work(old: &str, new: &str) -> usize {
    let (prefix, suffix) = common(old, new);
    let middle = |text: &str| text.lines().count().saturating_sub(prefix + suffix);
    middle(old).saturating_mul(middle(new))
}

/// How many lines both begin with, and how many both end with after that.
fn common(old: &str, new: &str) -> (usize, usize) {
    let prefix = old
        .lines()
        .zip(new.lines())
        .take_while(|(a, b)| a == b)
        .count();
    let room = old.lines().count().min(new.lines().count()) - prefix;
    let suffix = old
        .lines()
        .rev()
        .zip(new.lines().rev())
        .take(room)
        .take_while(|(a, b)| a == b)
        .count();
    (prefix, suffix)
}

/// One hunk in which everything is replaced.
fn replaced(old: &str, new: &str) -> String {
    let range = |text: &str| match text.lines().count() {
        0 => "0,0".to_owned(),
        count => format!("1,{count}"),
    };
    let mut text = format!("@@ -{} +{} @@\n", range(old), range(new));
    for (sign, side) in [('-', old), ('+', new)] {
        for line in side.split_inclusive('\n') {
            text.push(sign);
            text.push_str(line);
            if !line.ends_with('\n') {
                text.push_str("\n\\ No newline at end of file\n");
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::conflict::has_markers;

    #[test]
    fn hunks_are_those_of_a_unified_diff() {
        assert_eq!(hunks("a\nb\nc\n", "a\nB\nc\n", 0), "@@ -2 +2 @@\n-b\n+B\n");
        assert_eq!(
            hunks("", "a", 3),
            "@@ -0,0 +1 @@\n+a\n\\ No newline at end of file\n"
        );
        assert_eq!(hunks("a\n", "a\n", 3), "");
    }

    #[test]
    fn carriage_returns_stay() {
        assert_eq!(
            hunks("a\r\nb\r\n", "a\r\nc\r\n", 0),
            "@@ -2 +2 @@\n-b\r\n+c\r\n"
        );
        assert_eq!(
            merge(
                "a\r\nb\r\nc\r\nd\r\n",
                "A\r\nb\r\nc\r\nd\r\n",
                "a\r\nb\r\nc\r\nD\r\n"
            ),
            Some(Ok("A\r\nb\r\nc\r\nD\r\n".to_owned()))
        );
    }

    #[test]
    fn a_conflict_shows_both_versions() {
        let merged = merge("a\nb\nc\n", "a\nx\nc\n", "a\ny\nc\n");
        let Some(Err(text)) = merged else {
            panic!("{merged:?}")
        };
        assert!(has_markers(&text), "{text}");
        assert!(text.contains("x\n=======\ny\n"), "{text}");
    }

    #[test]
    fn texts_that_have_nothing_in_common_are_not_compared_for_ever() {
        let side = |letter: char| {
            (0..50_000)
                .map(|n| format!("{letter}{n}\n"))
                .collect::<String>()
        };
        let (a, b) = (side('a'), side('b'));
        assert!(hunks(&a, &b, 3).starts_with("@@ -1,50000 +1,50000 @@\n-a0\n"));
        assert_eq!(merge(&a, &b, &side('c')), None);
    }

    /// What hunks make of a text, by their line numbers alone and without any leniency.
    fn applied(old: &str, hunks: &str) -> String {
        let mut rest: Vec<&str> = old.split_inclusive('\n').rev().collect();
        let mut new: Vec<String> = Vec::new();
        let (mut taken, mut before) = (0, ' ');
        for line in hunks.split_inclusive('\n') {
            if let Some(header) = line.strip_prefix("@@ ") {
                let range = |text: &str| {
                    let (start, count) = text[1..].split_once(',').unwrap_or((&text[1..], "1"));
                    let (start, count): (usize, usize) =
                        (start.parse().unwrap(), count.parse().unwrap());
                    // The start of an empty range is the line before it.
                    if count == 0 { start } else { start - 1 }
                };
                let mut words = header.split(' ');
                let (from, to) = (range(words.next().unwrap()), range(words.next().unwrap()));
                while taken < from {
                    new.push(rest.pop().unwrap().to_owned());
                    taken += 1;
                }
                assert_eq!(new.len(), to, "{hunks}");
                continue;
            }
            let (sign, text) = line.split_at(1);
            match sign {
                "\\" if before != '-' => {
                    let last = new.last_mut().unwrap();
                    *last = last.trim_end_matches('\n').to_owned();
                }
                "\\" => {}
                "+" => new.push(text.to_owned()),
                _ => {
                    let there = rest.pop().unwrap();
                    taken += 1;
                    assert_eq!(there.trim_end(), text.trim_end(), "{hunks}");
                    if sign == " " {
                        new.push(there.to_owned());
                    }
                }
            }
            before = sign.chars().next().unwrap();
        }
        new.extend(rest.into_iter().rev().map(str::to_owned));
        new.concat()
    }

    proptest! {
        #[test]
        fn hunks_applied_give_the_new_text(old in "([ab]\n){0,12}[ab]?", new in "([abc]\n){0,12}[ab]?", context in 0usize..4) {
            prop_assert_eq!(applied(&old, &hunks(&old, &new, context)), new);
        }

        #[test]
        fn replacing_everything_gives_the_new_text(old in "([ab]\n){0,9}[ab]?", new in "([abc]\n){0,9}[ab]?") {
            prop_assert_eq!(applied(&old, &replaced(&old, &new)), new);
        }

        #[test]
        fn changes_of_one_side_merge_without_conflict(base in "([ab]\n){0,9}", ours in "([abc]\n){0,9}") {
            prop_assert_eq!(merge(&base, &ours, &base), Some(Ok(ours.clone())));
            prop_assert_eq!(merge(&base, &base, &ours), Some(Ok(ours.clone())));
            prop_assert_eq!(merge(&base, &ours, &ours), Some(Ok(ours)));
        }
    }
}
