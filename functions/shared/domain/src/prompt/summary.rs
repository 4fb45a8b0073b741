use std::collections::BTreeMap;

use super::{CheckState, Progress, cut};
use crate::action::{Action, DoneOutcome, Performed};

/// Longest summary of an attempt, in bytes.
pub const SUMMARY_LIMIT: usize = 1_500;

/// Longest end of a failing output, in bytes.
const OUTPUT: usize = 1_500;

/// Most files and commands that are named.
const NAMED: usize = 12;

/// One paragraph on what a run did, for the next attempt (invariant I10): what it read, changed and ran, how that went,
/// and what it said itself. The same log gives the same text.
pub fn summary(log: &[Performed], ended: &str) -> String {
    let progress = Progress::from_log(log);
    let mut sentences = vec![format!(
        "{} actions, ended with {}.",
        log.len(),
        cut::one_line(ended, 100)
    )];
    if !progress.files_read.is_empty() {
        sentences.push(format!("Read {}.", named(&progress.files_read)));
    }
    let searches = distinct(log, |action| match action {
        Action::Search { query, .. } => Some(format!("\"{}\"", cut::one_line(query, 60))),
        _ => None,
    });
    if !searches.is_empty() {
        sentences.push(format!("Searched for {}.", named(&searches)));
    }
    if !progress.files_changed.is_empty() {
        let edits = log
            .iter()
            .filter(|entry| entry.action.changes_file() && entry.outcome.is_ok())
            .count();
        sentences.push(format!(
            "Changed {} ({edits} changes).",
            named(&progress.files_changed)
        ));
    }
    let commands = distinct(log, |action| match action {
        Action::RunCommand { argv, .. } => {
            Some(format!("`{}`", cut::one_line(&argv.join(" "), 80)))
        }
        _ => None,
    });
    if !commands.is_empty() {
        sentences.push(format!("Ran {}.", named(&commands)));
    }
    for (name, state) in [("build", progress.build), ("tests", progress.tests)] {
        match state {
            CheckState::NotRun => {}
            CheckState::Passed => sentences.push(format!("Last {name}: passed.")),
            CheckState::Failed => sentences.push(format!("Last {name}: failed.")),
            CheckState::Outdated => {
                sentences.push(format!("Last {name}: passed, before the last change."))
            }
        }
    }
    match (progress.commits, progress.uncommitted) {
        (0, true) => sentences.push("Nothing was committed.".to_owned()),
        (0, false) => {}
        (commits, uncommitted) => {
            let lost = if uncommitted {
                ", and left changes uncommitted"
            } else {
                ""
            };
            sentences.push(format!("Made {commits} commit(s){lost}."));
        }
    }
    let errors = errors(log);
    if !errors.is_empty() {
        sentences.push(format!("Errors: {}.", errors.join(", ")));
    }
    let said = log.iter().rev().find_map(|entry| match &entry.action {
        Action::Done { summary, outcome } => Some((*outcome, summary.as_str())),
        _ => None,
    });
    if let Some((outcome, said)) = said {
        let what = match outcome {
            DoneOutcome::Success => "It said at the end",
            DoneOutcome::Failure => "It gave up and said",
        };
        sentences.push(format!(
            "{what}: {}",
            cut::middle(&said.split_whitespace().collect::<Vec<_>>().join(" "), 600)
        ));
    }
    cut::middle(&sentences.join(" "), SUMMARY_LIMIT).replace('\n', " ")
}

/// The end of the output of the last build, test, lint or command that ran and failed.
pub fn failing_output(log: &[Performed]) -> Option<String> {
    log.iter()
        .rev()
        .find(|entry| {
            entry
                .action
                .failure_code()
                .is_some_and(|code| entry.outcome.failed_with(&[code]))
        })
        .map(|entry| {
            let output = cut::head_and_tail(entry.outcome.text.trim(), 0, OUTPUT);
            format!("{}\n{}", entry.action.label(), output.trim())
        })
}

fn named(names: &[String]) -> String {
    let shown: Vec<&str> = names.iter().take(NAMED).map(String::as_str).collect();
    match names.len().saturating_sub(NAMED) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

fn distinct(log: &[Performed], name: impl Fn(&Action) -> Option<String>) -> Vec<String> {
    log.iter()
        .filter_map(|entry| name(&entry.action))
        .fold(Vec::new(), |mut names, name| {
            if !names.contains(&name) {
                names.push(name);
            }
            names
        })
}

/// `edit_file edit_not_found ×2`, most frequent first.
fn errors(log: &[Performed]) -> Vec<String> {
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for entry in log.iter().filter(|entry| !entry.outcome.is_ok()) {
        let code = entry.outcome.code.as_deref().unwrap_or("failed");
        *counts.entry((entry.action.name(), code)).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by(|(_, a), (_, b)| b.cmp(a));
    counts
        .into_iter()
        .take(NAMED)
        .map(|((action, code), count)| {
            if count == 1 {
                format!("{action} {code}")
            } else {
                format!("{action} {code} ×{count}")
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::ActionOutcome;

    fn entry(action: Action, outcome: ActionOutcome) -> Performed {
        Performed {
            step: 1,
            action,
            outcome,
        }
    }

    fn log() -> Vec<Performed> {
        let edit = |new: &str| Action::EditFile {
            path: "src/a.rs".into(),
            old_text: "a".into(),
            new_text: new.into(),
        };
        let ok = || ActionOutcome::ok("");
        vec![
            entry(
                Action::ReadFile {
                    path: "src/a.rs".into(),
                    first_line: None,
                    last_line: None,
                },
                ok(),
            ),
            entry(
                Action::Search {
                    query: "sum".into(),
                    path: None,
                    regex: false,
                },
                ok(),
            ),
            entry(edit("b"), ActionOutcome::refused("edit_not_found", "x")),
            entry(edit("c"), ActionOutcome::refused("edit_not_found", "x")),
            entry(edit("d"), ok()),
            entry(
                Action::Test { pattern: None },
                ActionOutcome::error("tests_failed", "long\nassertion failed"),
            ),
            entry(
                Action::Build {},
                ActionOutcome::error("not_configured", "no build"),
            ),
            entry(
                Action::Done {
                    summary: "I could\nnot".into(),
                    outcome: DoneOutcome::Failure,
                },
                ok(),
            ),
        ]
    }

    #[test]
    fn a_run_in_one_paragraph() {
        assert_eq!(
            summary(&log(), "gave_up"),
            "8 actions, ended with gave_up. Read src/a.rs. Searched for \"sum\". Changed src/a.rs (1 changes). Last \
             tests: failed. Nothing was committed. Errors: edit_file edit_not_found ×2, build not_configured, test \
             tests_failed. It gave up and said: I could not"
        );
        assert_eq!(
            failing_output(&log()).as_deref(),
            Some("test\nlong\nassertion failed")
        );
        assert_eq!(
            summary(&[], "lease_lost"),
            "0 actions, ended with lease_lost."
        );
        assert_eq!(failing_output(&[]), None);
    }

    #[test]
    fn it_is_bounded() {
        let log: Vec<Performed> = (0..500)
            .flat_map(|i| {
                let path = format!("{}{i}", "long/".repeat(30));
                [
                    entry(
                        Action::ReadFile {
                            path: path.clone(),
                            first_line: None,
                            last_line: None,
                        },
                        ActionOutcome::ok(""),
                    ),
                    entry(
                        Action::WriteFile {
                            path,
                            content: String::new(),
                        },
                        ActionOutcome::ok(""),
                    ),
                ]
            })
            .collect();
        let text = summary(&log, "step_limit");
        assert!(
            text.len() <= SUMMARY_LIMIT && !text.contains('\n'),
            "{}",
            text.len()
        );
    }
}
