use serde::{Deserialize, Serialize};

use super::{PromptContext, cut};
use crate::action::{Action, Performed};
use crate::money::dollars_and_cents;

/// How the last build, test or lint went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckState {
    /// It did not run.
    #[default]
    NotRun,
    /// It passed, and nothing changed since.
    Passed,
    /// It failed.
    Failed,
    /// It passed before the last change.
    Outdated,
}

impl CheckState {
    fn word(self) -> &'static str {
        match self {
            Self::NotRun => "not run",
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Outdated => "passed, but files changed since",
        }
    }

    fn file_changed(&mut self) {
        if *self == Self::Passed {
            *self = Self::Outdated;
        }
    }
}

/// What a run did so far, as far as the next step needs to know it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Progress {
    /// Files read, in order, each once.
    pub files_read: Vec<String>,
    /// Files changed, in order, each once.
    pub files_changed: Vec<String>,
    /// The last build.
    pub build: CheckState,
    /// The last test of everything.
    pub tests: CheckState,
    /// Whether files changed after the last commit.
    pub uncommitted: bool,
    /// Commits made.
    pub commits: usize,
    /// Whether the last commit is pushed.
    pub pushed: bool,
    /// Actions that were refused or failed.
    pub errors: usize,
}

impl Progress {
    /// Reads it off the run's action log, oldest first.
    pub fn from_log(log: &[Performed]) -> Self {
        let mut progress = Self::default();
        for entry in log {
            progress.add(entry);
        }
        progress
    }

    fn add(&mut self, entry: &Performed) {
        let ok = entry.outcome.is_ok();
        let failed = entry
            .action
            .failure_code()
            .is_some_and(|code| entry.outcome.failed_with(&[code]));
        if !ok {
            self.errors += 1;
        }
        match &entry.action {
            Action::Build {} if ok => self.build = CheckState::Passed,
            Action::Build {} if failed => self.build = CheckState::Failed,
            // A part of the tests says nothing good about all of them.
            Action::Test { pattern: None } if ok => self.tests = CheckState::Passed,
            Action::Test { .. } if failed => self.tests = CheckState::Failed,
            Action::ReadFile { path, .. } if ok => remember(&mut self.files_read, path),
            Action::GitCommit { .. } if ok => {
                self.commits += 1;
                self.uncommitted = false;
                self.pushed = false;
            }
            Action::GitPush {} if ok => self.pushed = true,
            action if ok && action.changes_file() => {
                if let Action::MoveFile { from, .. } = action {
                    remember(&mut self.files_changed, from);
                }
                if let Some(path) = action.file() {
                    remember(&mut self.files_changed, path);
                }
                self.uncommitted = true;
                self.build.file_changed();
                self.tests.file_changed();
            }
            _ => {}
        }
    }
}

fn remember(list: &mut Vec<String>, path: &str) {
    if !list.iter().any(|known| known == path) {
        list.push(path.to_owned());
    }
}

/// Most files that are listed.
const FILES: usize = 15;

/// Steps left at which the model is told to bring its work to an end.
const FEW_STEPS: i64 = 3;

/// The last message of every call: where the run stands and what is left.
pub fn progress(context: &PromptContext<'_>) -> String {
    let remaining = &context.remaining;
    let progress = &context.progress;
    let mut text = format!("[Step {} of {}", remaining.step, remaining.max_steps);
    if let Some(money) = remaining.micro_usd {
        text.push_str(&format!(", {} left", dollars_and_cents(money)));
    }
    text.push_str("]\n");
    if *progress != Progress::default() {
        text.push_str(&format!(
            "Build: {}; tests: {}",
            progress.build.word(),
            progress.tests.word()
        ));
        if progress.commits > 0 {
            let pushed = if progress.pushed { ", pushed" } else { "" };
            text.push_str(&format!("; commits: {}{pushed}", progress.commits));
        }
        if progress.uncommitted {
            text.push_str("; uncommitted changes");
        }
        if progress.errors > 0 {
            text.push_str(&format!("; errors: {}", progress.errors));
        }
        text.push('\n');
        files(&mut text, "Files read", &progress.files_read);
        files(&mut text, "Files changed", &progress.files_changed);
    }
    let left = remaining.max_steps.saturating_sub(remaining.step);
    if remaining.max_steps > 0 && left < FEW_STEPS {
        text.push_str(match left {
            ..=0 => "This is your last step: use done now, with outcome failure if the goal is not reached.",
            _ if progress.uncommitted => "Few steps are left: test and commit what works, then use done.",
            _ => "Few steps are left: bring the work to an end with done.",
        });
        text.push('\n');
    }
    text.push_str("What is your next action?");
    text
}

fn files(text: &mut String, title: &str, files: &[String]) {
    if files.is_empty() {
        return;
    }
    let first = files.len().saturating_sub(FILES);
    let shown: Vec<_> = files
        .iter()
        .skip(first)
        .map(|path| cut::one_line(path, 100))
        .collect();
    let more = if first > 0 {
        format!(" and {first} before")
    } else {
        String::new()
    };
    text.push_str(&format!("{title}: {}{more}\n", shown.join(", ")));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::ActionOutcome;
    use crate::prompt::Remaining;

    fn entry(action: Action, outcome: ActionOutcome) -> Performed {
        Performed {
            step: 1,
            action,
            outcome,
        }
    }

    fn edit(path: &str) -> Action {
        Action::EditFile {
            path: path.into(),
            old_text: "a".into(),
            new_text: "b".into(),
        }
    }

    #[test]
    fn progress_is_read_off_the_log() {
        let ok = || ActionOutcome::ok("");
        let read = Action::ReadFile {
            path: "a".into(),
            first_line: None,
            last_line: None,
        };
        let mut log = vec![
            entry(read.clone(), ok()),
            entry(read, ok()),
            entry(
                Action::Test { pattern: None },
                ActionOutcome::error("tests_failed", "x"),
            ),
            entry(edit("a"), ActionOutcome::refused("edit_not_found", "x")),
            entry(edit("a"), ok()),
            entry(
                Action::Test {
                    pattern: Some("x".into()),
                },
                ok(),
            ),
        ];
        let progress = Progress::from_log(&log);
        assert_eq!(progress.files_read, ["a"]);
        assert_eq!(progress.files_changed, ["a"]);
        assert_eq!(
            (progress.tests, progress.errors, progress.uncommitted),
            (CheckState::Failed, 2, true)
        );
        log.push(entry(Action::Test { pattern: None }, ok()));
        assert_eq!(Progress::from_log(&log).tests, CheckState::Passed);
        log.push(entry(
            Action::GitCommit {
                message: "m".into(),
            },
            ok(),
        ));
        log.push(entry(Action::GitPush {}, ok()));
        let progress = Progress::from_log(&log);
        assert_eq!(
            (progress.commits, progress.pushed, progress.uncommitted),
            (1, true, false)
        );
        log.push(entry(
            Action::MoveFile {
                from: "b".into(),
                to: "c".into(),
            },
            ok(),
        ));
        let progress = Progress::from_log(&log);
        assert_eq!(
            (progress.tests, progress.uncommitted),
            (CheckState::Outdated, true)
        );
        assert_eq!(progress.files_changed, ["a", "b", "c"]);
    }

    #[test]
    fn a_check_that_could_not_run_says_nothing() {
        let log = [entry(
            Action::Build {},
            ActionOutcome::error("not_configured", "x"),
        )];
        assert_eq!(Progress::from_log(&log).build, CheckState::NotRun);
    }

    #[test]
    fn the_last_steps_are_announced() {
        let text = |step, uncommitted| {
            progress(&PromptContext {
                remaining: Remaining {
                    step,
                    max_steps: 25,
                    micro_usd: Some(1_234_567),
                },
                progress: Progress {
                    uncommitted,
                    ..Progress::default()
                },
                ..PromptContext::default()
            })
        };
        assert!(text(1, false).starts_with("[Step 1 of 25, $1.23 left]\n"));
        assert!(!text(20, true).contains("Few steps"));
        assert!(text(23, true).contains("test and commit"));
        assert!(text(24, false).contains("bring the work to an end"));
        assert!(text(25, true).contains("last step"));
    }
}
