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

/// A bead and a repository of one file, as prompts and actions show them.
struct World {
    file: String,
    committed: String,
    comments: Vec<String>,
    /// What the nodes came to: node, outcome.
    stages: Vec<(String, String)>,
    merged: bool,
    refuse_edits: bool,
}

impl World {
    fn new() -> Self {
        Self {
            file: file(),
            committed: file(),
            comments: Vec::new(),
            stages: Vec::new(),
            merged: false,
            refuse_edits: false,
        }
    }

    fn with(file: String) -> Self {
        Self {
            committed: file.clone(),
            file,
            ..Self::new()
        }
    }

    /// The prompt at a node.
    fn brief(&self, node: &str) -> String {
        let mut brief = "outer(1) is 1; adds_one fails\n".to_owned();
        for comment in &self.comments {
            brief.push_str(&format!(
                "<data-01 source=\"comment by somebody\">\n{comment}\n</data-01>\n"
            ));
        }
        brief.push_str(&format!(
            "This bead follows the workflow \"Bug\" and is at its node {node} (task).\n"
        ));
        for (node, outcome) in &self.stages {
            brief.push_str(&format!(
                "<data-01 source=\"{node} came to {outcome}\">\nwords\n</data-01>\n"
            ));
        }
        brief
    }

    fn perform(&mut self, node: &str, action: &str, arguments: &Value) -> String {
        let text = |name: &str| arguments[name].as_str().unwrap_or_default().to_owned();
        let number = |name: &str| usize::try_from(arguments[name].as_u64().unwrap()).unwrap();
        let fence = |how: &str, text: &str| {
            format!(
                "{action}: {how}\n<data-0123456789ab source=\"{action}\">\n{text}\n</data-0123456789ab>"
            )
        };
        let mut ends = |outcome: &str| {
            self.stages.push((node.to_owned(), outcome.to_owned()));
            fence("ok", "This stage ends.")
        };
        match action {
            "test" if self.file.contains("a + 1") => {
                fence("ok", "test result: ok. 1 passed; 0 failed\nExit code 0.")
            }
            "test" => {
                let is_assertion = |line: &str| line.contains("assert_eq");
                let line = self.file.lines().position(is_assertion).unwrap() + 1;
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
                let name = code::defined(&query).unwrap();
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
            "git_log" => fence("ok", "abc 2001 Me: Other\ndef 2000 Me: Tidy generic_outer"),
            "comment" => {
                self.comments.push(text("body"));
                fence("ok", "The comment is there.")
            }
            "edit_file" if self.refuse_edits => fence("refused (no_match)", "It is not there."),
            "edit_file" => {
                assert_eq!(self.file.matches(&text("old_text")).count(), 1);
                self.file = self.file.replace(&text("old_text"), &text("new_text"));
                fence("ok", "changed")
            }
            "git_status" if self.file == self.committed => fence("ok", "## agent/a\n"),
            "git_status" => fence("ok", "## agent/a\n M src/lib.rs\n"),
            "git_diff" => fence("ok", &diff(&file(), &self.file)),
            "git_commit" => {
                self.committed = self.file.clone();
                fence("ok", "Commit 1")
            }
            "approve" => ends("approved"),
            "reject" => ends("rejected"),
            "done" if arguments["outcome"] == "failure" => ends("failure"),
            "done" => {
                self.merged = node == "commit_and_push";
                ends("success")
            }
            other => panic!("{other} is not expected"),
        }
    }

    /// Lets the model work at a node until it concludes. Returns what it did, and the conversation.
    fn work(&mut self, node: &str) -> (Vec<String>, Vec<SeenMessage>) {
        let brief = self.brief(node);
        let mut messages = vec![message("user", &brief)];
        let mut actions: Vec<String> = Vec::new();
        let before = self.stages.len();
        while self.stages.len() == before {
            assert!(actions.len() < 30, "{actions:?}");
            let turn = decide(&taken(&messages), &brief, &KNOWLEDGE);
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
                let mut result = message("tool", &self.perform(node, name, arguments));
                result.tool_call_id = Some(format!("c{}", actions.len()));
                messages.push(result);
                actions.push((*name).to_owned());
            }
        }
        (actions, messages)
    }

    /// The same, for what the work came to alone.
    fn outcome(&mut self, node: &str) -> String {
        self.work(node);
        self.stages.last().unwrap().1.clone()
    }
}

/// The lines that are different, as git shows them.
fn diff(before: &str, after: &str) -> String {
    let mut diff = "diff --git a/src/lib.rs b/src/lib.rs\n".to_owned();
    for (old, new) in before.lines().zip(after.lines()) {
        if old != new {
            diff.push_str(&format!("-{old}\n+{new}\n"));
        }
    }
    diff
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

#[test]
fn the_bug_goes_from_its_cause_to_the_merged_fix() {
    let mut world = World::new();
    let (actions, _) = world.work("investigate");
    let expected = "test read_file search read_file search read_file git_log comment done";
    assert_eq!(actions.join(" "), expected);
    assert_eq!(world.file, file(), "an investigation changes nothing");
    let comment = &world.comments[0];
    for part in [
        "src/lib.rs:66: `let sum = a;`",
        "by outer, generic_outer.",
        "def 2000",
    ] {
        assert!(comment.contains(part), "{comment}");
    }

    let (actions, _) = world.work("pm_review");
    assert_eq!(actions, ["read_file", "search", "approve"]);

    let (actions, _) = world.work("apply_fix");
    let expected = "test read_file edit_file test git_diff git_commit done";
    assert_eq!(actions.join(" "), expected);
    assert_eq!(world.committed, file().replace("= a;", "= a + 1;"));
    assert!(!world.merged);

    let (actions, _) = world.work("commit_and_push");
    assert_eq!(actions, ["git_status", "git_diff", "test", "done"]);
    assert!(world.merged);
}

#[test]
fn a_conversation_asked_again_is_answered_the_same() {
    let mut world = World::new();
    for node in ["investigate", "pm_review", "apply_fix", "commit_and_push"] {
        let (_, messages) = world.work(node);
        let brief = &messages[0].content;
        for end in 0..messages.len() {
            let decided = || {
                let turn = decide(&taken(&messages[..end]), brief, &KNOWLEDGE);
                (turn.says, turn.calls)
            };
            assert_eq!(decided(), decided());
        }
    }
}

#[test]
fn an_investigation_without_a_cause_fails_and_is_sent_back() {
    let mut unknown = World::with(file().replace("let sum = a;", "let sum = a * 1;"));
    assert_eq!(unknown.outcome("investigate"), "failure");
    assert_eq!(unknown.outcome("pm_review"), "rejected");

    let mut healthy = World::with(file().replace("= a;", "= a + 1;"));
    let (actions, _) = healthy.work("investigate");
    assert_eq!(actions, ["test", "done"]);
    assert_eq!(healthy.stages[0].1, "failure");
}

#[test]
fn only_what_the_code_bears_out_is_approved() {
    let mut silent = World::new();
    assert_eq!(silent.outcome("pm_review"), "rejected");

    let mut investigated = World::new();
    investigated.work("investigate");
    let claims = [
        ("src/lib.rs:66:", "src/lib.rs:65:"),
        ("`let sum = a;`", "`let sum = b;`"),
        ("Test: adds_one", "Test: adds_two"),
    ];
    for (claim, other) in claims {
        let mut world = World::new();
        let comment = investigated.comments[0].replace(claim, other);
        assert_ne!(comment, investigated.comments[0]);
        world.comments = vec![comment];
        assert_eq!(world.outcome("pm_review"), "rejected", "{other}");
    }
}

#[test]
fn a_fix_that_can_not_be_made_or_does_not_help_fails() {
    let mut investigated = World::new();
    investigated.work("investigate");
    let with = |file: String| {
        let mut world = World::with(file);
        world.comments.clone_from(&investigated.comments);
        world
    };
    let mut refusing = with(file());
    refusing.refuse_edits = true;
    assert_eq!(refusing.outcome("apply_fix"), "failure");
    // The line has moved since.
    assert_eq!(
        with(format!("\n{}", file())).outcome("apply_fix"),
        "failure"
    );
    // It passes already.
    assert_eq!(
        with(file().replace("= a;", "= a + 1;")).outcome("apply_fix"),
        "failure"
    );
    // What is proposed changes nothing that the test would see.
    let mut useless = with(file());
    useless.comments[0] = useless.comments[0].replace("`let sum = a + 1;`", "`let sum = a + 0;`");
    assert_eq!(useless.outcome("apply_fix"), "failure");
    assert_eq!(useless.committed, file());
}

#[test]
fn only_the_fix_and_all_of_it_is_handed_over() {
    let mut fixed = World::new();
    for node in ["investigate", "pm_review", "apply_fix"] {
        fixed.work(node);
    }
    let with = |file: &str, committed: &str| World {
        file: file.to_owned(),
        committed: committed.to_owned(),
        comments: fixed.comments.clone(),
        ..World::new()
    };
    let more = fixed.file.replace("    sum\n", "    sum + 0\n");
    for mut world in [
        with(&file(), &file()),
        with(&fixed.file, &file()),
        with(&more, &more),
    ] {
        assert_eq!(world.outcome("commit_and_push"), "failure");
        assert!(!world.merged);
    }
}

#[test]
fn a_stage_of_another_workflow_is_left_to_others() {
    let turn = decide(&[], &World::new().brief("design"), &KNOWLEDGE);
    assert_eq!(turn.calls[0].0, "escalate");
}
