use std::collections::BTreeMap;

use super::{Lesson, LessonCategory};
use crate::action::{Action, Performed};
use crate::prompt::cut;

/// Failures of one kind before they teach something.
const REPEATED: usize = 2;

/// Longest detail, in bytes.
const DETAIL: usize = 600;

/// Codes with which an edit says that it did not find its place.
const EDIT_CODES: &[&str] = &["edit_not_found", "edit_ambiguous"];

/// The lessons of a finished run: from its action log and the code of its end. Only failures of the work count, such as
/// a build that ran and failed; that no build is configured, or that the workspace did not answer, teaches nothing
/// about the project. What an agent wrote down itself is a [`LessonCategory::Note`].
pub fn extract(log: &[Performed], ended: &str) -> Vec<Lesson> {
    let mut lessons = Vec::new();
    let builds = failures(log, |action| matches!(action, Action::Build {}));
    if let (REPEATED.., Some(last)) = (builds.len(), builds.last()) {
        let title = format!(
            "The build failed {} times: {}",
            builds.len(),
            first_error(last)
        );
        lessons.push(lesson(LessonCategory::CompilerError, &title, last));
    }
    let tests = failures(log, |action| matches!(action, Action::Test { .. }));
    if let (REPEATED.., Some(last)) = (tests.len(), tests.last()) {
        let title = format!(
            "The tests failed {} times: {}",
            tests.len(),
            first_error(last)
        );
        lessons.push(lesson(LessonCategory::TestFailure, &title, last));
    }
    let mut edits: BTreeMap<&str, usize> = BTreeMap::new();
    for entry in log
        .iter()
        .filter(|entry| entry.outcome.failed_with(EDIT_CODES))
    {
        if let Action::EditFile { path, .. } = &entry.action {
            *edits.entry(path).or_default() += 1;
        }
    }
    for (path, count) in edits.into_iter().filter(|(_, count)| *count >= REPEATED) {
        lessons.push(lesson(
            LessonCategory::EditFailure,
            &format!("{count} edits of {path} did not find their place"),
            "Read the lines around the place again right before the edit, and copy them exactly into old_text; or use \
             write_file when most of the file changes.",
        ));
    }
    match ended {
        "inner_loop" => {
            let what = log.last().map(|entry| entry.action.label()).unwrap_or_default();
            lessons.push(lesson(
                LessonCategory::LoopPattern,
                &format!("A run went in circles with {what}"),
                "The same action with the same result was repeated until the run was stopped. When a result does not \
                 change, what must change is something else.",
            ));
        }
        "step_limit" => lessons.push(lesson(
            LessonCategory::ConversationInsight,
            "A run ended at its step limit",
            &format!(
                "It took {} actions ({}) and did not come to an end. Find the place sooner, and commit a working part \
                 before going on.",
                log.len(),
                shares(log)
            ),
        )),
        "parse_failures" => lessons.push(lesson(
            LessonCategory::ConversationInsight,
            "A run ended because its replies could not be read",
            "Reply with action calls only, one small action at a time, and write long files in parts.",
        )),
        _ => {}
    }
    lessons.extend(
        log.iter()
            .filter(|entry| entry.outcome.is_ok())
            .filter_map(|entry| match &entry.action {
                Action::Remember { title, detail } => Some(Lesson {
                    category: LessonCategory::Note,
                    title: cut::one_line(title, 200),
                    detail: detail.trim().to_owned(),
                }),
                _ => None,
            }),
    );
    lessons
}

/// The outputs of what ran and failed.
fn failures(log: &[Performed], wanted: impl Fn(&Action) -> bool) -> Vec<&str> {
    log.iter()
        .filter(|entry| wanted(&entry.action))
        .filter(|entry| {
            entry
                .action
                .failure_code()
                .is_some_and(|code| entry.outcome.failed_with(&[code]))
        })
        .map(|entry| entry.outcome.text.as_str())
        .collect()
}

fn lesson(category: LessonCategory, title: &str, detail: &str) -> Lesson {
    let detail = cut::head_and_tail(detail.trim(), DETAIL / 4, DETAIL / 4 * 3 - 40).into_owned();
    Lesson {
        category,
        title: cut::one_line(title, 200),
        detail,
    }
}

/// The first line that tells of an error, else the last line.
fn first_error(output: &str) -> String {
    let line = output
        .lines()
        .find(|line| {
            ["error", "Error", "panicked", "FAIL"]
                .iter()
                .any(|word| line.contains(word))
        })
        .or_else(|| output.lines().rfind(|line| !line.trim().is_empty()));
    cut::one_line(line.unwrap_or("no output"), 140)
}

/// `12 read_file, 3 search`.
fn shares(log: &[Performed]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for entry in log {
        *counts.entry(entry.action.name()).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by(|(_, a), (_, b)| b.cmp(a));
    counts
        .into_iter()
        .take(5)
        .map(|(name, count)| format!("{count} {name}"))
        .collect::<Vec<_>>()
        .join(", ")
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

    fn build(code: &str) -> Performed {
        entry(
            Action::Build {},
            ActionOutcome::error(code, "Compiling\nerror[E0308]: mismatched types\n"),
        )
    }

    fn test() -> Performed {
        entry(
            Action::Test { pattern: None },
            ActionOutcome::error("tests_failed", "2 of 3 bad"),
        )
    }

    fn edit(path: &str, code: &str) -> Performed {
        let action = Action::EditFile {
            path: path.into(),
            old_text: "a".into(),
            new_text: "b".into(),
        };
        entry(action, ActionOutcome::refused(code, "x"))
    }

    fn categories(log: &[Performed], ended: &str) -> Vec<LessonCategory> {
        extract(log, ended)
            .into_iter()
            .map(|lesson| lesson.category)
            .collect()
    }

    #[test]
    fn only_repeated_real_failures_teach() {
        use LessonCategory::{
            CompilerError, ConversationInsight, EditFailure, LoopPattern, TestFailure,
        };
        for (log, ended, taught) in [
            (vec![], "merged", vec![]),
            (vec![build("build_failed")], "merged", vec![]),
            (
                vec![build("build_failed"), build("build_failed")],
                "merged",
                vec![CompilerError],
            ),
            (
                vec![build("not_configured"), build("not_configured")],
                "merged",
                vec![],
            ),
            (vec![build("workspace_unreachable"); 3], "merged", vec![]),
            (vec![test(), test()], "merged", vec![TestFailure]),
            (
                vec![edit("a", "edit_not_found"), edit("b", "edit_not_found")],
                "merged",
                vec![],
            ),
            (
                vec![edit("a", "edit_not_found"), edit("a", "edit_ambiguous")],
                "merged",
                vec![EditFailure],
            ),
            (
                vec![edit("a", "path_outside_workspace"); 3],
                "merged",
                vec![],
            ),
            (vec![test()], "inner_loop", vec![LoopPattern]),
            (vec![test()], "step_limit", vec![ConversationInsight]),
            (vec![], "parse_failures", vec![ConversationInsight]),
            (vec![], "lease_lost", vec![]),
        ] {
            assert_eq!(categories(&log, ended), taught, "{ended} {log:?}");
        }
    }

    #[test]
    fn a_lesson_names_the_first_error() {
        let lessons = extract(&[build("build_failed"), build("build_failed")], "merged");
        assert_eq!(
            lessons[0].title,
            "The build failed 2 times: error[E0308]: mismatched types"
        );
        assert!(lessons[0].detail.starts_with("Compiling"));
    }

    #[test]
    fn notes_are_kept_when_they_were_accepted() {
        let note = |outcome| {
            entry(
                Action::Remember {
                    title: "t".into(),
                    detail: " d ".into(),
                },
                outcome,
            )
        };
        let log = [
            note(ActionOutcome::ok("")),
            note(ActionOutcome::refused("x", "y")),
        ];
        assert_eq!(
            extract(&log, "merged"),
            [Lesson {
                category: LessonCategory::Note,
                title: "t".into(),
                detail: "d".into()
            }]
        );
    }

    #[test]
    fn details_are_bounded() {
        let long = entry(
            Action::Test { pattern: None },
            ActionOutcome::error("tests_failed", "x\n".repeat(5_000)),
        );
        for lesson in extract(&[long.clone(), long], "step_limit") {
            assert!(lesson.detail.len() <= DETAIL && lesson.title.chars().count() <= 200);
        }
    }
}
