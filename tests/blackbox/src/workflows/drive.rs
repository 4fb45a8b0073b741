//! Takes a bead along a given way through its workflow: what agents conclude, what people decide, what times out.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex};

use loom_test_support::tokenhub::{Answer, ChatRequestSeen, Gate};
use loom_test_support::{Filed, Loom, PATIENCE, Project, Repository};
use serde_json::{Value, json};

/// What agents conclude at each node, visit by visit, and what each run was told to.
#[derive(Default)]
struct Plan {
    outcomes: BTreeMap<String, VecDeque<String>>,
    runs: BTreeMap<String, String>,
    /// At which answers that come too late wait.
    gates: BTreeMap<String, Gate>,
    title: String,
    made: usize,
}

/// One bead on its way.
pub(super) struct Journey<'a> {
    loom: &'a Loom,
    pub(super) bead: Filed,
    plan: Arc<Scripted>,
}

/// The plan, and the news that an agent has asked what to do.
#[derive(Default)]
struct Scripted {
    plan: Mutex<Plan>,
    asked: Condvar,
}

/// A project whose team has an agent for every role of the shipped workflows.
pub(super) fn project(loom: &Loom, repository: &Repository) -> Project {
    let team = [
        "product-manager",
        "engineering-manager",
        "qa-engineer",
        "code-reviewer",
        "web-designer",
        "project-manager",
    ];
    loom.project(repository, &team, json!({}))
}

impl<'a> Journey<'a> {
    /// Files a bead whose agents will conclude as `way` says: `<node>.<outcome>` each, and for what people do
    /// `<node>.<outcome>!`.
    pub(super) fn begin(
        loom: &'a Loom,
        project: &Project,
        title: &str,
        fields: Value,
        way: &[&str],
    ) -> Self {
        let mut plan = Plan {
            title: title.to_owned(),
            ..Plan::default()
        };
        for stop in way
            .iter()
            .filter(|stop| stop.contains('.') && !stop.ends_with('!'))
        {
            let (node, outcome) = stop.split_once('.').unwrap();
            plan.outcomes
                .entry(node.to_owned())
                .or_default()
                .push_back(outcome.to_owned());
        }
        let plan = Arc::new(Scripted {
            plan: Mutex::new(plan),
            asked: Condvar::new(),
        });
        let scripted = plan.clone();
        loom.model
            .script(title, move |seen| answer(&scripted, seen));
        Self {
            loom,
            bead: loom.file(project, title, fields),
            plan,
        }
    }

    /// The newest execution of the bead.
    pub(super) fn execution(&self) -> Value {
        let path = format!("/api/v1/workflows/executions?bead_id={}", self.bead.id);
        self.loom.admin.get(&path).ok()[0].clone()
    }

    /// Where an action on the execution is posted.
    pub(super) fn path(&self, action: &str) -> String {
        let id = self.execution()["id"].as_str().unwrap().to_owned();
        format!("/api/v1/workflows/executions/{id}/{action}")
    }

    /// The history of the execution.
    pub(super) fn history(&self) -> Vec<Value> {
        self.loom.admin.all(&self.path("history?limit=1000"))
    }

    /// What the nodes came to so far, as `<node>.<outcome>`.
    pub(super) fn stops(&self) -> Vec<String> {
        self.history()
            .iter()
            .filter(|record| record["type"] == "advanced" || record["type"] == "escalated")
            .map(|record| {
                let word = |field: &str| record[field].as_str().unwrap().to_owned();
                format!("{}.{}", word("from"), word("outcome"))
            })
            .collect()
    }

    /// The one open decision about the bead, once there is one.
    pub(super) fn decision(&self) -> Value {
        self.until("a decision is open", || {
            let path = format!("{}/decisions", self.bead.path);
            let all = self.loom.admin.get(&path).ok();
            let open: Vec<Value> = all
                .as_array()
                .unwrap()
                .iter()
                .filter(|decision| decision["status"] == "open")
                .cloned()
                .collect();
            assert!(open.len() <= 1, "one question at a time: {open:?}");
            open.into_iter().next()
        })
    }

    /// Decides the one open decision.
    pub(super) fn decide(&self, answer: &str) -> Value {
        let id = self.decision()["id"].as_str().unwrap().to_owned();
        let body = json!({"decision": answer, "rationale": "Said by the test."});
        let path = format!("/api/v1/decisions/{id}/decide");
        self.loom.admin.post(&path, &body).ok()
    }

    /// Waits until `look` finds what it looks for.
    pub(super) fn until<T>(&self, what: &str, look: impl Fn() -> Option<T>) -> T {
        let what = format!("{what}; so far {:?}", self.stops());
        self.loom
            .until(&what, &format!("bead_id={}", self.bead.id), look)
    }

    /// Does what people and time do along the way, and waits for what agents do.
    pub(super) fn travel(&self, way: &[&str]) {
        let mut reached = self.stops().len();
        for stop in way {
            if let Some(answer) = stop.strip_prefix('?') {
                self.decide(answer);
                continue;
            }
            let (place, by_person) = match stop.strip_suffix('!') {
                Some(place) => (place, true),
                None => (*stop, false),
            };
            let (node, outcome) = place.split_once('.').unwrap();
            match (by_person, outcome) {
                (true, "approved") => {
                    self.decide("approve");
                }
                (true, "rejected") => {
                    self.decide("deny");
                }
                (true, _) => {
                    let id = self.decision()["id"].as_str().unwrap().to_owned();
                    assert_eq!(self.loom.pass_time(&id), Some(1), "{stop}");
                }
                (false, "timeout") => self.run_out_of_time(node),
                (false, _) => {}
            }
            reached += 1;
            self.until(stop, || (self.stops().len() >= reached).then_some(()));
        }
    }

    /// Lets the time of the present stay pass once its agent is at work.
    fn run_out_of_time(&self, node: &str) {
        let run = self.until("its agent is at work", || {
            let run = self.loom.bead(&self.bead)["run_id"].as_str()?.to_owned();
            (self.execution()["node"] == node).then_some(run)
        });
        let plan = self.plan.plan.lock().unwrap();
        let (plan, late) = self
            .plan
            .asked
            .wait_timeout_while(plan, PATIENCE, |plan| !plan.gates.contains_key(&run))
            .unwrap();
        assert!(!late.timed_out(), "run {run} never asked its model");
        drop(plan);
        let execution = self.execution();
        let subject = format!(
            "{}:{}",
            execution["id"].as_str().unwrap(),
            execution["stay"]
        );
        assert_eq!(self.loom.pass_time(&subject), Some(1), "{subject}");
        // Now the answer comes, and nobody waits for it any more.
        self.plan.plan.lock().unwrap().gates[&run].open();
    }
}

/// What the model says at the node that its run is at: all of the node's work in one reply.
fn answer(scripted: &Scripted, seen: &ChatRequestSeen) -> Answer {
    let told = seen.system() + &seen.user();
    let Some(node) = told
        .split_once("is at its node ")
        .and_then(|(_, rest)| rest.split_once(' '))
        .map(|(node, _)| node.to_owned())
    else {
        return done("success");
    };
    let key = seen.idempotency_key.clone().unwrap_or_default();
    let run = key.split(':').next().unwrap_or_default().to_owned();
    let mut plan = scripted.plan.lock().unwrap();
    let known = plan.runs.get(&run).cloned();
    let outcome = known.unwrap_or_else(|| {
        let queue = plan.outcomes.entry(node.clone()).or_default();
        queue.pop_front().unwrap_or_else(|| "unplanned".to_owned())
    });
    plan.runs.insert(run.clone(), outcome.clone());
    plan.made += 1;
    let file = format!("work/{}.txt", plan.made);
    match outcome.as_str() {
        "success" if node.contains("implement") || node == "apply_fix" => Answer::calls([
            (
                "write_file".to_owned(),
                json!({"path": file, "content": format!("{node}\n")}),
            ),
            (
                "git_commit".to_owned(),
                json!({"message": format!("Work at {node}")}),
            ),
            (
                "done".to_owned(),
                json!({"summary": format!("Did {node}."), "outcome": "success"}),
            ),
        ]),
        "success" if node == "breakdown" => break_down(&plan.title, seen),
        "success" | "failure" => done(&outcome),
        "approved" => Answer::call("approve", json!({"reason": format!("{node} looks right.")})),
        "rejected" => Answer::call("reject", json!({"reason": format!("{node} is not right.")})),
        "escalated" => Answer::call(
            "escalate",
            json!({"question": format!("What about {node}?")}),
        ),
        "timeout" => {
            let gated = done("success").gated(plan.gates.entry(run).or_default());
            scripted.asked.notify_all();
            gated
        }
        // A run that comes to nothing.
        _ => Answer::text("I have nothing to say."),
    }
}

/// One epic with one story, unless they are there already.
fn break_down(title: &str, seen: &ChatRequestSeen) -> Answer {
    let filed = |result: &str| {
        let (_, after) = result.split_once("Bead ")?;
        after.split_once(' ').map(|(id, _)| id.to_owned())
    };
    let bead = |kind: &str, parent: Option<String>| {
        json!({
            "title": format!("{title}: {kind}"), "description": "As planned.", "type": kind,
            "priority": 1, "parent": parent,
        })
    };
    let told = seen.system() + &seen.user();
    let root = told
        .split_once("# Bead ")
        .and_then(|(_, after)| after.split_once(' '))
        .map(|(id, _)| id.to_owned());
    match seen.turn {
        _ if told.contains("demo came to rejected") => done("success"),
        0 => Answer::call("create_bead", bead("epic", root)),
        1 => Answer::call(
            "create_bead",
            bead("task", seen.last_tool_result().and_then(filed)),
        ),
        _ => done("success"),
    }
}

fn done(outcome: &str) -> Answer {
    Answer::call(
        "done",
        json!({"summary": "As planned.", "outcome": outcome}),
    )
}
