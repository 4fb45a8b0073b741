//! When an agent goes in circles.
//!
//! What counts is the same action *with the same result*: reading a file again is no progress, but running the tests
//! again after an edit is, because something else happened in between. Two edits of one file are two actions, since an
//! action's fingerprint covers its content.

use sha2::{Digest, Sha256};

use crate::action::{ActionOutcome, Performed};

/// Repetitions after which the model is told.
pub const WARN_AFTER: usize = 3;

/// Repetitions after which the run fails as `inner_loop`.
pub const STOP_AFTER: usize = 5;

/// The longest circle that is recognised: A-B-C-A-B-C-… has three actions.
pub const LONGEST_CIRCLE: usize = 3;

/// One action and what came of it, reduced to what tells repetition from progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// What it was, for the warning; see [`Action::label`](crate::action::Action::label).
    pub label: String,
    /// [`Action::fingerprint`](crate::action::Action::fingerprint).
    pub fingerprint: String,
    /// [`result_hash`].
    pub result: String,
}

impl From<&Performed> for Observation {
    fn from(performed: &Performed) -> Self {
        Self {
            label: performed.action.label(),
            fingerprint: performed.action.fingerprint(),
            result: result_hash(&performed.outcome),
        }
    }
}

/// What the history says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It gets somewhere, as far as can be seen.
    Progress,
    /// It repeats itself: tell the model `message`.
    Warn {
        /// What is repeated, and what to do instead.
        message: String,
    },
    /// It repeated itself too often: fail the run with reason `inner_loop`.
    Stop {
        /// What was repeated, for the run's record.
        message: String,
    },
}

/// Judges the end of a history, oldest first: the last action repeated [`WARN_AFTER`] or [`STOP_AFTER`] times in a row,
/// or the last two or three alternating for as many rounds. Only the last `STOP_AFTER * LONGEST_CIRCLE` entries matter.
pub fn assess(history: &[Observation]) -> Verdict {
    let found = (1..=LONGEST_CIRCLE)
        .map(|size| (size, rounds(history, size)))
        .max_by(|(a, left), (b, right)| {
            // The same number of rounds of a smaller circle is the plainer description.
            left.cmp(right).then(b.cmp(a))
        });
    let Some((size, rounds)) = found.filter(|(_, rounds)| *rounds >= WARN_AFTER) else {
        return Verdict::Progress;
    };
    let circle: Vec<_> = history
        .iter()
        .skip(history.len().saturating_sub(size))
        .map(|seen| seen.label.as_str())
        .collect();
    let what = circle.join(", then ");
    if rounds >= STOP_AFTER {
        Verdict::Stop {
            message: format!(
                "The same thing was done {rounds} times in a row with the same result: {what}."
            ),
        }
    } else {
        Verdict::Warn {
            message: format!(
                "You have done the same thing {rounds} times in a row with the same result: {what}. Doing it again will \
                 change nothing, and at {STOP_AFTER} times the run fails. Use what the results say, try something \
                 else, or use escalate if you can't get further."
            ),
        }
    }
}

/// How often the last `size` entries stand at the end, one after the other. Circles are made of different actions, so
/// that A-A-A-A is one action repeated and not a circle of two.
fn rounds(history: &[Observation], size: usize) -> usize {
    let same =
        |a: &Observation, b: &Observation| a.fingerprint == b.fingerprint && a.result == b.result;
    let mut chunks = history.rchunks_exact(size);
    let Some(last) = chunks.next() else { return 0 };
    let constant = last
        .windows(2)
        .all(|pair| matches!(pair, [a, b] if same(a, b)));
    if size > 1 && constant {
        return 0;
    }
    let matching = chunks
        .take_while(|chunk| chunk.iter().zip(last).all(|(a, b)| same(a, b)))
        .take(STOP_AFTER)
        .count();
    matching + 1
}

/// SHA-256 of a result, without what differs each time and means nothing: durations, addresses, process and thread
/// numbers. A test that fails the same way in 0.31 s and in 0.32 s gave the same result.
pub fn result_hash(outcome: &ActionOutcome) -> String {
    let mut hasher = Sha256::new();
    hasher.update([outcome.status as u8]);
    hasher.update(outcome.code.as_deref().unwrap_or_default());
    hasher.update([0]);
    hasher.update(without_noise(&outcome.text));
    crate::hex::encode(&hasher.finalize())
}

/// Units that make a number before them a duration.
const TIME_UNITS: &[&str] = &[
    "ns", "us", "µs", "ms", "s", "sec", "secs", "second", "seconds", "m", "min", "mins", "minutes",
];

fn without_noise(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    let mut before = ' ';
    while let Some(first) = rest.chars().next() {
        if !first.is_ascii_digit() || before.is_alphanumeric() || before == '_' {
            kept.push(first);
            before = first;
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
            continue;
        }
        let hex = rest
            .strip_prefix("0x")
            .map(|digits| 2 + span(digits, |c| c.is_ascii_hexdigit()));
        let length = hex.unwrap_or_else(|| span(rest, |c| c.is_ascii_digit() || c == '.'));
        let (number, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
        let unit = after.strip_prefix(' ').unwrap_or(after);
        let unit = unit
            .get(..span(unit, char::is_alphanumeric))
            .unwrap_or_default();
        // thread 'main' (12345) panicked
        let in_parentheses = before == '(' && after.starts_with(')');
        let noise = hex.is_some() || in_parentheses || TIME_UNITS.contains(&unit);
        kept.push_str(if noise { "#" } else { number });
        before = number.chars().next_back().unwrap_or(before);
        rest = after;
    }
    kept
}

fn span(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

/// The number of parse failures in a row after one more reply, and whether the run fails for it with reason
/// `parse_failures`. A reply with one valid action sets it to 0.
pub fn count_parse_failures(so_far: i64, reply_was_valid: bool) -> (i64, bool) {
    let count = if reply_was_valid {
        0
    } else {
        so_far.saturating_add(1)
    };
    (count, count >= crate::run::MAX_PARSE_FAILURES)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::action::Action;

    fn seen(pairs: &[(&str, &str)]) -> Vec<Observation> {
        pairs
            .iter()
            .map(|(action, result)| Observation {
                label: (*action).into(),
                fingerprint: (*action).into(),
                result: (*result).into(),
            })
            .collect()
    }

    /// One letter an action; its result is the same each time.
    fn letters(actions: &str) -> Vec<Observation> {
        let letters: Vec<String> = actions.chars().map(String::from).collect();
        seen(
            &letters
                .iter()
                .map(|l| (l.as_str(), "r"))
                .collect::<Vec<_>>(),
        )
    }

    fn word(verdict: &Verdict) -> &'static str {
        match verdict {
            Verdict::Progress => "progress",
            Verdict::Warn { .. } => "warn",
            Verdict::Stop { .. } => "stop",
        }
    }

    #[test]
    fn repetition_is_named_and_then_stopped() {
        for (history, verdict) in [
            ("", "progress"),
            ("a", "progress"),
            ("aa", "progress"),
            ("aaa", "warn"),
            ("baaa", "warn"),
            ("aaaa", "warn"),
            ("aaaaa", "stop"),
            ("aaaaaa", "stop"),
            ("aaaaab", "progress"),
            ("aabaa", "progress"),
            ("abab", "progress"),
            ("ababab", "warn"),
            ("xababab", "warn"),
            ("bababa", "warn"),
            ("ababababab", "stop"),
            ("abcabc", "progress"),
            ("abcabcabc", "warn"),
            ("abcabcabcabcabc", "stop"),
            ("abcdabcdabcdabcdabcd", "progress"),
            ("abababac", "progress"),
        ] {
            assert_eq!(word(&assess(&letters(history))), verdict, "{history}");
        }
    }

    #[test]
    fn the_same_action_with_another_result_is_progress() {
        let history = seen(&[
            ("test", "3 failed"),
            ("test", "2 failed"),
            ("test", "1 failed"),
            ("test", "passed"),
        ]);
        assert_eq!(assess(&history), Verdict::Progress);
    }

    #[test]
    fn the_warning_names_what_is_repeated() {
        let Verdict::Warn { message } = assess(&letters("ababab")) else {
            panic!()
        };
        assert!(
            message.contains("a, then b") && message.contains("3 times"),
            "{message}"
        );
        let Verdict::Stop { message } = assess(&letters("aaaaaaaa")) else {
            panic!()
        };
        assert!(
            message.contains("6 times") && message.ends_with(": a."),
            "{message}"
        );
    }

    #[test]
    fn different_edits_of_one_file_are_no_loop() {
        let history: Vec<Observation> = (0..10)
            .map(|i| {
                let action = Action::EditFile {
                    path: "a".into(),
                    old_text: i.to_string(),
                    new_text: (i + 1).to_string(),
                };
                (&Performed {
                    step: i,
                    action,
                    outcome: ActionOutcome::ok("edited"),
                })
                    .into()
            })
            .collect();
        assert_eq!(assess(&history), Verdict::Progress);
    }

    #[test]
    fn repeated_identical_reads_are_a_loop() {
        let read = Performed {
            step: 1,
            action: Action::ReadFile {
                path: "a".into(),
                first_line: None,
                last_line: None,
            },
            outcome: ActionOutcome::ok("content"),
        };
        let history = vec![Observation::from(&read); STOP_AFTER];
        assert_eq!(word(&assess(&history)), "stop");
    }

    #[test]
    fn results_differ_by_what_they_say() {
        let hash = |text: &str| result_hash(&ActionOutcome::ok(text));
        for (a, b) in [
            ("finished in 0.31s", "finished in 12.02s"),
            ("took 3 ms", "took 14 ms"),
            ("thread 'main' (123) panicked", "thread 'main' (9) panicked"),
            ("at 0x7ffe12", "at 0xab"),
        ] {
            assert_eq!(hash(a), hash(b), "{a} / {b}");
        }
        for (a, b) in [
            ("3 failed", "2 failed"),
            ("line 3", "line 4"),
            ("v1.2", "v1.3"),
            ("utf8s", "utf9s"),
            ("x", "y"),
            ("(3 passed)", "(2 passed)"),
        ] {
            assert_ne!(hash(a), hash(b), "{a} / {b}");
        }
        assert_ne!(
            result_hash(&ActionOutcome::ok("x")),
            result_hash(&ActionOutcome::error("e", "x"))
        );
        assert_ne!(
            result_hash(&ActionOutcome::error("e", "x")),
            result_hash(&ActionOutcome::error("f", "x"))
        );
    }

    #[test]
    fn three_parse_failures_in_a_row_end_the_run() {
        let mut count = 0;
        let replies = [false, false, true, false, false, false];
        let failed: Vec<bool> = replies
            .iter()
            .map(|valid| {
                let (next, failed) = count_parse_failures(count, *valid);
                count = next;
                failed
            })
            .collect();
        assert_eq!(failed, [false, false, false, false, false, true]);
    }

    proptest! {
        #[test]
        fn distinct_actions_are_never_a_loop(n in 0_usize..40) {
            let names: Vec<String> = (0..n).map(|i| i.to_string()).collect();
            let history = seen(&names.iter().map(|n| (n.as_str(), "r")).collect::<Vec<_>>());
            prop_assert_eq!(assess(&history), Verdict::Progress);
        }

        #[test]
        fn what_came_before_does_not_hide_a_loop(before in "[a-c]{0,20}", times in STOP_AFTER..8) {
            let verdict = assess(&letters(&format!("{before}{}", "x".repeat(times))));
            prop_assert_eq!(word(&verdict), "stop");
        }

        #[test]
        fn noise_removal_never_panics(text in ".{0,200}") {
            let _ = without_noise(&text);
        }
    }
}
