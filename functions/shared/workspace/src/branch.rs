//! What a run's branch is called, and which branches an agent never touches.

/// The longest branch name, in bytes.
pub const MAX_BRANCH: usize = 72;
const MAX_SLUG: usize = 40;

/// The branch of a bead's `attempt`-th run, from 1: `agent/<bead>/<slug of the title>`, with `-<attempt>` at its end
/// from the second on. At most [`MAX_BRANCH`] ASCII bytes, and always a valid git reference.
pub fn name(bead_id: &str, title: &str, attempt: u32) -> String {
    let suffix = if attempt > 1 {
        format!("-{attempt}")
    } else {
        String::new()
    };
    let bead = slug(bead_id, 24, "bead");
    let room = MAX_BRANCH.saturating_sub("agent//".len() + bead.len() + suffix.len());
    let title = slug(title, room.min(MAX_SLUG), "work");
    format!("agent/{bead}/{title}{suffix}")
}

/// Whether agents may not push to `branch`: the base branch, `main`, `master`, `production`, and everything below
/// `release/` and `hotfix/`.
pub fn is_protected(branch: &str, base: &str) -> bool {
    branch == base
        || ["main", "master", "production", "release", "hotfix"].contains(&branch)
        || branch.starts_with("release/")
        || branch.starts_with("hotfix/")
}

/// Lower-case words joined by `-`, at most `limit` bytes, cut between words where that leaves at least half.
fn slug(text: &str, limit: usize, fallback: &str) -> String {
    let mut slug = String::new();
    for character in text.chars() {
        if character.is_ascii_alphanumeric() {
            slug.push(character.to_ascii_lowercase());
        } else if !slug.ends_with('-') && !slug.is_empty() {
            slug.push('-');
        }
    }
    if slug.len() > limit {
        let begins_word = slug.as_bytes().get(limit) == Some(&b'-');
        slug.truncate(limit);
        if !begins_word && let Some(end) = slug.rfind('-').filter(|end| *end >= limit / 2) {
            slug.truncate(end);
        }
    }
    let slug = slug.trim_matches('-');
    if slug.is_empty() {
        fallback.to_owned()
    } else {
        slug.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_readable() {
        assert_eq!(
            name("bd-7k2qp", "Fix the parser: it drops trailing spaces!", 1),
            "agent/bd-7k2qp/fix-the-parser-it-drops-trailing-spaces"
        );
        assert_eq!(name("bd-7k2qp", "Fix it", 3), "agent/bd-7k2qp/fix-it-3");
        assert_eq!(name("bd-7k2qp", "日本語", 1), "agent/bd-7k2qp/work");
    }

    #[test]
    fn protected_branches() {
        for branch in [
            "main",
            "master",
            "production",
            "release/1.2",
            "hotfix/x",
            "trunk",
        ] {
            assert!(is_protected(branch, "trunk"), "{branch}");
        }
        assert!(!is_protected("agent/bd-1/x", "trunk"));
        assert!(!is_protected("releases", "trunk"));
    }

    proptest! {
        #[test]
        fn names_are_short_and_valid(bead in ".{0,60}", title in ".{0,200}", attempt in 1u32..100_000) {
            let name = name(&bead, &title, attempt);
            prop_assert!(name.len() <= MAX_BRANCH, "{}", name);
            prop_assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'/'));
            prop_assert!(name.split('/').count() == 3 && name.split('/').all(|p| !p.is_empty() && !p.starts_with('-')));
            prop_assert!(!is_protected(&name, "main"));
        }
    }
}
