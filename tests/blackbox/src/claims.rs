use std::collections::BTreeSet;
use std::sync::Barrier;

use loom_test_support::tokenhub::{Answer, Gate};
use loom_test_support::{Filed, Loom, Project, Reply, Repository};
use serde_json::json;

const CLAIMS: usize = 64;
const TICKS: usize = 8;

/// A project with 64 idle agents, and a bead that no tick gives to any of them: it wants a role whose only agent is
/// busy. What holds that agent up is the gate.
struct Race {
    project: Project,
    agents: Vec<String>,
    gate: Gate,
    _repository: Repository,
}

impl Race {
    fn prepare(loom: &Loom, name: &str) -> (Self, Filed) {
        let repository = Repository::new(&[("README.md", "Race\n")]);
        let mut team = vec!["web-designer"];
        team.resize(32, "qa-engineer");
        let project = loom.project(
            &repository,
            &team,
            json!({"max_concurrent": 64, "max_agents": 128}),
        );
        for _ in 0..=CLAIMS - team.len() {
            let agent = json!({"role": "qa-engineer", "project_id": project.id});
            loom.admin.post("/api/v1/agents", &agent).ok();
        }
        let path = format!("/api/v1/agents?project_id={}&limit=1000", project.id);
        let agents: Vec<String> = loom
            .admin
            .all(&path)
            .iter()
            .filter(|agent| agent["role"] == "qa-engineer")
            .map(|agent| agent["id"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(agents.len(), CLAIMS);
        let gate = Gate::new();
        let (hold, prize) = (format!("hold {name}"), format!("prize {name}"));
        let done = || Answer::call("done", json!({"summary": "Done."}));
        loom.model.turns(&hold, [done().gated(&gate)]);
        loom.model.turns(&prize, [done()]);
        let held = loom.file(&project, &format!("[web-designer] {hold}"), json!({}));
        loom.until_status(&held, "in_progress");
        let prize = loom.file(&project, &format!("[web-designer] {prize}"), json!({}));
        let race = Self {
            project,
            agents,
            gate,
            _repository: repository,
        };
        (race, prize)
    }

    /// All claims and ticks at once, and beside them `also`. Returns the claims' answers.
    fn run(&self, loom: &Loom, prize: &Filed, also: impl FnOnce() + Send) -> Vec<Reply> {
        let barrier = Barrier::new(CLAIMS + TICKS + 1);
        std::thread::scope(|scope| {
            let claims: Vec<_> = self
                .agents
                .iter()
                .map(|agent| {
                    let barrier = &barrier;
                    scope.spawn(move || {
                        barrier.wait();
                        let path = format!("{}/claim", prize.path);
                        loom.admin.post(&path, &json!({"agent_id": agent}))
                    })
                })
                .collect();
            for _ in 0..TICKS {
                scope.spawn(|| {
                    barrier.wait();
                    loom.tick();
                });
            }
            barrier.wait();
            also();
            claims
                .into_iter()
                .map(|claim| claim.join().unwrap())
                .collect()
        })
    }

    /// Asserts that one run worked on the bead, and that every model call about it was that run's.
    fn assert_one_run(&self, loom: &Loom, name: &str, prize: &Filed) -> String {
        let closed = loom.until_status(prize, "closed");
        assert_eq!(closed["dispatch_count"], 1);
        let runs = loom.runs(prize);
        assert_eq!(runs.len(), 1);
        let run_id = runs[0]["run"]["id"].as_str().unwrap().to_owned();
        let calls = loom.model.calls_about(&format!("prize {name}"));
        let callers: BTreeSet<&str> = calls
            .iter()
            .map(|call| call.headers["idempotency-key"].split(':').next().unwrap())
            .collect();
        assert_eq!(callers, BTreeSet::from([run_id.as_str()]));
        run_id
    }

    fn finish(self, loom: &Loom) {
        self.gate.open();
        let path = format!("/api/v1/beads?project_id={}&limit=1000", self.project.id);
        for bead in loom.admin.all(&path) {
            loom.until_status(&Filed::new(bead["id"].as_str().unwrap()), "closed");
        }
    }
}

fn won(replies: &[Reply]) -> Vec<&Reply> {
    let (won, lost): (Vec<&Reply>, Vec<&Reply>) =
        replies.iter().partition(|reply| reply.status == 200);
    for reply in &lost {
        // By the time a late one is looked at, the winner may have finished.
        let code = if reply.code() == "already_claimed" {
            "already_claimed"
        } else {
            "not_ready"
        };
        reply.refused(409, code);
    }
    won
}

#[test]
fn i1_of_64_claims_and_8_ticks_one_wins() {
    let loom = Loom::shared();
    let (race, prize) = Race::prepare(&loom, "of_64_claims");
    let replies = race.run(&loom, &prize, || ());
    let won = won(&replies);
    assert_eq!(
        won.len(),
        1,
        "one claim wins, and {} are refused",
        CLAIMS - 1
    );
    let run_id = race.assert_one_run(&loom, "of_64_claims", &prize);
    assert_eq!(won[0].json["run_id"], run_id.as_str());
    race.finish(&loom);
}

#[test]
fn i1_ticks_and_claims_that_could_all_win_leave_one_run() {
    let loom = Loom::shared();
    let (race, prize) = Race::prepare(&loom, "could_all_win");
    // From then on any agent may be given the bead: by each of the ticks, or by the change itself.
    let replies = race.run(&loom, &prize, || {
        let title = json!({"title": "prize could_all_win"});
        loom.admin.put(&prize.path, &title).ok();
    });
    let won = won(&replies);
    let run_id = race.assert_one_run(&loom, "could_all_win", &prize);
    assert!(won.len() <= 1, "a tick or one claim wins");
    for reply in won {
        assert_eq!(reply.json["run_id"], run_id.as_str());
    }
    race.finish(&loom);
}
