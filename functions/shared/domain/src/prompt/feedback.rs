use super::suggestions::suggestion;
use super::{Fence, cut};
use crate::action::{Action, ActionOutcome, OutcomeStatus};
use crate::conversation::{Message, Speaker};

/// Most bytes of a file that are shown.
pub const FILE_LIMIT: usize = 8_000;
/// Most bytes of a build's, test's or linter's output that are shown.
pub const OUTPUT_LIMIT: usize = 4_000;
/// Most bytes of a command's output, and of everything else, that are shown.
pub const COMMAND_LIMIT: usize = 6_000;

/// An action's result for the model: what it was and how it went, the fenced text within its limit, and what to do about
/// an error.
pub fn format_result(action: &Action, outcome: &ActionOutcome) -> String {
    let code = outcome.code.as_deref();
    let how = match (outcome.status, code) {
        (OutcomeStatus::Ok, _) => "ok".to_owned(),
        (OutcomeStatus::Refused, Some(code)) => format!("refused ({code})"),
        (OutcomeStatus::Refused, None) => "refused".to_owned(),
        (OutcomeStatus::Error, Some(code)) => format!("failed ({code})"),
        (OutcomeStatus::Error, None) => "failed".to_owned(),
    };
    let mut text = format!("{}: {how}", action.label());
    let shown = shown(action, outcome);
    if !shown.trim().is_empty() {
        text.push('\n');
        text.push_str(&Fence::around(&[&shown]).wrap(action.name(), &shown));
    }
    if shown.len() < outcome.text.len()
        && matches!(action, Action::ReadFile { .. })
        && outcome.is_ok()
    {
        text.push_str("\nThe middle is left out; ask for the lines that you need with first_line and last_line.");
    }
    if let Some(suggestion) = code.and_then(suggestion) {
        text.push('\n');
        text.push_str(suggestion);
    }
    text
}

fn shown(action: &Action, outcome: &ActionOutcome) -> String {
    let text = outcome.text.as_str();
    match action {
        Action::ReadFile { .. } => cut::middle(text, FILE_LIMIT).into_owned(),
        Action::Build {} | Action::Test { .. } | Action::Lint {} => {
            check_output(text, OUTPUT_LIMIT)
        }
        _ => cut::head_and_tail(text, COMMAND_LIMIT / 2, COMMAND_LIMIT / 2).into_owned(),
    }
}

/// Lines that start the report of an error, in the words of common compilers, linters and test runners.
const ERROR_WORDS: &[&str] = &[
    "error",
    "Error",
    "ERROR",
    "FAIL",
    "failed",
    "panicked at",
    "Exception",
    "undefined:",
    "assert",
    "not ok ",
    "✗",
    "✕",
];

/// Lines after such a line that belong to it.
const LINES_AFTER: usize = 3;

/// Of a long output first the errors, then the end: the summary is at the end, what must be fixed is not.
fn check_output(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let errors_limit = limit / 3 * 2;
    let mut errors = String::new();
    let mut wanted = 0_usize;
    let mut gap = false;
    for line in text.lines() {
        if ERROR_WORDS.iter().any(|word| line.contains(word)) {
            wanted = LINES_AFTER + 1;
        }
        if wanted == 0 {
            gap = true;
            continue;
        }
        wanted -= 1;
        let line = cut::middle(line, 400);
        if errors.len() + line.len() + 8 > errors_limit {
            break;
        }
        if gap && !errors.is_empty() {
            errors.push_str("[…]\n");
        }
        gap = false;
        errors.push_str(&line);
        errors.push('\n');
    }
    if errors.is_empty() {
        return cut::middle(text, limit).into_owned();
    }
    let rest = limit.saturating_sub(errors.len());
    let start = cut::ceil(text, text.len().saturating_sub(rest));
    format!(
        "{errors}[the end of the output]\n{}",
        text.get(start..).unwrap_or_default()
    )
}

/// The answer to an action that was not tried because an earlier one of the same reply failed; see
/// [`Action::concludes`].
pub fn not_tried(action: &Action) -> String {
    format!(
        "{}: not tried, because an earlier action of your reply failed. Put that right first.",
        action.label()
    )
}

/// The messages that bring results back: a tool message for each call, in order, and one user message with all
/// results of actions that were written as text.
pub fn result_messages(results: &[(Option<String>, String)]) -> Vec<Message> {
    let mut messages: Vec<Message> = results
        .iter()
        .filter_map(|(id, text)| Some(Message::tool_result(id.clone()?, text.clone())))
        .collect();
    let texts: Vec<&str> = results
        .iter()
        .filter(|(id, _)| id.is_none())
        .map(|(_, text)| text.as_str())
        .collect();
    if !texts.is_empty() {
        messages.push(Message::text(Speaker::User, texts.join("\n\n")));
    }
    messages
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read() -> Action {
        Action::ReadFile {
            path: "src/a.rs".into(),
            first_line: None,
            last_line: None,
        }
    }

    #[test]
    fn results_say_what_and_how() {
        let text = format_result(&read(), &ActionOutcome::ok("fn main() {}\n"));
        assert!(text.starts_with("read_file src/a.rs: ok\n<data-"), "{text}");
        assert!(
            text.contains("source=\"read_file\">\nfn main() {}\n</data-"),
            "{text}"
        );
        let text = format_result(
            &read(),
            &ActionOutcome::refused("file_not_found", "There is no file src/a.rs."),
        );
        assert!(
            text.starts_with("read_file src/a.rs: refused (file_not_found)\n"),
            "{text}"
        );
        assert!(
            text.ends_with("paths start at the repository's root."),
            "{text}"
        );
        assert_eq!(
            format_result(&Action::GitPush {}, &ActionOutcome::ok("")),
            "git_push: ok"
        );
    }

    #[test]
    fn long_results_are_cut_and_say_so() {
        let file = "some line of code\n".repeat(2_000);
        let text = format_result(&read(), &ActionOutcome::ok(file.clone()));
        assert!(
            text.len() < FILE_LIMIT + 400
                && text.contains("lines left out]")
                && text.contains("first_line")
        );
        let command = Action::RunCommand {
            argv: vec!["x".into()],
            directory: None,
            timeout_seconds: None,
        };
        let text = format_result(&command, &ActionOutcome::ok(format!("HEAD{file}TAIL")));
        assert!(
            text.len() < COMMAND_LIMIT + 300 && text.contains("HEAD") && text.contains("TAIL\n</")
        );
    }

    #[test]
    fn errors_come_before_the_end() {
        let noise = "   Compiling something v1.0.0\n".repeat(500);
        let output = format!(
            "{noise}error[E0308]: mismatched types\n --> src/a.rs:3:5\n  |\n3 | x\n{noise}test b ... FAILED\n{noise}test result: 1 bad\n"
        );
        let text = check_output(&output, OUTPUT_LIMIT);
        assert!(text.len() <= OUTPUT_LIMIT + 60, "{}", text.len());
        assert!(text.starts_with("error[E0308]: mismatched types\n --> src/a.rs:3:5\n  |\n3 | x\n[…]\ntest b ... FAILED\n"));
        assert!(text.contains("[the end of the output]") && text.ends_with("test result: 1 bad\n"));
        let quiet = check_output(&noise, OUTPUT_LIMIT);
        assert!(quiet.contains("lines left out]"));
    }

    #[test]
    fn results_become_messages() {
        let results = vec![
            (Some("a".into()), "1".into()),
            (None, "2".into()),
            (None, "3".into()),
            (Some("b".into()), "4".into()),
        ];
        let messages = result_messages(&results);
        let told: Vec<_> = messages
            .iter()
            .map(|m| (m.tool_call_id.as_deref(), m.content.as_str()))
            .collect();
        assert_eq!(told, [(Some("a"), "1"), (Some("b"), "4"), (None, "2\n\n3")]);
    }

    proptest! {
        #[test]
        fn output_is_bounded_whatever_it_is(
            lines in proptest::collection::vec((any::<bool>(), 0_usize..300), 0..100),
        ) {
            let lines: Vec<String> = lines
                .into_iter()
                .map(|(error, length)| format!("{}{}", if error { "error" } else { "" }, "é".repeat(length)))
                .collect();
            let text = lines.join("\n");
            prop_assert!(check_output(&text, OUTPUT_LIMIT).len() <= OUTPUT_LIMIT + 100);
            let result = format_result(&Action::Build {}, &ActionOutcome::error("build_failed", text));
            prop_assert!(result.len() <= OUTPUT_LIMIT + 500);
        }
    }
}
