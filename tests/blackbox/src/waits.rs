use loom_test_support::tokenhub::Answer;
use loom_test_support::{Loom, Repository};
use serde_json::json;

/// One agent, which therefore must let go of its work to do the part that it delegates. The whole is done by one run of
/// the parent, which is told what came of the part, and reads the message that the part's run sent to its role.
#[test]
fn a_run_waits_for_what_it_delegates_and_goes_on_with_the_result() {
    let loom = Loom::shared();
    let repository = Repository::new(&[("README.md", "Adds.\n")]);
    let project = loom.project(&repository, &["engineering-manager"], json!({}));
    let (whole, part) = ("Write the manual of waits", "Write the chapter of waits");
    loom.model.turns(
        part,
        [Answer::calls([
            (
                "write_file".to_owned(),
                json!({"path": "chapter.txt", "content": "A chapter\n"}),
            ),
            (
                "git_commit".to_owned(),
                json!({"message": "Write the chapter"}),
            ),
            (
                "send_message".to_owned(),
                json!({"to": "engineering-manager", "message": "Mind the heron."}),
            ),
            (
                "send_message".to_owned(),
                json!({"to": "ceo", "message": "It is going well."}),
            ),
            (
                "done".to_owned(),
                json!({"summary": "The chapter has one page about otters."}),
            ),
        ])],
    );
    // What the whole is told of the part names it, so its own script goes first.
    loom.model.turns(
        whole,
        [
            // What it tries to conclude in the same reply is refused: it does not know yet what comes of the part.
            Answer::calls([
                (
                    "delegate".to_owned(),
                    json!({"role": "engineering-manager", "title": part, "description": "As chapter.txt."}),
                ),
                ("done".to_owned(), json!({"summary": "Too early."})),
            ]),
            Answer::calls([
                (
                    "write_file".to_owned(),
                    json!({"path": "manual.txt", "content": "See chapter.txt.\n"}),
                ),
                ("git_commit".to_owned(), json!({"message": "Write the manual"})),
                ("done".to_owned(), json!({"summary": "Both are written."})),
            ]),
        ],
    );
    let bead = loom.file(&project, whole, json!({}));
    loom.until_status(&bead, "closed");

    let runs = loom.runs(&bead);
    assert_eq!(runs.len(), 1, "the same run went on");
    assert_eq!(runs[0]["waits_for"], json!([]));
    let first = &runs[0]["steps"][0]["actions"];
    assert_eq!(
        (&first[0]["status"], &first[1]["code"]),
        (&json!("ok"), &json!("waits_for_answer"))
    );
    assert_eq!(repository.on_main("chapter.txt"), "A chapter");
    assert_eq!(repository.on_main("manual.txt"), "See chapter.txt.");

    let calls = loom.model.calls_about(whole);
    let last = String::from_utf8_lossy(&calls.last().unwrap().body).into_owned();
    for told in [
        "that you waited for is closed",
        "one page about otters",
        "Mind the heron.",
    ] {
        assert!(last.contains(told), "{told} in {last}");
    }
    let kinds: Vec<String> = loom
        .events_of(&bead)
        .iter()
        .map(|event| event["type"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        kinds.iter().filter(|kind| *kind == "run.answered").count(),
        1
    );

    // What is said to a person is where people read.
    let path = format!("/api/v1/beads?project_id={}&parent={}", project.id, bead.id);
    let part = &loom.admin.all(&path)[0];
    let path = format!("/api/v1/beads/{}/comments", part["id"].as_str().unwrap());
    let comments = loom.admin.get(&path).ok().to_string();
    assert!(comments.contains("@ceo: It is going well."), "{comments}");
}
