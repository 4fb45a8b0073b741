//! A product that is made from a requirements document: what the scripted model does for it at every stage, what its
//! owner answers, and what must be there at the end, whatever happened meanwhile.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use loom_tokenhub_double::{Answer, ChatRequestSeen, Gate};
use serde_json::{Value, json};

use crate::{Filed, Loom, Repository, loom::unique};

/// The requirements of a small tool, as its owner wrote them.
pub const PRD: &str = include_str!("prd.md");

/// Why the owner sends the expanded requirements back.
const REVIEW: &str = "Say what happens when two people write at the same time.";
/// Why the owner sends the demonstration back.
const WISH: &str = "The list needs a total at its end.";
/// What the owner answers, one after the other.
const ANSWERS: [(&str, &str); 4] = [
    ("deny", REVIEW),
    ("approve", "That is what I want."),
    ("deny", WISH),
    ("approve", "It is good to use."),
];
/// The way of the workflow with these answers.
const WAY: [&str; 12] = [
    "expand_prd",
    "ceo_review",
    "expand_prd",
    "ceo_review",
    "publish_prd",
    "breakdown",
    "build",
    "demo",
    "breakdown",
    "build",
    "demo",
    "",
];

/// An epic of the plan: its title and priority.
const EPICS: [(&str, i64); 4] = [
    ("The stock file", 1),
    ("The commands of every day", 1),
    ("What comes later", 2),
    ("Wishes from the first demonstration", 1),
];

/// A story of the plan.
struct Story {
    title: &'static str,
    /// The role that its title asks for; the engineering manager does the others.
    role: Option<&'static str>,
    epic: usize,
    priority: i64,
    blocked_by: &'static [usize],
}

const fn story(
    title: &'static str,
    role: Option<&'static str>,
    epic: usize,
    priority: i64,
    blocked_by: &'static [usize],
) -> Story {
    Story {
        title,
        role,
        epic,
        priority,
        blocked_by,
    }
}

const STORIES: [Story; 9] = [
    story("Skeleton that is built and tested", None, 0, 1, &[]),
    story("Read and write the stock file", None, 0, 1, &[0]),
    story("Keep two writers apart", None, 0, 1, &[1]),
    story("Put away and take out", None, 1, 1, &[1]),
    story("Show what goes off soon", Some("web-designer"), 1, 1, &[3]),
    story(
        "Try it with many lines and many writers",
        Some("qa-engineer"),
        1,
        1,
        &[2, 4],
    ),
    story(
        "One page of manual",
        Some("documentation-manager"),
        2,
        2,
        &[3],
    ),
    story("Shopping list", None, 2, 3, &[6]),
    // After the demonstration.
    story("Total at the end of the list", None, 3, 1, &[]),
];
/// How many epics and stories the first breakdown files; each brings one more after the demonstration.
const FIRST_EPICS: usize = 3;
const FIRST_STORIES: usize = 8;
/// The story that waits at [`Product::gate`] before it is done.
const LATE: usize = 7;

/// What comes before the plan, and the roles that the plan needs.
const TEAM: [&str; 7] = [
    "product-manager",
    "project-manager",
    "engineering-manager",
    "engineering-manager",
    "web-designer",
    "qa-engineer",
    "documentation-manager",
];

/// A bootstrap that has begun.
pub struct Product {
    /// The bead from which everything comes.
    pub root: Filed,
    /// Its project.
    pub project_id: String,
    /// What was answered to the request that began it.
    pub begun: Value,
    /// Holds the last story of the first plan, which is not part of the first usable product.
    pub gate: Gate,
    name: String,
}

impl Product {
    /// Scripts the model and sends the document, as a form with a file.
    pub fn begin(loom: &Loom, repository: &Repository) -> Self {
        let name = unique("larder");
        let gate = Gate::new();
        for index in 0..STORIES.len() {
            let waits = gate.clone();
            let marker = title(index, &name);
            loom.model
                .script(&marker, move |seen| work(index, seen, &waits));
        }
        let root: Arc<OnceLock<String>> = Arc::default();
        let (script, known) = (name.clone(), root.clone());
        loom.model
            .script(&format!("[Bootstrap] {name}"), move |seen| {
                lead(&script, known.get().map_or("", String::as_str), seen)
            });
        let repo = repository.path().display().to_string();
        let mut parts = vec![
            ("name", name.as_str()),
            ("git_repo", &repo),
            ("branch", "main"),
            ("test_command", "true"),
        ];
        parts.extend(TEAM.map(|role| ("team", role)));
        parts.push(("prd_file\"; filename=\"prd.md", PRD));
        let form: String = parts
            .iter()
            .map(|(name, content)| {
                format!("--frontier\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{content}\r\n")
            })
            .collect();
        let begun = loom
            .admin
            .request("POST", "/api/v1/projects/bootstrap")
            .bytes(
                "multipart/form-data; boundary=frontier",
                format!("{form}--frontier--\r\n").as_bytes(),
            )
            .send()
            .ok();
        let id = begun["initial_bead_id"].as_str().unwrap();
        root.set(id.to_owned()).unwrap();
        Self {
            root: Filed::new(id),
            project_id: begun["project_id"].as_str().unwrap().to_owned(),
            begun,
            gate,
            name,
        }
    }

    /// The question that waits for the owner, if one does.
    pub fn question(&self, loom: &Loom) -> Option<Value> {
        let path = format!("/api/v1/decisions?status=open&bead_id={}", self.root.id);
        loom.admin.all(&path).into_iter().next()
    }

    /// Answers the question that waits for the owner, if one does, and says what kind it was.
    pub fn answer(&self, loom: &Loom) -> Option<Value> {
        let question = self.question(loom)?;
        let path = format!("/api/v1/decisions?status=decided&bead_id={}", self.root.id);
        let answered = loom.admin.all(&path).len();
        assert!(
            answered < ANSWERS.len(),
            "nobody should be asked any more: {question:#}"
        );
        let (decision, rationale) = ANSWERS[answered];
        let path = format!(
            "/api/v1/decisions/{}/decide",
            question["id"].as_str().unwrap()
        );
        let input = json!({"decision": decision, "rationale": rationale});
        loom.admin.post(&path, &input).ok();
        Some(question)
    }

    /// All beads of the project.
    pub fn beads(&self, loom: &Loom) -> Vec<Value> {
        let path = format!("/api/v1/beads?project_id={}", self.project_id);
        loom.admin.all(&path)
    }

    /// Whether everything that was ever planned is closed.
    pub fn is_finished(&self, loom: &Loom) -> bool {
        loom.bead(&self.root)["status"] == "closed"
            && self
                .beads(loom)
                .iter()
                .all(|bead| bead["status"] == "closed")
    }

    /// The story that waits at the gate.
    pub fn late(&self, loom: &Loom) -> Option<Value> {
        let title = title(LATE, &self.name);
        let beads = self.beads(loom);
        beads.into_iter().find(|bead| is_titled(bead, &title))
    }

    /// Asserts what must be there at the end.
    pub fn check(&self, loom: &Loom, repository: &Repository) {
        let beads = self.beads(loom);
        assert_eq!(beads.len(), 1 + EPICS.len() + STORIES.len(), "{beads:#?}");
        let find = |title: &str| {
            let found: Vec<&Value> = beads.iter().filter(|bead| is_titled(bead, title)).collect();
            assert_eq!(found.len(), 1, "{title}: {found:#?}");
            found[0]
        };
        let epics: Vec<&Value> = EPICS
            .iter()
            .map(|(title, _)| find(&format!("{title} ({})", self.name)))
            .collect();
        let stories: Vec<&Value> = (0..STORIES.len())
            .map(|index| find(&title(index, &self.name)))
            .collect();
        let id = |bead: &Value| bead["id"].as_str().unwrap().to_owned();
        for (epic, (_, priority)) in epics.iter().zip(EPICS) {
            assert_eq!(epic["parent"], self.root.id, "{epic:#}");
            assert_eq!(
                (&epic["type"], &epic["priority"]),
                (&json!("epic"), &json!(format!("P{priority}")))
            );
        }
        for (bead, story) in stories.iter().zip(&STORIES) {
            assert_eq!(bead["parent"], id(epics[story.epic]), "{bead:#}");
            assert_eq!(bead["priority"], format!("P{}", story.priority), "{bead:#}");
            if story.role.is_some() {
                assert_eq!(bead["wanted_role"].as_str(), story.role, "{bead:#}");
            }
            let mut blockers: Vec<String> = story
                .blocked_by
                .iter()
                .map(|index| id(stories[*index]))
                .collect();
            let mut found: Vec<String> =
                serde_json::from_value(bead["blocked_by"].clone()).unwrap();
            blockers.sort();
            found.sort();
            assert_eq!(found, blockers, "{bead:#}");
            assert_eq!(bead["dispatch_count"], 1, "{bead:#}");
            self.check_runs(loom, bead);
        }
        for bead in &beads {
            let how = (&bead["status"], &bead["close_reason"]);
            assert_eq!(how, (&json!("closed"), &json!("done")), "{bead:#}");
        }
        self.check_way(loom);
        self.check_repository(repository, &stories);
    }

    /// One run of the role that was asked for did a story, and everything that it tried succeeded: it saw the work of
    /// the stories before it.
    fn check_runs(&self, loom: &Loom, bead: &Value) {
        let runs = loom.runs(&Filed::new(bead["id"].as_str().unwrap()));
        assert_eq!(runs.len(), 1, "{runs:#?}");
        for step in runs[0]["steps"].as_array().unwrap() {
            for action in step["actions"].as_array().unwrap() {
                assert_eq!(action["status"], "ok", "{action:#}");
            }
        }
    }

    /// The workflow went the expected way, by one run for each stage that agents work at.
    fn check_way(&self, loom: &Loom) {
        let id = self.begun["execution_id"].as_str().unwrap();
        let path = format!("/api/v1/workflows/executions/{id}");
        assert_eq!(loom.admin.get(&path).ok()["status"], "completed");
        let history = loom.admin.all(&format!("{path}/history?limit=1000"));
        let way: Vec<&str> = history
            .iter()
            .map(|record| match record["type"].as_str().unwrap() {
                "started" => record["node"].as_str().unwrap(),
                _ => record["to"].as_str().unwrap_or_default(),
            })
            .collect();
        assert_eq!(way, WAY, "{history:#?}");
        assert_eq!(loom.runs(&self.root).len(), 5);
    }

    fn check_repository(&self, repository: &Repository, stories: &[&Value]) {
        assert_eq!(repository.on_main("plans/ORIGINAL_PRD.md"), PRD.trim());
        assert_eq!(repository.on_main("plans/PRD.md"), expanded(true).trim());
        for index in 0..STORIES.len() {
            assert_eq!(repository.on_main(&path(index)), content(index).trim());
        }
        let mut commits: BTreeMap<String, usize> = BTreeMap::new();
        for bead in repository.trailers("Bead") {
            *commits.entry(bead).or_default() += 1;
        }
        // The document as it was given, its expansion twice, and their merge.
        let mut expected = BTreeMap::from([(self.root.id.clone(), 4)]);
        for story in stories {
            expected.insert(story["id"].as_str().unwrap().to_owned(), 2);
        }
        assert_eq!(commits, expected, "its commits and its merge");
        let merges = repository.git(&["rev-list", "--count", "--merges", "main"]);
        assert_eq!(merges, (STORIES.len() + 1).to_string());
        let subjects =
            repository.git(&["log", "--format=%s", "main", "--", "plans/ORIGINAL_PRD.md"]);
        assert_eq!(
            subjects,
            "docs: the product requirements as they were given"
        );
        assert_eq!(
            repository.git(&["status", "--porcelain"]),
            "",
            "the checkout follows"
        );
    }
}

fn title(index: usize, name: &str) -> String {
    format!("{} ({name})", STORIES[index].title)
}

/// Whether a bead has this title, with or without a role before it.
fn is_titled(bead: &Value, title: &str) -> bool {
    let own = bead["title"].as_str().unwrap();
    own == title || own.ends_with(&format!("] {title}"))
}

fn path(index: usize) -> String {
    format!("larder/part{index}.txt")
}

fn content(index: usize) -> String {
    format!("{}\n", STORIES[index].title)
}

/// The expanded requirements, which say after the review what the owner missed.
fn expanded(is_revised: bool) -> String {
    let added = if is_revised {
        "\nTwo who write at once wait for each other.\n"
    } else {
        ""
    };
    format!("# Larder\n\nThe MVP is what section 7 of the original says.\n{added}")
}

fn call(name: &str, arguments: Value) -> (String, Value) {
    (name.to_owned(), arguments)
}

fn done(summary: &str) -> (String, Value) {
    call("done", json!({"summary": summary}))
}

/// What the model does at each stage of the bead from which everything comes.
fn lead(name: &str, root: &str, seen: &ChatRequestSeen) -> Answer {
    let is_at = |node: &str| seen.instructions_contain(&format!("is at its node {node} ("));
    if is_at("expand_prd") {
        expand(seen)
    } else if is_at("publish_prd") {
        match seen.turn {
            0 => Answer::call("git_status", json!({})),
            _ => Answer::calls([done("The document is committed.")]),
        }
    } else if is_at("breakdown") {
        break_down(name, root, seen)
    } else {
        Answer::text("No agent has anything to do at this stage.")
    }
}

fn expand(seen: &ChatRequestSeen) -> Answer {
    if seen.turn == 0 {
        return Answer::call("read_file", json!({"path": "plans/ORIGINAL_PRD.md"}));
    }
    let content = expanded(seen.instructions_contain(REVIEW));
    Answer::calls([
        call(
            "write_file",
            json!({"path": "plans/PRD.md", "content": content}),
        ),
        call("git_commit", json!({"message": "Expand the requirements"})),
        done("It is expanded."),
    ])
}

/// Files epics, then the stories whose blockers are filed, and tries too early to conclude, once.
fn break_down(name: &str, root: &str, seen: &ChatRequestSeen) -> Answer {
    let is_again = seen.instructions_contain(WISH);
    let (epics, stories) = if is_again {
        (FIRST_EPICS..EPICS.len(), FIRST_STORIES..STORIES.len())
    } else {
        (0..FIRST_EPICS, 0..FIRST_STORIES)
    };
    let ids = filed(seen);
    if ids.is_empty() {
        return Answer::calls(epics.map(|index| {
            let (title, priority) = EPICS[index];
            let input = json!({"title": format!("{title} ({name})"), "description": "A part of the product.",
                "type": "epic", "priority": priority, "parent": root});
            call("create_bead", input)
        }));
    }
    if seen.turn == 1 {
        return Answer::calls([done("Too early: no epic has a story yet.")]);
    }
    let known = stories.start + ids.len() - epics.len();
    let id = |index: usize| &ids[epics.len() + index - stories.start];
    let next: Vec<(String, Value)> = (known..stories.end)
        .take_while(|index| STORIES[*index].blocked_by.iter().all(|blocker| *blocker < known))
        .map(|index| {
            let story = &STORIES[index];
            let title = title(index, name);
            let title = story.role.map_or(title.clone(), |role| format!("[{role}] {title}"));
            let blocked_by: Vec<&String> = story.blocked_by.iter().map(|blocker| id(*blocker)).collect();
            let input = json!({"title": title, "description": "As plans/PRD.md says.", "type": "task",
                "priority": story.priority, "parent": ids[story.epic - epics.start], "blocked_by": blocked_by,
                "touches": [path(index)]});
            call("create_bead", input)
        })
        .collect();
    if next.is_empty() {
        return Answer::calls([done("Everything is planned.")]);
    }
    Answer::calls(next)
}

/// The ids of the beads that were filed in this conversation, in order.
fn filed(seen: &ChatRequestSeen) -> Vec<String> {
    seen.tool_results()
        .filter(|result| result.contains("was filed"))
        .filter_map(|result| {
            let rest = result.split("Bead ").nth(1)?;
            Some(rest.split(' ').next()?.to_owned())
        })
        .collect()
}

/// What the model does for a story: it looks at what it builds on, writes its part, and is done.
fn work(index: usize, seen: &ChatRequestSeen, gate: &Gate) -> Answer {
    match seen.turn {
        0 => {
            let mut paths = vec!["plans/PRD.md".to_owned()];
            paths.extend(
                STORIES[index]
                    .blocked_by
                    .iter()
                    .map(|blocker| path(*blocker)),
            );
            Answer::calls(
                paths
                    .into_iter()
                    .map(|path| call("read_file", json!({"path": path}))),
            )
        }
        1 => {
            let message = format!("Add: {}", STORIES[index].title);
            Answer::calls([
                call(
                    "write_file",
                    json!({"path": path(index), "content": content(index)}),
                ),
                call("git_commit", json!({"message": message})),
            ])
        }
        _ => {
            let answer = Answer::calls([done("It is built.")]);
            if index == LATE {
                answer.gated(gate)
            } else {
                answer
            }
        }
    }
}
