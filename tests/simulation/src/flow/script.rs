//! What the scripted model answers here: by the kind of node at which the run works, and by what is drawn for the run.

use serde_json::{Value, json};

use super::plan::Temper;
use crate::{draw::Draw, script::Answer};

/// Where a run works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// At a node that ends with `done`.
    Work,
    /// At a node that ends with `approve` or `reject`.
    Judgement,
    /// On the question that the decision-maker is to answer.
    Question,
    /// On a bead without a workflow.
    Plain,
}

impl Place {
    /// Read from the request, as a model would.
    pub(crate) fn of(title: &str, request: &str) -> Self {
        if title.starts_with("[decision-maker]") {
            return Self::Question;
        }
        let Some((_, rest)) = request.split_once("and is at its node ") else {
            return Self::Plain;
        };
        let node_type = rest.split(['(', ')']).nth(1).unwrap_or_default();
        match node_type {
            "approval" | "verify" => Self::Judgement,
            _ => Self::Work,
        }
    }
}

/// How a run behaves, once and for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Good,
    Refuses,
    Escalates,
    Babbles,
    Errs,
    Delegates,
    Asks,
    Files,
}

fn mood(seed: u64, run: &str, temper: Temper) -> Mood {
    let mut roll = Draw::new(seed, run).below(100);
    for (share, mood) in [
        (temper.refuses, Mood::Refuses),
        (temper.escalates, Mood::Escalates),
        (temper.babbles, Mood::Babbles),
        (temper.errs, Mood::Errs),
        (temper.delegates, Mood::Delegates),
        (temper.asks, Mood::Asks),
        (temper.files, Mood::Files),
    ] {
        if roll < share {
            return mood;
        }
        roll -= share;
    }
    Mood::Good
}

/// The conversation that is answered.
pub(crate) struct Talk<'a> {
    pub(crate) seed: u64,
    pub(crate) run: &'a str,
    pub(crate) bead: &'a str,
    pub(crate) title: &'a str,
    /// How often the model has spoken.
    pub(crate) turn: usize,
    pub(crate) temper: Temper,
}

/// The answer to a conversation.
pub(crate) fn answer(talk: &Talk<'_>, place: Place) -> Answer {
    let is_part = !talk.title.starts_with("Task ");
    let mood = match mood(talk.seed, talk.run, talk.temper) {
        // What agents file by themselves is done without more of it, or there would be no end.
        Mood::Delegates | Mood::Asks | Mood::Files if is_part => Mood::Good,
        mood => mood,
    };
    let tools = match (mood, talk.turn) {
        (Mood::Babbles, _) => return Answer::Text("I shall think about it.".to_owned()),
        (Mood::Refuses, _) => vec![no(place)],
        (Mood::Escalates, _) => vec![(
            "escalate",
            json!({"question": "Which of the two?", "options": ["one", "other"]}),
        )],
        (Mood::Errs, 0) => match place {
            Place::Judgement => vec![done("success")],
            _ => vec![("reject", json!({"reason": "Not mine to say."}))],
        },
        (Mood::Delegates, 0) => vec![(
            "delegate",
            json!({"role": "qa-engineer", "title": format!("Part of {}", talk.bead), "description": "Do it."}),
        )],
        (Mood::Asks, 0) => vec![(
            "ask",
            json!({"role": "ceo", "question": "Which of the two?"}),
        )],
        (Mood::Files, 0) => vec![(
            "create_bead",
            json!({"title": format!("Follow-up of {}", talk.bead), "description": "More of it.", "type": "task"}),
        )],
        _ => good(talk, place),
    };
    Answer::Tools(tools)
}

fn done(outcome: &str) -> (&'static str, Value) {
    (
        "done",
        json!({"summary": "As far as I can see.", "outcome": outcome}),
    )
}

fn no(place: Place) -> (&'static str, Value) {
    match place {
        Place::Judgement | Place::Question => (
            "reject",
            json!({"reason": "It does not do what was asked."}),
        ),
        Place::Work | Place::Plain => done("failure"),
    }
}

fn good(talk: &Talk<'_>, place: Place) -> Vec<(&'static str, Value)> {
    match place {
        Place::Judgement | Place::Question => {
            vec![("approve", json!({"reason": "It does what was asked."}))]
        }
        Place::Work | Place::Plain => vec![
            (
                "write_file",
                json!({"path": format!("src/{}.txt", talk.bead), "content": format!("{} by {}\n", talk.bead, talk.run)}),
            ),
            (
                "git_commit",
                json!({"message": format!("Work for {}", talk.bead)}),
            ),
            done("success"),
        ],
    }
}
