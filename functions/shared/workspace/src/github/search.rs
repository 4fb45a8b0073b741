use futures_util::future::join_all;
use loom_platform::Platform;
use regex::bytes::{Regex, RegexBuilder};

use super::{
    error::Result,
    mode::is_regular,
    view::{File, Source, View},
};
use crate::{
    Outcome, SearchMatch,
    file::{MAX_FILE, missing},
    path, search as rules,
};

/// How many files one search looks into, and how many bytes: each that is not in the cache is a request.
const MOST_FILES: usize = 500;
const MOST_BYTES: u64 = 24 * 1024 * 1024;
/// How many files are fetched at the same time.
const AT_ONCE: usize = 8;

/// Finds lines in text files. Binary files, and those larger than [`MAX_FILE`], are passed over.
pub(super) async fn search<P: Platform>(
    view: &View<'_, P>,
    pattern: &str,
    path: &str,
    limit: u32,
    is_regex: bool,
) -> Result<Outcome> {
    let path = path::normalize(path)?;
    let limit = rules::matches(limit);
    let pattern = compile(pattern, is_regex)?;
    let files = view.files(&path).await?;
    if files.is_empty() && !path.is_empty() {
        return Err(missing(&path));
    }
    let mut files: Vec<(String, File)> = files
        .into_iter()
        .filter(|(_, file)| is_regular(file.mode) && file.size <= MAX_FILE as u64)
        .collect();
    files.sort_by(|(a, _), (b, _)| a.split('/').cmp(b.split('/')));
    let (looked_at, unsearched) = within_limits(&files);
    let mut matches = Vec::new();
    for group in looked_at.chunks(AT_ONCE) {
        let contents = join_all(group.iter().map(|(path, file)| view.bytes(path, file))).await;
        for ((path, _), content) in group.iter().zip(contents) {
            find(&pattern, path, &content?, limit, &mut matches);
        }
        if matches.len() > limit {
            break;
        }
    }
    let truncated = matches.len() > limit;
    matches.truncate(limit);
    Ok(Outcome::Matches {
        matches,
        truncated,
        unsearched: u32::try_from(unsearched).unwrap_or(u32::MAX),
    })
}

fn compile(pattern: &str, is_regex: bool) -> Result<Regex> {
    rules::check_pattern(pattern)?;
    let source = if is_regex {
        pattern.to_owned()
    } else {
        regex::escape(pattern)
    };
    // Small enough that even a nested repetition is refused before it takes a component's memory.
    RegexBuilder::new(&source)
        .size_limit(1024 * 1024)
        .dfa_size_limit(1024 * 1024)
        .build()
        .map_err(rules::invalid_pattern)
}

/// The files that one search may look into, and how many are left over.
fn within_limits(files: &[(String, File)]) -> (&[(String, File)], usize) {
    let mut bytes = 0;
    let mut count = 0;
    for (_, file) in files.iter().take(MOST_FILES) {
        bytes += file.size;
        if bytes > MOST_BYTES && file.source != Source::Overlay {
            break;
        }
        count += 1;
    }
    let (looked_at, rest) = files.split_at(count);
    (looked_at, rest.len())
}

/// Adds the lines that match, until there is one more than `limit`.
fn find(pattern: &Regex, path: &str, content: &[u8], limit: usize, matches: &mut Vec<SearchMatch>) {
    if content.len() > MAX_FILE || content.contains(&0) {
        return;
    }
    let content = content.strip_suffix(b"\n").unwrap_or(content);
    for (line, number) in content.split(|byte| *byte == b'\n').zip(1u64..) {
        if matches.len() > limit {
            return;
        }
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if pattern.is_match(line) {
            matches.push(SearchMatch {
                path: path.to_owned(),
                line: number,
                text: rules::shown(&String::from_utf8_lossy(line)),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pattern: &str, is_regex: bool, content: &[u8]) -> Vec<(u64, String)> {
        let mut matches = Vec::new();
        let pattern = compile(pattern, is_regex).unwrap();
        find(&pattern, "f", content, 100, &mut matches);
        matches.into_iter().map(|m| (m.line, m.text)).collect()
    }

    #[test]
    fn plain_text_is_not_a_pattern() {
        assert_eq!(
            found("a.b", false, b"axb\r\na.b\r\n"),
            [(2, "a.b".to_owned())]
        );
        assert_eq!(
            found("^a.b$", true, b"axb\r\nxa.b\n"),
            [(1, "axb".to_owned())]
        );
        assert_eq!(
            found(r"(?i)\bSUM\b", true, b"sum of\nsums\n"),
            [(1, "sum of".to_owned())]
        );
    }

    #[test]
    fn an_empty_last_line_is_no_line_and_binary_is_passed_over() {
        assert_eq!(found("x*", true, b"a\n").len(), 1);
        assert!(found("a", false, b"a\0b").is_empty());
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for pattern in ["", "(", &"x".repeat(1001), r"(\w{100}){100}{100}"] {
            assert_eq!(
                compile(pattern, true).unwrap_err().code,
                "invalid_pattern",
                "{pattern}"
            );
        }
    }
}
