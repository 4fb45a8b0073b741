//! An issue on GitHub that is worked on all the way: what the scripted model does for it, what people do, and what must
//! be there at the end, whatever happened meanwhile.

mod check;

use loom_github_double::{NewRepository, Permission};
use loom_tokenhub_double::{Answer, ChatRequestSeen};
use serde_json::{Value, json};

use crate::{Filed, GitHub, Loom, Project, loom::unique};

/// The repository.
const REPO: &str = "acme/widget";
/// Who opens the issue, and may only read.
const AUTHOR: &str = "ann";
/// Who reviews, and may write.
const REVIEWER: &str = "rita";
/// What the reviewer asks for.
const WISH: &str = "Say what it counts, please: a docstring.";

const BROKEN: &str = "def total(items):\n    return sum(items) - 1\n";
const STILL_BROKEN: &str = "def total(items):\n    return sum(items) + 1\n";
const FIXED: &str = "def total(items):\n    return sum(items)\n";
const EXPLAINED: &str =
    "def total(items):\n    \"\"\"The sum of all items.\"\"\"\n    return sum(items)\n";
const TEST: &str = "import unittest\n\nfrom widget import total\n\n\nclass Total(unittest.TestCase):\n    \
                    def test_total(self):\n        self.assertEqual(total([1, 2, 3]), 6)\n";

/// How far people are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The agent works on the issue.
    Work,
    /// Changes were asked for.
    Rework,
    /// It was approved.
    Approved,
}

/// The issue and what becomes of it.
pub struct Widget {
    /// The project.
    pub project: Project,
    title: String,
    issue: u64,
    stage: Stage,
    /// The head that changes were asked for.
    first_head: String,
}

impl Widget {
    /// Makes the repository and the project, scripts the model, and opens the issue.
    pub fn begin(loom: &Loom, github: &GitHub) -> Self {
        github.create(&repository());
        let double = github.double();
        double.allow(REPO, AUTHOR, Permission::Read);
        double.allow(REPO, REVIEWER, Permission::Write);
        let project = github.project(loom, REPO, &["engineering-manager"], json!({}));
        let title = format!("Totals are off by one ({})", unique("issue"));
        loom.model.script(&title, work);
        let issue = double.open_issue(
            REPO,
            AUTHOR,
            &title,
            "1 + 2 + 3 should be 6.",
            &["chore", "P1"],
        );
        Self {
            project,
            title,
            issue,
            stage: Stage::Work,
            first_head: String::new(),
        }
    }

    /// The bead that was filed for the issue, once it is there.
    pub fn bead(&self, loom: &Loom) -> Option<Value> {
        let path = format!("/api/v1/beads?project_id={}", self.project.id);
        loom.admin.all(&path).into_iter().next()
    }

    /// Does what people do now: they review what is handed over and green.
    pub fn turn(&mut self, loom: &Loom, github: &GitHub) {
        if self.stage == Stage::Approved {
            return;
        }
        let Some(head) = self.ready(loom, github) else {
            return;
        };
        let review = |event: &str, body: &str| {
            let double = github.double();
            double.review(REPO, REVIEWER, self.pull(github), event, body, &Value::Null);
        };
        match self.stage {
            Stage::Work => {
                review("REQUEST_CHANGES", WISH);
                self.first_head = head;
                self.stage = Stage::Rework;
            }
            Stage::Rework if head != self.first_head => {
                review("APPROVE", "That is what I meant.");
                self.stage = Stage::Approved;
            }
            _ => {}
        }
    }

    /// The head of the pull request that waits for a review and whose checks have passed.
    fn ready(&self, loom: &Loom, github: &GitHub) -> Option<String> {
        let bead = self.bead(loom)?;
        if bead["in_review"] != true {
            return None;
        }
        let double = github.double();
        let pulls = double.pulls(REPO);
        let head = pulls.last()?["head"]["sha"].as_str()?.to_owned();
        let runs = double.runs(REPO);
        let is_green = runs
            .iter()
            .rfind(|run| run.sha == head)
            .is_some_and(|run| run.conclusion.as_deref() == Some("success"));
        is_green.then_some(head)
    }

    fn pull(&self, github: &GitHub) -> u64 {
        github.double().pulls(REPO)[0]["number"].as_u64().unwrap()
    }

    /// Whether the bead and the issue are closed, and GitHub's comment says so.
    pub fn is_finished(&self, loom: &Loom, github: &GitHub) -> bool {
        let issue = github.double().issue(REPO, self.issue).unwrap();
        let is_closed = self
            .bead(loom)
            .is_some_and(|bead| bead["status"] == "closed");
        let comments = github.double().comments(REPO, self.issue);
        let is_told = comments
            .iter()
            .any(|comment| comment["body"].as_str().unwrap().contains(": closed"));
        is_closed && issue["state"] == "closed" && is_told
    }

    /// How it stands, for a test that gives up.
    pub fn unfinished(&self, loom: &Loom, github: &GitHub) -> Value {
        let double = github.double();
        let bead = self.bead(loom);
        let runs = bead
            .as_ref()
            .map(|bead| loom.runs(&Filed::new(bead["id"].as_str().unwrap())));
        let pulls: Vec<Value> = double
            .pulls(REPO)
            .iter()
            .map(|pull| json!({"number": pull["number"], "state": pull["state"], "head": pull["head"]["sha"]}))
            .collect();
        let checks: Vec<String> = double
            .runs(REPO)
            .iter()
            .map(|run| format!("{} {} {:?}", run.sha, run.branch, run.conclusion))
            .collect();
        let deliveries: Vec<Value> = loom
            .admin
            .all("/api/v1/webhooks/deliveries")
            .iter()
            .map(|one| {
                json!([
                    one["event"],
                    one["action"],
                    one["status"],
                    one["outcome"],
                    one["error"]
                ])
            })
            .collect();
        json!({"stage": format!("{:?}", self.stage), "bead": bead, "runs": runs, "pulls": pulls, "checks": checks,
               "deliveries": deliveries})
    }
}

/// With files that an agent's work must not change: an executable, a symbolic link, CRLF, binary, and one of 1 MiB.
fn repository() -> NewRepository {
    let binary: Vec<u8> = (0..=255).cycle().take(4096).collect();
    let large: String = (0..1 << 16)
        .map(|line| format!("line {line:>10}\n"))
        .collect();
    NewRepository::new("acme", "widget")
        .file("widget.py", BROKEN)
        .file("test_widget.py", TEST)
        .file_with_mode("run.sh", "100755", b"#!/bin/sh\nexec python3 -m unittest\n")
        .file_with_mode("current", "120000", b"widget.py")
        .file("windows.txt", "one\r\ntwo\r\n")
        .file_with_mode("logo.bin", "100644", &binary)
        .file("data/large.txt", &large)
        .tested_by(&["python3", "-m", "unittest"])
}

fn call(name: &str, arguments: Value) -> (String, Value) {
    (name.to_owned(), arguments)
}

/// A change of the whole program, its commit, and what comes after it.
fn change(content: &str, message: &str, then: Vec<(String, Value)>) -> Answer {
    let mut calls = vec![
        call(
            "write_file",
            json!({"path": "widget.py", "content": content}),
        ),
        call("git_commit", json!({"message": message})),
    ];
    calls.extend(then);
    Answer::calls(calls)
}

/// What the model does: a fix that fails its tests, another one once it has read their log; and after the review what
/// the reviewer asked for.
fn work(seen: &ChatRequestSeen) -> Answer {
    let was_told = |text: &str| {
        seen.messages
            .iter()
            .any(|message| message.content.contains(text))
    };
    let test = || call("test", json!({}));
    let done = |summary: &str| Answer::call("done", json!({"summary": summary}));
    let is_rework = seen.instructions_contain(WISH);
    match (is_rework, seen.turn) {
        (_, 0) => Answer::call("read_file", json!({"path": "widget.py"})),
        (false, 1) => {
            let description = "Counts every item. The totals were one too low.";
            let pull = json!({"title": "Count every item", "description": description});
            change(
                STILL_BROKEN,
                "Count every item\n\nThe total was one too low.",
                vec![call("create_pull_request", pull), test()],
            )
        }
        (false, 2) if was_told("AssertionError: 7 != 6") => {
            change(FIXED, "Add nothing", vec![test()])
        }
        (false, 3) if was_told("test: success") => done("Totals count every item."),
        (true, 1) if was_told("sum(items)") => {
            change(EXPLAINED, "Say what it counts", vec![test()])
        }
        (true, 2) if was_told("test: success") => done("It says what it counts."),
        _ => Answer::text("I was not told what I need to know."),
    }
}
