use super::*;
use loom_tokenhub_double::SeenMessage;

const KNOWLEDGE: Knowledge = Knowledge {
    mistake: "let sum = a;",
    fix: "let sum = a + 1;",
    because: "The sum begins one too low.",
    commit: "Begin at one",
};

/// The test calls `outer`, which calls `generic_outer`, which is wrong; further apart than one reading reaches.
fn file() -> String {
    let gap = "// …\n".repeat(60);
    format!(
        "pub fn outer(a: u8) -> u8 {{\n    generic_outer(a)\n}}\n\n{gap}fn generic_outer(a: u8) -> u8 {{\n    \
         let sum = a;\n    sum\n}}\n\n{gap}#[test]\nfn adds_one() {{\n    assert_eq!(2, outer(1));\n}}\n"
    )
}

/// A repository of one file, as the actions show it.
struct Repository {
    file: String,
    commits: usize,
    merged: bool,
    refuse_edits: bool,
}

impl Repository {
    fn new() -> Self {
        Self {
            file: file(),
            commits: 0,
            merged: false,
            refuse_edits: false,
        }
    }

    fn perform(&mut self, action: &str, arguments: &Value) -> String {
        let text = |name: &str| arguments[name].as_str().unwrap_or_default().to_owned();
        let number = |name: &str| usize::try_from(arguments[name].as_u64().unwrap()).unwrap();
        let fence = |how: &str, text: &str| {
            format!(
                "{action}: {how}\n<data-0123456789ab source=\"{action}\">\n{text}\n</data-0123456789ab>"
            )
        };
        match action {
            "test" if self.file.contains("a + 1") => {
                fence("ok", "test result: ok. 1 passed; 0 failed\nExit code 0.")
            }
            "test" => {
                let line = self
                    .file
                    .lines()
                    .position(|line| line.contains("assert_eq"))
                    .unwrap()
                    + 1;
                let output = format!(
                    "thread 'adds_one' (7) panicked at src/lib.rs:{line}:5:\nassertion failed"
                );
                fence("failed (test_failed)", &output)
            }
            "read_file" => {
                let lines: Vec<&str> = self.file.lines().collect();
                let last = number("last_line").min(lines.len());
                fence("ok", &lines[number("first_line") - 1..last].join("\n"))
            }
            "search" => {
                let query = text("query");
                let name = query
                    .strip_prefix("fn ")
                    .unwrap()
                    .strip_suffix("[(<]")
                    .unwrap();
                let found = self
                    .file
                    .lines()
                    .zip(1..)
                    .find(|(line, _)| line.contains(&format!("fn {name}(")));
                match found {
                    Some((line, number)) => fence("ok", &format!("src/lib.rs:{number}: {line}")),
                    None => fence("ok", "Nothing was found."),
                }
            }
            "edit_file" if self.refuse_edits => fence("refused (no_match)", "It is not there."),
            "edit_file" => {
                assert_eq!(self.file.matches(&text("old_text")).count(), 1);
                self.file = self.file.replace(&text("old_text"), &text("new_text"));
                fence("ok", "changed")
            }
            "git_diff" => fence("ok", "a diff"),
            "git_commit" => {
                self.commits += 1;
                fence("ok", "Commit 1")
            }
            "done" => {
                self.merged = arguments["outcome"] != "failure";
                fence("ok", "Merged")
            }
            other => panic!("{other} is not expected"),
        }
    }
}

fn message(role: &str, content: &str) -> SeenMessage {
    SeenMessage {
        role: role.to_owned(),
        content: content.to_owned(),
        tool_calls: None,
        tool_call_id: None,
        name: None,
    }
}

/// Lets the model work until it is done. Returns what it did, and the conversation.
fn work(repository: &mut Repository) -> (Vec<String>, Vec<SeenMessage>) {
    let mut messages = vec![message("user", "outer(1) is 1; adds_one fails")];
    let mut actions = Vec::new();
    while actions.last().map(String::as_str) != Some("done") {
        assert!(actions.len() < 30, "{actions:?}");
        let turn = decide(&taken(&messages), "adds_one fails", &KNOWLEDGE);
        let mut said = message("assistant", &turn.says);
        let calls: Vec<Value> = turn
            .calls
            .iter()
            .zip(actions.len()..)
            .map(|((name, arguments), id)| {
                json!({"id": format!("c{id}"), "type": "function",
                       "function": {"name": name, "arguments": arguments.to_string()}})
            })
            .collect();
        said.tool_calls = Some(Value::Array(calls));
        messages.push(said);
        for (name, arguments) in &turn.calls {
            let mut result = message("tool", &repository.perform(name, arguments));
            result.tool_call_id = Some(format!("c{}", actions.len()));
            messages.push(result);
            actions.push((*name).to_owned());
        }
    }
    (actions, messages)
}

#[test]
fn it_finds_the_cause_behind_two_calls_and_fixes_it() {
    let mut repository = Repository::new();
    let (actions, _) = work(&mut repository);
    assert_eq!(
        actions,
        [
            "test",
            "read_file",
            "search",
            "read_file",
            "search",
            "read_file",
            "edit_file",
            "test",
            "git_diff",
            "git_commit",
            "done"
        ]
    );
    assert_eq!(repository.file, file().replace("= a;", "= a + 1;"));
    assert!(repository.merged && repository.commits == 1);
}

#[test]
fn a_conversation_asked_again_is_answered_the_same() {
    let (_, messages) = work(&mut Repository::new());
    for end in 0..messages.len() {
        let decided = || {
            let turn = decide(&taken(&messages[..end]), "", &KNOWLEDGE);
            (turn.says, turn.calls)
        };
        assert_eq!(decided(), decided());
    }
}

#[test]
fn without_success_it_gives_up_in_place_of_going_in_circles() {
    let mut refusing = Repository::new();
    refusing.refuse_edits = true;
    let (actions, _) = work(&mut refusing);
    assert!(!refusing.merged && actions.len() < 10, "{actions:?}");

    let mut unknown = Repository::new();
    unknown.file = file().replace("let sum = a;", "let sum = a * 1;");
    let (actions, _) = work(&mut unknown);
    assert!(!unknown.merged && actions.len() < 10, "{actions:?}");

    let mut healthy = Repository::new();
    healthy.file = file().replace("= a;", "= a + 1;");
    let (actions, _) = work(&mut healthy);
    assert!(!healthy.merged);
    assert_eq!(actions, ["test", "done"]);
}
