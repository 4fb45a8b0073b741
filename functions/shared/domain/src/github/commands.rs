//! What people tell Loom in a comment: lines that begin with `/loom`.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{bead::Priority, role::Role};

/// How many commands of one comment are read.
const MOST: usize = 5;
/// The longest reason, in characters.
const REASON: usize = 2_000;

/// A command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Work on it now: files the bead if there is none, opens it again if it is blocked or closed.
    Work,
    /// Stop the work and leave the bead to people.
    Stop,
    /// Change the priority.
    Priority(Priority),
    /// Give it to a role, by its canonical name.
    Assign(String),
    /// Answer the open question with yes, with an optional remark.
    Approve(String),
    /// Answer the open question with no, and why.
    Deny(String),
    /// Bring the status comment up to date.
    Status,
}

/// A line that begins with `/loom` and is no command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoCommand {
    /// What was said, cut to 100 characters.
    pub said: String,
    /// What is wrong with it, as a sentence.
    pub problem: String,
}

/// The commands there are, for people.
pub const HELP: &str = "`/loom work`, `/loom stop`, `/loom priority P0` to `P3`, `/loom assign <role>`, `/loom approve`, \
                        `/loom deny <why>`, `/loom status`";

impl fmt::Display for Command {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Work => formatter.write_str("work"),
            Self::Stop => formatter.write_str("stop"),
            Self::Priority(priority) => write!(formatter, "priority {priority}"),
            Self::Assign(role) => write!(formatter, "assign {role}"),
            Self::Approve(_) => formatter.write_str("approve"),
            Self::Deny(_) => formatter.write_str("deny"),
            Self::Status => formatter.write_str("status"),
        }
    }
}

/// The commands of a comment, in order, at most five. Lines in code blocks and quotations are not read.
pub fn parse(body: &str) -> Vec<Result<Command, NoCommand>> {
    lines(body).take(MOST).map(command).collect()
}

/// Whether a comment says nothing but commands.
pub fn is_only_commands(body: &str) -> bool {
    body.lines()
        .all(|line| line.trim().is_empty() || after_loom(line).is_some())
}

/// What follows `/loom` on each line that begins with it, outside of code blocks.
fn lines(body: &str) -> impl Iterator<Item = &str> {
    let mut fence: Option<&str> = None;
    body.lines().filter_map(move |line| {
        let marks = line.trim_start();
        let mark = ["```", "~~~"]
            .into_iter()
            .find(|mark| marks.starts_with(mark));
        match (fence, mark) {
            (None, Some(mark)) => {
                fence = Some(mark);
                None
            }
            (Some(open), mark) => {
                if mark == Some(open) {
                    fence = None;
                }
                None
            }
            (None, None) => after_loom(line),
        }
    })
}

/// What follows `/loom` at the start of a line. Four spaces before it make it code, as in Markdown.
fn after_loom(line: &str) -> Option<&str> {
    let line = line.trim_end();
    let text = line.trim_start_matches(' ');
    if line.len() - text.len() > 3 {
        return None;
    }
    let (word, rest) = match text.split_once(char::is_whitespace) {
        Some((word, rest)) => (word, rest.trim()),
        None => (text, ""),
    };
    word.eq_ignore_ascii_case("/loom").then_some(rest)
}

fn command(said: &str) -> Result<Command, NoCommand> {
    let (word, rest) = match said.split_once(char::is_whitespace) {
        Some((word, rest)) => (word, rest.trim()),
        None => (said, ""),
    };
    let wrong = |problem: String| NoCommand {
        said: said.chars().filter(|c| !c.is_control()).take(100).collect(),
        problem,
    };
    let reason = || rest.chars().take(REASON).collect::<String>();
    match word.to_ascii_lowercase().as_str() {
        "work" => Ok(Command::Work),
        "stop" => Ok(Command::Stop),
        "status" => Ok(Command::Status),
        "approve" => Ok(Command::Approve(reason())),
        "deny" if rest.is_empty() => Err(wrong(
            "Say why: `/loom deny <why>`. The agent works from your reason.".to_owned(),
        )),
        "deny" => Ok(Command::Deny(reason())),
        "priority" => Priority::parse(rest)
            .map(Command::Priority)
            .ok_or_else(|| wrong("A priority is P0, P1, P2 or P3.".to_owned())),
        "assign" => match Role::parse(rest.trim_start_matches('@')) {
            Ok(role) => Ok(Command::Assign(role.as_str().to_owned())),
            Err(refusal) => Err(wrong(one_line(&refusal.message))),
        },
        _ => Err(wrong(format!(
            "There is no such command. The commands are: {HELP}."
        ))),
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .take(300)
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn one(body: &str) -> Result<Command, NoCommand> {
        let mut found = parse(body);
        assert_eq!(found.len(), 1, "{body:?}");
        found.remove(0)
    }

    #[test]
    fn each_command() {
        let p1 = Priority::new(1).unwrap();
        for (body, command) in [
            ("/loom work", Command::Work),
            ("Please.\n\n/LOOM Work  \nThanks", Command::Work),
            ("/loom\tstop now", Command::Stop),
            ("  /loom priority P1", Command::Priority(p1)),
            ("/loom priority p1", Command::Priority(p1)),
            ("/loom assign QA", Command::Assign("qa-engineer".into())),
            (
                "/loom assign qa-engineer",
                Command::Assign("qa-engineer".into()),
            ),
            ("/loom approve", Command::Approve(String::new())),
            (
                "/loom approve looks good",
                Command::Approve("looks good".into()),
            ),
            (
                "/loom deny the tests are gone\r\n",
                Command::Deny("the tests are gone".into()),
            ),
            ("/loom status", Command::Status),
        ] {
            assert_eq!(one(body), Ok(command), "{body:?}");
        }
    }

    #[test]
    fn what_is_no_command_is_answered_with_the_list() {
        for body in ["/loom", "/loom dance", "/loom approved"] {
            let refused = one(body).unwrap_err();
            assert!(refused.problem.contains("/loom priority P0"), "{refused:?}");
        }
        assert!(one("/loom priority 1").unwrap_err().problem.contains("P0"));
        assert!(one("/loom deny").unwrap_err().problem.contains("why"));
        assert!(one("/loom assign astronaut").is_err());
        assert!(one("/loom assign").is_err());
    }

    #[test]
    fn text_code_and_quotations_hold_no_commands() {
        for body in [
            "",
            "use /loom work",
            "/loomwork",
            "> /loom approve",
            "```\n/loom approve\n```",
            "~~~sh\n/loom approve\n```\n/loom work\n~~~",
            "    /loom approve",
            "`/loom approve`",
        ] {
            assert!(parse(body).is_empty(), "{body:?}");
        }
        assert_eq!(parse("```\n/loom approve\n```\n/loom work").len(), 1);
        assert_eq!(parse(&"/loom work\n".repeat(50)).len(), MOST);
        assert!(is_only_commands("/loom work\n\n /loom stop"));
        assert!(!is_only_commands("/loom work\nplease"));
    }

    proptest! {
        #[test]
        fn any_text_is_read(body in "(?s)(/loom |```|[a-z \n\u{0}-\u{ff}日]){0,40}") {
            for found in parse(&body) {
                if let Err(refused) = found {
                    prop_assert!(!refused.problem.is_empty());
                    prop_assert!(refused.said.chars().count() <= 100);
                }
            }
        }
    }
}
