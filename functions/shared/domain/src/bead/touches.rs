/// Whether two sets of globs can match one path in common (invariant I4). An empty set declares nothing, so it
/// overlaps with nothing.
///
/// `*` and `?` match within one part of a path, `**` matches any number of parts. The answer is exact for these;
/// a `[…]` class is read as `?`.
pub fn overlap(one: &[String], other: &[String]) -> bool {
    one.iter().any(|a| other.iter().any(|b| globs_meet(a, b)))
}

fn globs_meet(a: &str, b: &str) -> bool {
    let parts = |glob: &str| -> Vec<Vec<char>> {
        let glob = glob.trim_start_matches("./").trim_matches('/');
        glob.split('/').take(64).map(without_classes).collect()
    };
    paths_meet(&parts(a), &parts(b))
}

fn without_classes(part: &str) -> Vec<char> {
    let mut plain = Vec::new();
    let mut characters = part.chars().take(256);
    while let Some(character) = characters.next() {
        if character == '[' && characters.clone().any(|c| c == ']') {
            characters.by_ref().find(|c| *c == ']');
            plain.push('?');
        } else {
            plain.push(character);
        }
    }
    plain
}

/// Tables of what the rests of both patterns have in common, filled from the ends: linear in the product of lengths.
fn meet<T>(a: &[T], b: &[T], is_star: impl Fn(&T) -> bool, equal: impl Fn(&T, &T) -> bool) -> bool {
    let mut below = vec![false; b.len() + 1];
    for i in (0..=a.len()).rev() {
        let mut row = vec![false; b.len() + 1];
        for j in (0..=b.len()).rev() {
            let at = |row: &[bool], index: usize| row.get(index).copied().unwrap_or(false);
            let met = match (a.get(i), b.get(j)) {
                (None, None) => true,
                (Some(x), _) if is_star(x) => {
                    at(&below, j) || (b.get(j).is_some() && at(&row, j + 1))
                }
                (_, Some(y)) if is_star(y) => {
                    at(&row, j + 1) || (a.get(i).is_some() && at(&below, j))
                }
                (Some(x), Some(y)) => equal(x, y) && at(&below, j + 1),
                _ => false,
            };
            if let Some(cell) = row.get_mut(j) {
                *cell = met;
            }
        }
        below = row;
    }
    below.first().copied().unwrap_or(false)
}

fn paths_meet(a: &[Vec<char>], b: &[Vec<char>]) -> bool {
    let any = |part: &Vec<char>| part.as_slice() == ['*', '*'];
    meet(a, b, any, |x, y| {
        meet(x, y, |c| *c == '*', |c, d| c == d || *c == '?' || *d == '?')
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn which_globs_meet() {
        for (a, b, meets) in [
            ("src/lib.rs", "src/lib.rs", true),
            ("src/lib.rs", "src/main.rs", false),
            ("src/*.rs", "src/lib.rs", true),
            ("src/*.rs", "src/a/lib.rs", false),
            ("src/**", "src/a/b/c.rs", true),
            ("**/*.rs", "docs/**", true),
            ("docs/*.md", "**/*.rs", false),
            ("a/**/z", "a/z", true),
            ("a*c", "ab*", true),
            ("a?c", "abd", false),
            ("[ab].rs", "a.rs", true),
        ] {
            assert_eq!(globs_meet(a, b), meets, "{a} and {b}");
            assert_eq!(globs_meet(b, a), meets, "{b} and {a}");
        }
    }

    proptest! {
        #[test]
        fn a_glob_meets_itself_and_order_does_not_matter(a in "[a-c*?/]{1,12}", b in "[a-c*?/]{1,12}") {
            prop_assert!(globs_meet(&a, &a));
            prop_assert_eq!(globs_meet(&a, &b), globs_meet(&b, &a));
        }
    }
}
