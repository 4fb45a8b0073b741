//! Questions that are put by hand: each kind with each answer.

use loom_test_support::tokenhub::Answer;
use loom_test_support::{Loom, Repository};
use serde_json::{Value, json};

use super::{Quiet, count, decide, only, read, snapshot};

/// What people say, and what is understood.
const ANSWERS: [(&str, &str); 4] = [
    ("Approved!", "approve"),
    ("no", "deny"),
    ("Needs more info", "needs_more_info"),
    ("wait for SPRING", "Wait for spring"),
];

const RATIONALE: &str = "The otters are asleep.";

/// A bead after each of [`ANSWERS`]: its status, what its close reason begins with, and the role of its assignee.
type Becomes = [(&'static str, &'static str, &'static str); 4];

#[test]
fn each_answer_to_a_question_about_a_bead_does_what_was_announced() {
    let loom = Loom::shared();
    let quiet = Quiet::new(&loom, &["qa-engineer", "engineering-manager"]);
    let table: [(&str, &str, Becomes); 3] = [
        (
            "escalation",
            "blocked",
            [
                ("closed", "closed by admin", ""),
                ("open", "", "engineering-manager"),
                ("open", "", "qa-engineer"),
                ("open", "", ""),
            ],
        ),
        (
            "high_risk",
            "blocked",
            [
                ("open", "", ""),
                ("closed", "refused by admin", ""),
                ("blocked", "", ""),
                ("open", "", ""),
            ],
        ),
        ("question", "open", [("open", "", ""); 4]),
    ];
    for (kind, held, becomes) in table {
        for ((said, understood), (status, reason, role)) in ANSWERS.into_iter().zip(becomes) {
            let what = format!("{kind}: {understood}");
            let bead = quiet.file(&format!("Be answered in decisions, {what}"));
            let options =
                json!({"options": ["Wait for spring"], "returned_to": quiet.agent("qa-engineer")});
            let asked = quiet.ask(kind, &bead, options);
            let before = loom.bead(&bead);
            assert_eq!(before["status"], held, "{what}");
            assert_eq!(before["open_decisions"], 1, "{what}");
            let announced = asked["effects"][understood].as_str().unwrap_or_default();
            assert!(announced.ends_with('.'), "{what}: {asked}");

            let decided = decide(&loom.admin, &asked, said, RATIONALE).ok();
            let told = [
                &decided["decision"],
                &decided["decider"],
                &decided["rationale"],
            ];
            assert_eq!(told, [understood, "admin", RATIONALE], "{what}");
            assert_eq!(read(&loom, &asked), decided, "{what}");
            let (bead, _, comments, events) = snapshot(&loom, &bead);
            assert_eq!(bead["status"], status, "{what}");
            assert_eq!(bead["open_decisions"], 0, "{what}");
            let said = bead["close_reason"].as_str().unwrap_or_default();
            assert!(said.starts_with(reason), "{what}: {said}");
            let assignee = match role {
                "" => Value::Null,
                role => json!(quiet.agent(role)),
            };
            assert_eq!(bead["assigned_to"], assignee, "{what}");
            assert_eq!(count(&events, "decision.decided"), 1, "{what}");
            let comment = comments[0].to_string();
            for part in ["What now?", understood, RATIONALE] {
                assert!(comment.contains(part), "{what}: {comment}");
            }
        }
    }
}

#[test]
fn the_next_run_is_told_the_answer() {
    let loom = Loom::shared();
    let repository = Repository::new(&[("README.md", "Decisions\n")]);
    let title = "Be told the answer in decisions";
    loom.model.script(title, |seen| {
        let outcome = match (seen.system() + &seen.user()).contains(RATIONALE) {
            true => json!({"summary": "As decided."}),
            false => json!({"summary": "Nobody has decided.", "outcome": "failure"}),
        };
        Answer::call("done", outcome)
    });
    let project = loom.project(&repository, &[], json!({}));
    let bead = loom.file(&project, title, json!({}));
    let body = json!({"kind": "high_risk", "bead_id": bead.id, "question": "May it?"});
    let asked = loom.admin.post("/api/v1/decisions", &body).ok();
    let agent = json!({"role": "engineering-manager", "project_id": project.id});
    loom.admin.post("/api/v1/agents", &agent).ok();
    loom.tick();
    assert_eq!(loom.bead(&bead)["status"], "blocked");
    assert_eq!(
        loom.model.calls_about(title),
        [],
        "nothing dangerous is begun"
    );
    decide(&loom.admin, &asked, "approve", RATIONALE).ok();
    let closed = loom.until_status(&bead, "closed");
    assert_eq!(
        (&closed["failed_runs"], &closed["close_reason"]),
        (&json!(0), &json!("done"))
    );
    assert_eq!(only(&loom, &bead)["status"], "decided");
}

#[test]
fn a_project_is_closed_by_an_approval_alone_and_its_beads_stay_as_they_are() {
    let loom = Loom::shared();
    let closes = ["closed", "open", "open", "open"];
    for ((said, understood), status) in ANSWERS.into_iter().zip(closes) {
        let quiet = Quiet::new(&loom, &[]);
        let bead = quiet.file("Be left over in decisions");
        let path = format!("/api/v1/projects/{}", quiet.project.id);
        let before = (loom.bead(&bead), loom.admin.get(&path).ok());
        let body = json!({
            "kind": "project_close",
            "project_id": quiet.project.id,
            "question": "Is it over?",
            "options": ["Wait for spring"],
        });
        let asked = loom.admin.post("/api/v1/decisions", &body).ok();
        loom.admin
            .post("/api/v1/decisions", &body)
            .refused(409, "already_asked");
        let decided = decide(&loom.admin, &asked, said, RATIONALE).ok();
        assert_eq!(decided["decision"], understood);
        let project = loom.admin.get(&path).ok();
        assert_eq!(project["status"], status, "{understood}");
        if status == "open" {
            assert_eq!(project, before.1, "{understood}: nothing happened to it");
        }
        assert_eq!(loom.bead(&bead), before.0, "{understood}");
        decide(&loom.admin, &asked, "approve", "Again.").refused(409, "already_decided");
    }
}
