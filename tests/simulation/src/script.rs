//! What the scripted model answers: a function of the bead, the attempt and the number of answers so far.

use serde_json::{Value, json};

/// How the model behaves on one bead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Script {
    /// Writes, commits and is done, in one reply.
    WorksAtOnce,
    /// The same in three replies.
    Works,
    /// Two commits in two replies, then done.
    CommitsTwice,
    /// Is done without a change.
    ChangesNothing,
    /// Comments, files a bead and keeps a lesson, then works.
    Talks,
    /// Has another role do a part, then works.
    Delegates,
    /// Has another role do a part and asks a person in the same reply, tries to be done with it at once, then works.
    Consults,
    /// Changes the file that others change too.
    Collides,
    /// Gives up in so many attempts, then works.
    FailsFirst(i64),
    /// Gives up, every time.
    GivesUp,
    /// Never uses a tool.
    Babbles,
    /// Does the same thing again and again.
    Loops,
    /// Asks a person.
    Escalates,
    /// Asks for a decision in the first attempt, then works.
    EscalatesFirst,
    /// Answers the decision that its bead is about.
    Decides,
}

/// A scripted answer.
pub(crate) enum Answer {
    Text(String),
    Tools(Vec<(&'static str, Value)>),
}

/// The answer to a conversation in which the model has spoken `turn` times.
pub(crate) fn answer(script: Script, bead: &str, attempt: i64, turn: usize) -> Answer {
    let own = format!("src/{bead}.txt");
    let write = |path: &str, what: &str| {
        let content = format!("{what} of {bead}\n");
        ("write_file", json!({"path": path, "content": content}))
    };
    let commit = |what: &str| {
        (
            "git_commit",
            json!({"message": format!("{what} for {bead}")}),
        )
    };
    let done = || {
        (
            "done",
            json!({"summary": "It works.", "outcome": "success"}),
        )
    };
    let gives_up = || {
        (
            "done",
            json!({"summary": "It can't be done.", "outcome": "failure"}),
        )
    };
    let delegate = || {
        (
            "delegate",
            json!({"role": "qa-engineer", "title": format!("Part of {bead}"), "description": "Do it."}),
        )
    };
    let tools = match (script, turn) {
        (Script::Delegates, 0) => vec![write(&own, "draft"), delegate()],
        (Script::Consults, 0) => vec![
            write(&own, "draft"),
            delegate(),
            (
                "ask",
                json!({"role": "ceo", "question": "Which of the two?"}),
            ),
            done(),
        ],
        (Script::Delegates | Script::Consults, 1) => vec![write(&own, "work"), commit("work")],
        (Script::FailsFirst(attempts), 0) if attempt <= attempts => vec![gives_up()],
        (Script::EscalatesFirst, 0) if attempt == 1 => vec![(
            "escalate",
            json!({"question": "Which of the two?", "options": ["one", "other"]}),
        )],
        (Script::Decides, 0) => vec![(
            "approve",
            json!({"option": "one", "reason": "It is easier to take back."}),
        )],
        (Script::WorksAtOnce | Script::EscalatesFirst, 0) => {
            vec![write(&own, "work"), commit("work"), done()]
        }
        (Script::Works | Script::FailsFirst(_), 0) => vec![write(&own, "work")],
        (Script::Works | Script::FailsFirst(_), 1) => vec![commit("work")],
        (Script::CommitsTwice, 0) => vec![write(&own, "part one"), commit("part one")],
        (Script::CommitsTwice, 1) => vec![write(&own, "part two"), commit("part two")],
        (Script::Collides, 0) => vec![write("src/shared.txt", "work"), commit("work")],
        (Script::Talks, 0) => vec![
            ("comment", json!({"body": format!("About {bead}.")})),
            (
                "create_bead",
                json!({"title": format!("Follow-up of {bead}"), "description": "More of it."}),
            ),
            (
                "remember",
                json!({"title": "A lesson", "detail": format!("Learnt from {bead}.")}),
            ),
        ],
        (Script::Talks, 1) => vec![write(&own, "work"), commit("work")],
        (
            Script::Works
            | Script::FailsFirst(_)
            | Script::CommitsTwice
            | Script::Talks
            | Script::Delegates
            | Script::Consults,
            2,
        )
        | (Script::Collides, 1)
        | (Script::ChangesNothing, 0) => vec![done()],
        (Script::Babbles, _) => return Answer::Text("I shall think about it.".to_owned()),
        (Script::Loops, _) => vec![("git_status", json!({}))],
        (Script::Escalates, _) => vec![(
            "escalate",
            json!({"question": "Which of the two?", "options": ["one", "other"]}),
        )],
        _ => vec![gives_up()],
    };
    Answer::Tools(tools)
}
