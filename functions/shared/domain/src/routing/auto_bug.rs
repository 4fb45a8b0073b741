use super::text::holds;
use super::{BugKind, RoutingReason, WantedRole};
use crate::role::Role;

/// What gives one kind of error away, and who takes it.
struct Rule {
    kind: BugKind,
    role: &'static str,
    /// Words and phrases, matched as [`holds`] does.
    phrases: &'static [&'static str],
    /// HTTP statuses, which count only where they stand as one.
    statuses: &'static [&'static str],
    /// Tags, matched whole.
    tags: &'static [&'static str],
}

/// In this order; the first that matches wins.
const RULES: [Rule; 6] = [
    Rule {
        kind: BugKind::Build,
        role: "devops-engineer",
        phrases: &[
            "build failed",
            "build failure",
            "docker*",
            "compile",
            "compiler",
            "deployment",
            "makefile",
            "ci/cd",
            "pipeline",
            "container",
        ],
        statuses: &[],
        tags: &["build", "deployment", "docker"],
    },
    Rule {
        kind: BugKind::Frontend,
        role: "web-designer",
        phrases: &[
            "javascript",
            "js_error",
            "syntaxerror",
            "referenceerror",
            "typeerror",
            "uncaught",
            "undefined",
            "is not a function",
            "is not defined",
            "cannot read",
            "cannot access",
            "ui error",
        ],
        statuses: &[],
        tags: &["frontend", "javascript", "js_error"],
    },
    Rule {
        kind: BugKind::Backend,
        role: Role::ENGINEERING_MANAGER,
        phrases: &[
            "panic",
            "panicked",
            "runtime error",
            "nil pointer",
            "invalid memory",
            "undefined:",
            "cannot use",
            "go build",
            "compilation error",
        ],
        statuses: &[],
        tags: &["backend", "golang", "go_error"],
    },
    Rule {
        kind: BugKind::Api,
        role: Role::ENGINEERING_MANAGER,
        phrases: &[
            "api error",
            "api failure",
            "api request failed",
            "http",
            "status code",
            "endpoint",
            "route not found",
        ],
        statuses: &["404", "405", "500", "502", "503"],
        tags: &["api", "api_error", "http"],
    },
    Rule {
        kind: BugKind::Database,
        role: Role::ENGINEERING_MANAGER,
        phrases: &[
            "database",
            "sql",
            "query",
            "queries",
            "connection refused",
            "postgres*",
            "sqlite*",
            "deadlock",
            "deadlocked",
            "constraint",
            "foreign key",
        ],
        statuses: &[],
        tags: &["database", "sql", "db_error"],
    },
    Rule {
        kind: BugKind::Styling,
        role: "web-designer",
        phrases: &[
            "css",
            "style",
            "styling",
            "layout",
            "rendering",
            "display",
            "flexbox",
            "grid",
            "responsive",
        ],
        statuses: &[],
        tags: &["css", "styling", "ui"],
    },
];

/// Words before a number that make it an HTTP status.
const BEFORE_STATUS: [&str; 15] = [
    "http",
    "status",
    "code",
    "error",
    "returned",
    "returns",
    "return",
    "got",
    "gets",
    "response",
    "responded",
    "with",
    "failed",
    "a",
    "an",
];

/// Words after a number that make it an HTTP status.
const AFTER_STATUS: [&str; 11] = [
    "error",
    "errors",
    "response",
    "responses",
    "status",
    "not",
    "method",
    "internal",
    "bad",
    "service",
    "from",
];

/// The role for an automatically filed bead, or `None` when its words are of no kind.
pub(super) fn route(title: &str, description: &str, tags: &[String]) -> Option<WantedRole> {
    let text = without_addresses(&format!("{title}\n{description}").to_lowercase());
    let tags: Vec<String> = tags.iter().map(|tag| tag.trim().to_lowercase()).collect();
    RULES.iter().find_map(|rule| {
        let word = rule
            .phrases
            .iter()
            .find(|phrase| says(&text, phrase))
            .or_else(|| rule.statuses.iter().find(|status| is_status(&text, status)))
            .or_else(|| {
                rule.tags
                    .iter()
                    .find(|tag| tags.iter().any(|own| own == *tag))
            })?;
        let role = Role::parse(rule.role).ok()?;
        let word = word.trim_end_matches('*').to_owned();
        Some(WantedRole {
            role,
            reason: RoutingReason::AutoBug {
                kind: rule.kind,
                word,
            },
        })
    })
}

/// `undefined` alone is JavaScript's; before a colon it is the Go compiler's.
fn says(text: &str, phrase: &str) -> bool {
    if phrase == "undefined" {
        return holds(&text.replace("undefined:", ""), phrase);
    }
    holds(text, phrase)
}

/// Whether the number stands where a status stands: after a path, or beside a word that says so. "404 rows" is none.
fn is_status(text: &str, number: &str) -> bool {
    let tokens: Vec<&str> = text.split_whitespace().collect();
    let bare = |token: &str| {
        token
            .trim_matches(|c: char| !c.is_alphanumeric())
            .to_owned()
    };
    tokens.iter().enumerate().any(|(at, token)| {
        if bare(token) != number {
            return false;
        }
        let before = at
            .checked_sub(1)
            .and_then(|at| tokens.get(at))
            .copied()
            .unwrap_or_default();
        let after = tokens.get(at + 1).copied().unwrap_or_default();
        before.starts_with('/')
            || BEFORE_STATUS.contains(&bare(before).as_str())
            || AFTER_STATUS.contains(&bare(after).as_str())
    })
}

/// The text without URLs: every link begins with `http`, and says nothing about an error.
fn without_addresses(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    for line in text.lines() {
        for word in line.split(' ') {
            if !word.contains("://") {
                kept.push_str(word);
                kept.push(' ');
            }
        }
        kept.push('\n');
    }
    kept
}
