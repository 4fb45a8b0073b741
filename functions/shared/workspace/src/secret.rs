//! What counts as a secret that must not be committed.

use serde::Serialize;

use crate::WorkspaceError;

/// A line that looks like it holds a secret. The secret itself is never part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The file.
    pub path: String,
    /// The line's number in the new version of the file, from 1.
    pub line: u32,
    /// What it looks like.
    pub what: &'static str,
}

const NAMES: [&str; 8] = [
    "apikey",
    "secret",
    "secretkey",
    "token",
    "accesskey",
    "privatekey",
    "password",
    "passwd",
];
const MIN_VALUE: usize = 20;

/// What secret a line seems to hold, if any: an AWS key id, a private key's header, a GitHub token, or a quoted value
/// of at least 20 characters given to something called an API key, secret, token or password.
pub fn in_line(line: &str) -> Option<&'static str> {
    if has_key_header(line) {
        return Some("the header of a private key");
    }
    for word in line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
        let rest = word
            .strip_prefix("AKIA")
            .or_else(|| word.strip_prefix("ASIA"));
        if rest.is_some_and(|r| {
            r.len() == 16
                && r.bytes()
                    .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        }) {
            return Some("an AWS access key id");
        }
        let rest = ["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"]
            .iter()
            .find_map(|p| word.strip_prefix(p));
        if rest.is_some_and(|r| r.len() >= 36) {
            return Some("a GitHub token");
        }
    }
    has_named_value(line).then_some("a value given to an API key, secret, token or password")
}

/// Finds secrets in the added lines of a unified diff as `git diff` prints it, with the prefixes `a/` and `b/`.
pub fn in_diff(diff: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut path = String::new();
    // Lines of the current hunk still to come; only outside of a hunk does `+++` name a file.
    let (mut old_left, mut new_left, mut number) = (0u32, 0u32, 0u32);
    for line in diff.lines() {
        if old_left == 0 && new_left == 0 {
            if let Some(name) = line.strip_prefix("+++ ") {
                let name = name.trim_end_matches('\t');
                path = name.strip_prefix("b/").unwrap_or(name).to_owned();
            } else if let Some(header) = line.strip_prefix("@@ ")
                && let Some((old, new, first)) = hunk(header)
            {
                (old_left, new_left, number) = (old, new, first);
            }
            continue;
        }
        match line.as_bytes().first() {
            Some(b'+') => {
                if let Some(what) = in_line(line.get(1..).unwrap_or_default()) {
                    findings.push(Finding {
                        path: path.clone(),
                        line: number,
                        what,
                    });
                }
                new_left = new_left.saturating_sub(1);
                number = number.saturating_add(1);
            }
            Some(b'-') => old_left = old_left.saturating_sub(1),
            Some(b'\\') => {}
            _ => {
                old_left = old_left.saturating_sub(1);
                new_left = new_left.saturating_sub(1);
                number = number.saturating_add(1);
            }
        }
    }
    findings
}

/// Refuses a commit with `secret_found` where there are findings, and says where.
pub fn refuse(findings: &[Finding]) -> Result<(), WorkspaceError> {
    if findings.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = findings
        .iter()
        .map(|found| format!("{}:{} ({})", found.path, found.line, found.what))
        .collect();
    Err(WorkspaceError::refused(
        "secret_found",
        format!(
            "nothing was committed, because these lines look like secrets: {}; read them from the environment or a \
             file that is not committed",
            lines.join(", ")
        ),
    )
    .with("findings", serde_json::to_value(findings).unwrap_or_default()))
}

/// `-1,2 +3,4 @@ …` → (2, 4, 3); a missing count is 1.
fn hunk(header: &str) -> Option<(u32, u32, u32)> {
    let mut parts = header.split(' ');
    let mut range = |sign| {
        let text = parts.next()?.strip_prefix(sign)?;
        let (start, count) = text.split_once(',').unwrap_or((text, "1"));
        Some((start.parse::<u32>().ok()?, count.parse::<u32>().ok()?))
    };
    let (_, old) = range('-')?;
    let (first, new) = range('+')?;
    Some((old, new, first))
}

fn has_key_header(line: &str) -> bool {
    let Some((_, rest)) = line.split_once("-----BEGIN ") else {
        return false;
    };
    rest.split_once("PRIVATE KEY-----")
        .is_some_and(|(kind, _)| {
            kind.bytes()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b' ')
        })
}

fn has_named_value(line: &str) -> bool {
    let mut before = 0;
    while let Some((open, quote)) = line
        .get(before..)
        .and_then(|rest| {
            rest.char_indices()
                .find(|(_, c)| matches!(c, '"' | '\'' | '`'))
        })
        .map(|(at, c)| (before + at, c))
    {
        let start = open + quote.len_utf8();
        let Some(length) = line.get(start..).and_then(|rest| rest.find(quote)) else {
            return false;
        };
        let value = line.get(start..start + length).unwrap_or_default();
        let is_value = value.len() >= MIN_VALUE
            && value
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"_-./+=".contains(&b));
        if is_value && is_named(line.get(..open).unwrap_or_default()) {
            return true;
        }
        before = start + length + quote.len_utf8();
    }
    false
}

/// Whether the text before a value gives it to something with a tell-tale name: `api_key =`, `"token":`.
fn is_named(text: &str) -> bool {
    let text = text.trim_end();
    if !text.ends_with(['=', ':', '>']) {
        return false;
    }
    let start = text.rfind([',', ';', '{', '(']).map_or(0, |at| at + 1);
    text.get(start..)
        .unwrap_or_default()
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-')
        .any(|name| {
            let name: String = name
                .chars()
                .filter(char::is_ascii_alphanumeric)
                .map(|c| c.to_ascii_lowercase())
                .collect();
            NAMES.iter().any(|known| name.ends_with(known))
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value(length: usize) -> String {
        "a1B2".chars().cycle().take(length).collect()
    }

    #[test]
    fn secrets_are_seen() {
        let aws = format!("AKIA{}", "ABCDEFGH01234567");
        for line in [
            format!("id = {aws}"),
            format!("-----BEGIN {}PRIVATE KEY-----", "RSA "),
            format!("-----BEGIN {}-----", "PRIVATE KEY"),
            format!("let api_key = \"{}\";", value(20)),
            format!("const token: &str = \"{}\";", value(32)),
            format!("{{\"name\": \"x\", \"client-secret\": \"{}\"}}", value(24)),
            format!("accessToken: '{}'", value(40)),
            format!("x = ghp_{}", value(36)),
        ] {
            assert!(in_line(&line).is_some(), "{line}");
        }
    }

    #[test]
    fn ordinary_code_is_not_a_secret() {
        for line in [
            format!("let api_key = \"{}\";", value(19)),
            format!("let tokenizer = \"{}\";", value(40)),
            "let token = read_token_from_the_environment();".to_owned(),
            "token = \"${{ secrets.GITHUB_TOKEN }}\"".to_owned(),
            "the secret is that \"there is no secret in this text\"".to_owned(),
            format!("checksum = \"{}\"", value(64)),
            "keymanager.go".to_owned(),
            format!("-----BEGIN {}-----", "PUBLIC KEY"),
            format!("XAKIA{}", "ABCDEFGH01234567"),
        ] {
            assert_eq!(in_line(&line), None, "{line}");
        }
    }

    #[test]
    fn only_added_lines_count_and_file_and_line_are_named() {
        let secret = format!("token = \"{}\"", value(20));
        let diff = format!(
            "diff --git a/x.rs b/x.rs\n--- a/x.rs\n+++ b/x.rs\n@@ -4 +4,2 @@ fn x()\n-{secret}\n+++ b/y.rs\n+{secret}\n\
             diff --git a/z b/z\n--- /dev/null\n+++ b/z\n@@ -0,0 +1 @@\n+{secret}\n\\ No newline at end of file\n"
        );
        let found: Vec<(String, u32)> = in_diff(&diff)
            .into_iter()
            .map(|f| (f.path, f.line))
            .collect();
        assert_eq!(found, [("x.rs".to_owned(), 5), ("z".to_owned(), 1)]);
    }

    proptest! {
        #[test]
        fn any_text_can_be_scanned(line in any::<String>(), diff in "(@@ -[0-9],?[0-9]? \\+[0-9],[0-9] @@|[-+ ].{0,9}|\\PC{0,9})\n{0,9}") {
            let _ = in_line(&line);
            let _ = in_diff(&diff);
        }
    }
}
