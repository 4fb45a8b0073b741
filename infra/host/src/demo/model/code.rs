//! Reading what tests print, what searches find, and Rust code, as far as the script needs it.

use std::collections::BTreeMap;

/// Where a test failed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Panic {
    /// The test's name with its modules.
    pub(super) test: String,
    pub(super) path: String,
    pub(super) line: usize,
}

impl Panic {
    /// The test's name without its modules: how people call it.
    pub(super) fn short_name(&self) -> &str {
        self.test.rsplit("::").next().unwrap_or(&self.test)
    }
}

/// Where the tests of an output failed, by the tests' names.
pub(super) fn panics(output: &str) -> Vec<Panic> {
    let mut found = BTreeMap::new();
    for line in output.lines() {
        // thread 'tests::it_works' (71) panicked at src/lib.rs:12:9:
        let parts = || {
            let (test, rest) = line.trim().strip_prefix("thread '")?.split_once('\'')?;
            let (_, place) = rest.split_once(" panicked at ")?;
            let mut place = place.split(':');
            let path = place.next()?;
            let line = place.next()?.parse().ok()?;
            Some((test.to_owned(), (path.to_owned(), line)))
        };
        found.extend(parts());
    }
    found
        .into_iter()
        .map(|(test, (path, line))| Panic { test, path, line })
        .collect()
}

/// How many tests an output says to have passed. Of a long one, what matters is shown before its end once more.
pub(super) fn passed(output: &str) -> u32 {
    let (_, end) = output
        .rsplit_once("[the end of the output]")
        .unwrap_or(("", output));
    end.lines()
        .filter_map(|line| line.strip_prefix("test result: ok. "))
        .filter_map(|rest| rest.split_once(" passed")?.0.parse::<u32>().ok())
        .sum()
}

/// A place that a search found.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Match {
    pub(super) path: String,
    pub(super) line: usize,
}

/// The first place of a search's result.
pub(super) fn first_match(result: &str) -> Option<Match> {
    result.lines().find_map(|line| {
        // src/lib.rs:12: fn example() {
        let mut parts = line.splitn(3, ':');
        let path = parts.next()?.to_owned();
        let line = parts.next()?.parse().ok()?;
        parts.next().map(|_| Match { path, line })
    })
}

/// What to search for, as a pattern, to find where a function is defined.
pub(super) fn definition(name: &str) -> String {
    format!("fn {name}[(<]")
}

/// The function that such a pattern is about.
pub(super) fn defined(query: &str) -> Option<&str> {
    query.strip_prefix("fn ")?.strip_suffix("[(<]")
}

/// The lines that a diff takes away and adds, without their indentation.
pub(super) fn changes(diff: &str) -> (Vec<&str>, Vec<&str>) {
    let lines = |sign: char, header: &str| {
        diff.lines()
            .filter(|line| !line.starts_with(header))
            .filter_map(|line| line.strip_prefix(sign))
            .map(str::trim)
            .collect()
    };
    (lines('-', "--- "), lines('+', "+++ "))
}

/// `code` up to the end of the first function of its file's top level.
pub(super) fn first_function(code: &str) -> &str {
    code.split_inclusive("\n}\n").next().unwrap_or(code)
}

/// The functions that `code` calls by their plain names, in order; no methods, macros, types or definitions.
pub(super) fn calls(code: &str) -> Vec<&str> {
    const KEYWORDS: [&str; 6] = ["if", "while", "for", "match", "return", "in"];
    let mut names = Vec::new();
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    for (at, _) in code.match_indices('(') {
        let before = code.get(..at).unwrap_or_default();
        let start = before
            .char_indices()
            .rev()
            .take_while(|(_, c)| is_word(*c))
            .last()
            .map_or(at, |(index, _)| index);
        let name = code.get(start..at).unwrap_or_default();
        let ahead = code.get(..start).unwrap_or_default();
        let is_plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
            && !ahead.ends_with(['.', ':', '"'])
            && !ahead.ends_with("fn ");
        if is_plain && !KEYWORDS.contains(&name) && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_read_from_the_output() {
        let output = "test tests::b ... FAILED\n\nthread 'tests::b' (12) panicked at src/b.rs:7:9:\nassertion failed\n\
                      thread 'a' panicked at tests/a.rs:30:5:\nthread 'main' panicked somewhere\n";
        let found = panics(output);
        assert_eq!(
            found,
            [
                Panic {
                    test: "a".to_owned(),
                    path: "tests/a.rs".to_owned(),
                    line: 30
                },
                Panic {
                    test: "tests::b".to_owned(),
                    path: "src/b.rs".to_owned(),
                    line: 7
                },
            ]
        );
        assert_eq!(found[1].short_name(), "b");
    }

    #[test]
    fn passed_tests_are_counted_over_all_programs() {
        let output = "test result: ok. 88 passed; 0 failed\ntest result: FAILED. 5 passed; 1 failed\ntest result: ok. 8 passed; 0 failed\n";
        assert_eq!(passed(output), 96);
        let twice = format!("{output}[the end of the output]\n{output}");
        assert_eq!(passed(&twice), 96);
    }

    #[test]
    fn the_first_match_is_a_place() {
        let found =
            first_match("[something]\nsrc/a.rs:12: pub fn a(b: u8) {\nsrc/b.rs:3: x").unwrap();
        assert_eq!((found.path.as_str(), found.line), ("src/a.rs", 12));
        assert_eq!(first_match("Nothing was found."), None);
    }

    #[test]
    fn a_diff_is_what_it_takes_away_and_adds() {
        let diff = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,2 +1,3 @@\n a\n-  b\n+  c\n+d\n";
        assert_eq!(changes(diff), (vec!["b"], vec!["c", "d"]));
        assert_eq!(defined(&definition("f")), Some("f"));
    }

    #[test]
    fn calls_are_plain_functions() {
        let code = "fn f() {\n    assert_eq!(6, levenshtein(\"kit(ten\", \"\"));\n    if (a) { x.len(); usize::from(b); Some(min(1, max(2, 3))) }\n}";
        assert_eq!(calls(code), ["levenshtein", "min", "max"]);
        assert_eq!(
            first_function("fn a() {\n}\nfn b() {\n}\n"),
            "fn a() {\n}\n"
        );
    }
}
