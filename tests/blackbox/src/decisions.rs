//! Decisions: answered exactly once, refused when there is nothing to answer, ended by their deadlines, and what each
//! answer to each kind does.

mod answers;
mod stops;

use std::sync::Barrier;

use loom_test_support::{Client, Filed, Loom, Project, Reply, Repository};
use serde_json::{Value, json};

/// How many decide at the same instant.
const DECIDERS: usize = 16;

/// A project whose beads nobody works on: each waits for a bead that a person holds.
struct Quiet<'a> {
    loom: &'a Loom,
    project: Project,
    blocker: String,
    _repository: Repository,
}

impl<'a> Quiet<'a> {
    fn new(loom: &'a Loom, team: &[&str]) -> Self {
        let repository = Repository::new(&[("README.md", "Decisions\n")]);
        let project = loom.project(&repository, &[], json!({}));
        let blocker = loom.file(&project, "Hold everything in decisions", json!({}));
        let held = json!({"reason": "Nothing is to be done here."});
        let path = format!("{}/escalate", blocker.path);
        loom.admin.post(&path, &held).ok();
        for role in team {
            let agent = json!({"role": role, "project_id": project.id});
            loom.admin.post("/api/v1/agents", &agent).ok();
        }
        Self {
            loom,
            project,
            blocker: blocker.id,
            _repository: repository,
        }
    }

    /// Files a bead that is never dispatched.
    fn file(&self, title: &str) -> Filed {
        let waits = json!({"blocked_by": [self.blocker]});
        self.loom.file(&self.project, title, waits)
    }

    /// The project's agent of a role.
    fn agent(&self, role: &str) -> String {
        let path = format!("/api/v1/agents?project_id={}&limit=1000", self.project.id);
        let agents = self.loom.admin.all(&path);
        let found = agents
            .iter()
            .find(|agent| agent["role"] == role && agent["project_id"] == self.project.id.as_str());
        found.unwrap()["id"].as_str().unwrap().to_owned()
    }

    /// Asks about a bead.
    fn ask(&self, kind: &str, bead: &Filed, fields: Value) -> Value {
        let mut body = json!({"kind": kind, "bead_id": bead.id, "question": "What now?"});
        let object = body.as_object_mut().unwrap();
        object.extend(fields.as_object().unwrap().clone());
        self.loom.admin.post("/api/v1/decisions", &body).ok()
    }
}

fn read(loom: &Loom, decision: &Value) -> Value {
    let id = decision["id"].as_str().unwrap();
    loom.admin.get(&format!("/api/v1/decisions/{id}")).ok()
}

fn decide(client: &Client, decision: &Value, answer: &str, rationale: &str) -> Reply {
    let path = format!(
        "/api/v1/decisions/{}/decide",
        decision["id"].as_str().unwrap()
    );
    client.post(&path, &json!({"decision": answer, "rationale": rationale}))
}

/// The one decision about a bead.
fn only(loom: &Loom, bead: &Filed) -> Value {
    let all = loom.admin.get(&format!("{}/decisions", bead.path)).ok();
    assert_eq!(all.as_array().unwrap().len(), 1, "{all:#}");
    all[0].clone()
}

/// Everything that tells of a bead.
fn snapshot(loom: &Loom, bead: &Filed) -> (Value, Value, Value, Vec<Value>) {
    let get = |what: &str| loom.admin.get(&format!("{}/{what}", bead.path)).ok();
    (
        loom.bead(bead),
        get("decisions"),
        get("comments"),
        loom.events_of(bead),
    )
}

fn count(events: &[Value], kind: &str) -> usize {
    events.iter().filter(|event| event["type"] == kind).count()
}

#[test]
fn of_sixteen_deciders_at_the_same_instant_one_wins() {
    let loom = Loom::shared();
    let quiet = Quiet::new(&loom, &["engineering-manager", "qa-engineer"]);
    let username = format!("decider-{}", quiet.project.prefix);
    let account = json!({"username": username, "role": "user", "password": "a good password"});
    loom.admin.post("/api/v1/auth/users", &account).ok();
    let clients = [
        ("admin", loom.admin.clone()),
        (username.as_str(), loom.log_in(&username, "a good password")),
    ];
    // For each answer what becomes of an escalated bead and of a dangerous one.
    let answers = ["approve", "deny", "needs_more_info"];
    let becomes = [
        ("escalation", ["closed", "open", "open"]),
        ("high_risk", ["open", "closed", "blocked"]),
    ];
    for (kind, statuses) in becomes {
        let bead = quiet.file(&format!("Be decided by many in decisions, {kind}"));
        let asked = quiet.ask(kind, &bead, json!({}));
        let barrier = Barrier::new(DECIDERS);
        let replies: Vec<Reply> = std::thread::scope(|scope| {
            let deciders: Vec<_> = (0..DECIDERS)
                .map(|number| {
                    let (barrier, asked, clients) = (&barrier, &asked, &clients);
                    scope.spawn(move || {
                        let client = &clients[number % 2].1;
                        let rationale = format!("Decider {number} says so.");
                        barrier.wait();
                        decide(client, asked, answers[number % 3], &rationale)
                    })
                })
                .collect();
            deciders
                .into_iter()
                .map(|decider| decider.join().unwrap())
                .collect()
        });
        let won: Vec<usize> = (0..DECIDERS)
            .filter(|number| replies[*number].status == 200)
            .collect();
        assert_eq!(won.len(), 1, "{kind}: one answer holds");
        let winner = won[0];
        let (answer, decider) = (answers[winner % 3], clients[winner % 2].0);
        let rationale = format!("Decider {winner} says so.");
        for reply in replies.iter().filter(|reply| reply.status != 200) {
            reply.refused(409, "already_decided");
            let told = &reply.json["details"];
            assert_eq!(told["decision"], answer, "{told}");
            assert_eq!(told["decider"], decider, "{told}");
            assert_eq!(told["rationale"], rationale.as_str(), "{told}");
            assert_eq!(told["decided_at"], replies[winner].json["decided_at"]);
        }
        let decided = read(&loom, &asked);
        assert_eq!(decided, replies[winner].json, "{kind}: the winner's");
        let (bead, _, comments, events) = snapshot(&loom, &bead);
        assert_eq!(bead["status"], statuses[winner % 3], "{kind}: {answer}");
        assert_eq!(bead["open_decisions"], 0);
        assert_eq!(count(&events, "decision.decided"), 1);
        assert_eq!(comments.as_array().unwrap().len(), 1, "{comments}");
        assert!(comments.to_string().contains(&rationale), "{comments}");
    }
}

#[test]
fn an_unknown_decision_and_an_unknown_answer_are_refused_and_nothing_is_changed() {
    let loom = Loom::shared();
    let quiet = Quiet::new(&loom, &[]);
    let bead = quiet.file("Be decided by mistake in decisions");
    let asked = quiet.ask("escalation", &bead, json!({}));
    let before = snapshot(&loom, &bead);
    let unknown = json!({"id": "019ab000-0000-7000-8000-000000000000"});
    decide(&loom.admin, &unknown, "approve", "Why not?").refused(404, "decision_not_found");
    let of_bead = json!({"id": bead.id});
    decide(&loom.admin, &of_bead, "approve", "Why not?").refused(404, "decision_not_found");
    let perhaps = decide(&loom.admin, &asked, "perhaps", "Who knows?");
    perhaps.refused(422, "unknown_answer");
    let possible = &perhaps.json["details"]["possible"];
    assert_eq!(*possible, json!(["approve", "deny", "needs_more_info"]));
    decide(&loom.admin, &asked, "approve", "   ").refused(422, "invalid_fields");
    let path = format!("/api/v1/decisions/{}/decide", asked["id"].as_str().unwrap());
    let stale = loom
        .admin
        .request("POST", &path)
        .header("if-match", "\"v99\"");
    let body = json!({"decision": "approve", "rationale": "Read long ago."});
    stale.json(&body).send().refused(412, "version_conflict");
    assert_eq!(snapshot(&loom, &bead), before);
}

#[test]
fn an_expired_decision_is_refused_and_its_bead_stays_held_until_a_person_goes_on() {
    let loom = Loom::shared();
    if loom.state().is_none() {
        eprintln!("nothing tested: deadlines need a host of one's own, and LOOM_URL names another");
        return;
    }
    let quiet = Quiet::new(&loom, &[]);
    let bead = quiet.file("Be forgotten in decisions");
    let asked = quiet.ask("escalation", &bead, json!({}));
    let id = asked["id"].as_str().unwrap();
    // Once more, more loudly, and then no more.
    assert_eq!(loom.pass_time(id), Some(1));
    let again = read(&loom, &asked);
    assert_eq!(
        (&again["status"], &again["priority"], &again["escalations"]),
        (&json!("open"), &json!("P0"), &json!(1)),
        "{again}"
    );
    assert_eq!(loom.pass_time(id), Some(1));
    let expired = read(&loom, &asked);
    assert_eq!(expired["status"], "expired");
    let before = snapshot(&loom, &bead);
    assert_eq!(before.0["status"], "blocked");
    assert_eq!(count(&before.3, "decision.expired"), 1);
    for answer in ["approve", "deny"] {
        let late = decide(&loom.admin, &asked, answer, "I was on holiday.");
        late.refused(409, "decision_expired");
        assert_eq!(late.json["details"]["expired_at"], expired["decided_at"]);
    }
    assert_eq!(loom.pass_time(id), Some(0), "its deadline is over");
    assert_eq!(snapshot(&loom, &bead), before);
    // As the refusal says.
    let path = format!("{}/redispatch", bead.path);
    loom.admin.post(&path, &json!({"reason": "Go on."})).ok();
    assert_eq!(loom.bead(&bead)["status"], "open");
}

#[test]
fn a_declared_default_holds_when_the_deadline_passes() {
    let loom = Loom::shared();
    if loom.state().is_none() {
        eprintln!("nothing tested: deadlines need a host of one's own, and LOOM_URL names another");
        return;
    }
    let quiet = Quiet::new(&loom, &[]);
    let bead = quiet.file("Be closed by default in decisions");
    let asked = quiet.ask("escalation", &bead, json!({"default_answer": "approve"}));
    assert_eq!(loom.pass_time(asked["id"].as_str().unwrap()), Some(1));
    let decided = read(&loom, &asked);
    assert_eq!(
        (&decided["status"], &decided["decision"]),
        (&json!("decided"), &json!("approve"))
    );
    assert_eq!(loom.bead(&bead)["status"], "closed");
    let late = decide(&loom.admin, &asked, "deny", "Too late.");
    late.refused(409, "already_decided");
    assert_eq!(late.json["details"]["decider"], decided["decider"]);
}
