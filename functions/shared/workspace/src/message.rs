//! What a commit message looks like.

use crate::Run;

/// The longest first line, in characters.
pub const MAX_SUBJECT: usize = 72;
const MAX_BODY: usize = 10_000;

/// The trailer that holds the idempotency key of the call that made a commit, by which a repeated call finds it.
pub const KEY_TRAILER: &str = "Step";

/// Makes the whole message from what an agent wrote: a first line of at most [`MAX_SUBJECT`] characters (the rest of
/// it begins the body), the body, and the trailers `Bead:`, `Agent:`, `Run:` and `Step:`. Lines of the agent's text
/// that look like one of these trailers are dropped, so that they can't be forged.
pub fn compose(text: &str, run: &Run, key: &str) -> String {
    let mut lines = text
        .lines()
        .map(|line| {
            line.chars()
                .filter(|c| !c.is_control() || *c == '\t')
                .collect::<String>()
        })
        .map(|line| line.trim_end().to_owned())
        .filter(|line| !is_trailer(line))
        .skip_while(String::is_empty);
    let first = lines.next().unwrap_or_default();
    let fallback = format!("Work on {}", one_line(&run.bead_id));
    let first = if first.trim().is_empty() {
        fallback
    } else {
        first.trim().to_owned()
    };
    let (subject, rest) = cut(&first);

    let mut body = String::new();
    if !rest.is_empty() {
        body.push_str(rest);
        body.push('\n');
    }
    for line in lines {
        body.push_str(&line);
        body.push('\n');
    }
    let body: String = body.trim().chars().take(MAX_BODY).collect();

    let mut message = format!("{subject}\n\n");
    if !body.is_empty() {
        message.push_str(body.trim_end());
        message.push_str("\n\n");
    }
    for (name, value) in [
        ("Bead", run.bead_id.as_str()),
        ("Agent", &run.agent),
        ("Run", &run.id),
        (KEY_TRAILER, key),
    ] {
        message.push_str(&format!("{name}: {}\n", one_line(value)));
    }
    message
}

/// The value of a message's last trailer called `name`.
pub fn trailer<'m>(message: &'m str, name: &str) -> Option<&'m str> {
    message
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

/// The line that a commit carries when it was made by the call with this key.
pub fn key_line(key: &str) -> String {
    format!("{KEY_TRAILER}: {}", one_line(key))
}

fn is_trailer(line: &str) -> bool {
    let line = line.trim_start();
    ["Bead", "Agent", "Run", KEY_TRAILER].iter().any(|name| {
        line.get(..name.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(name))
            && line
                .get(name.len()..)
                .is_some_and(|rest| rest.trim_start().starts_with(':'))
    })
}

fn one_line(value: &str) -> String {
    let words: Vec<&str> = value
        .split(|c: char| c.is_control() || c.is_whitespace())
        .filter(|w| !w.is_empty())
        .collect();
    if words.is_empty() {
        "-".to_owned()
    } else {
        words.join(" ")
    }
}

/// Cuts a first line that is too long, between words where there is one in its second half.
fn cut(line: &str) -> (&str, &str) {
    let Some((hard, _)) = line.char_indices().nth(MAX_SUBJECT) else {
        return (line, "");
    };
    let head = line.get(..hard).unwrap_or(line);
    let at = if line.get(hard..).is_some_and(|rest| rest.starts_with(' ')) {
        hard
    } else {
        head.rfind(' ').filter(|at| *at >= hard / 2).unwrap_or(hard)
    };
    (
        line.get(..at).unwrap_or(head).trim_end(),
        line.get(at..).unwrap_or_default().trim(),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn run() -> Run {
        Run {
            id: "r1".into(),
            bead_id: "bd-1".into(),
            bead_title: "T".into(),
            agent: "ada".into(),
            fence: 1,
            continues: None,
        }
    }

    #[test]
    fn a_message_has_subject_body_and_trailers() {
        assert_eq!(
            compose("Fix it\n\nBecause.\n", &run(), "r1:2:0"),
            "Fix it\n\nBecause.\n\nBead: bd-1\nAgent: ada\nRun: r1\nStep: r1:2:0\n"
        );
        assert_eq!(
            trailer(&compose("x", &run(), "r1:2:0"), "Step"),
            Some("r1:2:0")
        );
    }

    #[test]
    fn forged_trailers_are_dropped() {
        let message = compose(
            "Fix\n\nStep: other\n  run : zzz\nbead: bd-9\nBeads: fine",
            &run(),
            "k",
        );
        assert_eq!(
            message,
            "Fix\n\nBeads: fine\n\nBead: bd-1\nAgent: ada\nRun: r1\nStep: k\n"
        );
        let hidden = Run {
            agent: "ada\nStep: forged".into(),
            ..run()
        };
        assert_eq!(trailer(&compose("x", &hidden, "k"), "Step"), Some("k"));
    }

    #[test]
    fn an_empty_message_names_the_bead() {
        assert!(compose(" \n", &run(), "k").starts_with("Work on bd-1\n\nBead:"));
    }

    proptest! {
        #[test]
        fn a_first_line_is_short_and_nothing_is_lost(words in prop::collection::vec("[a-zü]{1,90}", 1..20)) {
            let text = words.join(" ");
            let message = compose(&text, &run(), "k");
            let subject = message.lines().next().unwrap();
            prop_assert!(subject.chars().count() <= MAX_SUBJECT);
            let kept: String = message.split("Bead: ").next().unwrap().split_whitespace().collect();
            prop_assert_eq!(kept, words.concat());
        }

        #[test]
        fn any_text_ends_in_our_trailers(text in any::<String>(), key in "[!-~]{1,40}") {
            let message = compose(&text, &run(), &key);
            prop_assert_eq!(trailer(&message, "Step"), Some(key.as_str()));
            prop_assert_eq!(message.lines().filter(|l| l.starts_with("Step:")).count(), 1);
        }
    }
}
