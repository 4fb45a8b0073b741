use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{EXPLAINED, REPO, Widget};
use crate::{Filed, GitHub, Loom};

/// The commits of the agent, oldest first.
const COMMITS: [&str; 3] = ["Count every item", "Add nothing", "Say what it counts"];

impl Widget {
    /// Asserts what must be there at the end: everything once.
    pub fn check(&self, loom: &Loom, github: &GitHub) {
        let path = format!("/api/v1/beads?project_id={}", self.project.id);
        let beads = loom.admin.all(&path);
        assert_eq!(beads.len(), 1, "{beads:#?}");
        let bead = &beads[0];
        let id = bead["id"].as_str().unwrap();
        assert_eq!(bead["title"], self.title);
        assert_eq!(
            (&bead["type"], &bead["priority"]),
            (&json!("task"), &json!("P1"))
        );
        assert_eq!(bead["status"], "closed", "{bead:#}");
        assert_eq!(bead["commit"], github.git(REPO, &["rev-parse", "main"]));
        let runs = loom.runs(&Filed::new(id));
        assert_eq!(runs.len(), 2, "the work and the rework: {runs:#?}");
        self.check_runs(&runs);
        check_money(loom, &runs);
        self.check_pages(github, id);
        check_commits(github, id, &runs);
    }

    /// Both runs ended well, with everything that they tried but the first test: the checks may be over before the agent
    /// asks for them, and then it does not wait.
    fn check_runs(&self, runs: &[Value]) {
        for run in runs {
            assert_eq!(run["run"]["status"], "succeeded", "{run:#}");
            for (index, step) in run["steps"].as_array().unwrap().iter().enumerate() {
                assert_eq!(step["number"], json!(index + 1));
                for action in step["actions"].as_array().unwrap() {
                    let is_fine = action["status"] == "ok" || action["code"] == "tests_failed";
                    assert!(is_fine, "{action:#}");
                }
            }
        }
        assert_eq!(
            runs[0]["run"]["branch"], runs[1]["run"]["branch"],
            "the rework goes on on the same branch"
        );
    }

    /// On GitHub there is one pull request, one status comment, and two reviews of a person.
    fn check_pages(&self, github: &GitHub, bead_id: &str) {
        let double = github.double();
        let pulls = double.pulls(REPO);
        assert_eq!(pulls.len(), 1, "{pulls:#?}");
        let pull = &pulls[0];
        assert_eq!(
            (&pull["merged"], &pull["title"]),
            (&json!(true), &json!(self.title))
        );
        let body = pull["body"].as_str().unwrap();
        let issue = format!("closes #{}", self.issue);
        for part in ["It says what it counts.", bead_id, &issue, "Cost so far"] {
            assert!(body.contains(part), "{part} in {body}");
        }
        let branches = double.branches(REPO);
        let own: Vec<&String> = branches.iter().filter(|name| *name != "main").collect();
        assert!(own.len() <= 1, "{branches:?}");

        let issue = double.issue(REPO, self.issue).unwrap();
        assert_eq!(
            (&issue["state"], &issue["state_reason"]),
            (&json!("closed"), &json!("completed"))
        );
        let comments = double.comments(REPO, self.issue);
        assert_eq!(comments.len(), 1, "one status comment: {comments:#?}");
        assert_eq!(comments[0]["user"]["login"], json!(github.login()));
        let text = comments[0]["body"].as_str().unwrap();
        assert!(
            text.contains("<!-- loom:status -->") && text.contains(bead_id),
            "{text}"
        );
        let on_pull = double.comments(REPO, pull["number"].as_u64().unwrap());
        assert_eq!(on_pull, Vec::<Value>::new());
        let reviews = double.requests();
        let by_loom = reviews
            .iter()
            .filter(|seen| seen.method == "POST" && seen.path.ends_with("/reviews"))
            .count();
        assert_eq!(by_loom, 0);
    }
}

/// Every reply was paid for once, and nothing else was.
fn check_money(loom: &Loom, runs: &[Value]) {
    let mut journalled = BTreeSet::new();
    for run in runs {
        let id = run["run"]["id"].as_str().unwrap();
        for step in run["steps"].as_array().unwrap() {
            journalled.insert(format!("{id}:{}:0", step["number"]));
        }
    }
    let mut paid: BTreeMap<String, u32> = BTreeMap::new();
    for entry in loom.model.hub().ledger() {
        let (run, _) = entry.idempotency_key.split_once(':').unwrap_or_default();
        if runs.iter().any(|one| one["run"]["id"] == run) {
            *paid.entry(entry.idempotency_key).or_default() += 1;
        }
    }
    let expected: BTreeMap<String, u32> = journalled.into_iter().map(|key| (key, 1)).collect();
    assert_eq!(paid, expected);
}

/// The repository is whole; each commit says whose it is and changes what it says; the other files are as they were.
fn check_commits(github: &GitHub, bead_id: &str, runs: &[Value]) {
    let git = |arguments: &[&str]| github.git(REPO, arguments);
    git(&["fsck", "--strict", "--full"]);
    let head = github.double().pulls(REPO)[0]["head"]["sha"]
        .as_str()
        .unwrap()
        .to_owned();
    let first = git(&["rev-list", "--max-parents=0", "main"]);
    let range = format!("{first}..{head}");
    let commits = git(&["rev-list", "--reverse", &range]);
    let subjects: Vec<String> = commits
        .lines()
        .map(|commit| git(&["show", "-s", "--format=%s", commit]))
        .collect();
    assert_eq!(subjects, COMMITS);
    let mut steps = BTreeSet::new();
    for (index, commit) in commits.lines().enumerate() {
        let trailer = |name: &str| {
            let format = format!("--format=%(trailers:key={name},valueonly)");
            git(&["show", "-s", &format, commit]).trim().to_owned()
        };
        let run = &runs[usize::from(index == 2)]["run"];
        assert_eq!(trailer("Bead"), bead_id);
        assert_eq!(trailer("Run"), run["id"].as_str().unwrap());
        assert!(
            steps.insert(trailer("Step")),
            "a key was used for two commits"
        );
        let agent = trailer("Agent");
        assert!(!agent.is_empty());
        let author = git(&["show", "-s", "--format=%an", commit]);
        if github.login() == "loom" {
            assert_eq!(author, agent);
        } else {
            assert!(author.starts_with("loom-test"), "{author}");
            assert!(trailer("Co-authored-by").starts_with(&agent));
        }
        let files = git(&["diff-tree", "-r", "--no-commit-id", "--name-status", commit]);
        assert_eq!(files, "M\twidget.py");
    }
    // One squashed commit on the base branch, which changes the same file and nothing else.
    assert_eq!(
        git(&["rev-list", "--count", &format!("{first}..main")]),
        "1"
    );
    assert_eq!(
        git(&["diff", "--name-status", &first, "main"]),
        "M\twidget.py"
    );
    assert_eq!(git(&["show", "main:widget.py"]), EXPLAINED.trim_end());
    let entries = |commit: &str| -> Vec<String> {
        git(&["ls-tree", "-r", commit])
            .lines()
            .filter(|line| !line.ends_with("\twidget.py"))
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(entries("main"), entries(&first));
    let modes = entries("main").join("\n");
    assert!(
        modes.contains("100755 blob") && modes.contains("120000 blob"),
        "{modes}"
    );
}
