//! What each kind of event says. Every function gives the headline, and the lines that follow what it concerns.

use super::{
    Occurrence, Part,
    notice::{ours, theirs},
};
use crate::{
    decision::{Assignee, possible},
    time::Timestamp,
};

/// How many of a decision's answers are written out.
const MOST_ANSWERS: usize = 8;

impl Occurrence {
    fn question(&self) -> Part {
        let from_event = self.fact("question");
        match &self.decision {
            Some(decision) if from_event.is_empty() => theirs(decision.question.clone()),
            _ => theirs(from_event),
        }
    }

    /// Who must answer what until when.
    fn answer_wanted(&self) -> Vec<Part> {
        let mut line = vec![ours("To do: a person answers")];
        let Some(decision) = &self.decision else {
            line.push(ours("."));
            return line;
        };
        line.push(ours(" with one of: "));
        let answers = possible(&decision.options);
        for (place, answer) in answers.iter().take(MOST_ANSWERS).enumerate() {
            if place > 0 {
                line.push(ours(", "));
            }
            line.push(theirs(answer.as_str()));
        }
        if answers.len() > MOST_ANSWERS {
            line.push(ours(", …"));
        }
        line.push(ours(format!(" (until {})", minute(decision.deadline_at))));
        line
    }

    pub(super) fn asked(&self) -> (Vec<Part>, Vec<Vec<Part>>) {
        if self.fact("assignee") == Assignee::DecisionMaker.as_str() {
            let headline = vec![ours("Asked, the decision-maker answers: "), self.question()];
            let next = "To do: nothing; a person is asked if it finds no answer.";
            return (headline, vec![vec![ours(next)]]);
        }
        let headline = vec![ours("Decision needed: "), self.question()];
        (headline, vec![self.answer_wanted()])
    }

    pub(super) fn escalated(&self) -> (Vec<Part>, Vec<Vec<Part>>) {
        let headline = vec![ours("Decision needed, asked again: "), self.question()];
        let mut more = Vec::new();
        if !self.fact("note").is_empty() {
            more.push(vec![theirs(self.fact("note"))]);
        }
        more.push(self.answer_wanted());
        (headline, more)
    }

    pub(super) fn decided(&self) -> (Vec<Part>, Vec<Vec<Part>>) {
        let headline = vec![ours("Decided: "), self.question()];
        let answer = vec![
            theirs(self.fact("decision")),
            ours(", said "),
            theirs(self.fact("decider")),
            ours(": "),
            theirs(self.fact("rationale")),
        ];
        (headline, vec![answer, vec![ours("To do: nothing.")]])
    }

    pub(super) fn expired(&self) -> (Vec<Part>, Vec<Vec<Part>>) {
        let headline = vec![ours("Nobody answered in time: "), self.question()];
        let next = "To do: a person asks again, or goes on without the answer.";
        (headline, vec![vec![ours(next)]])
    }

    pub(super) fn closed(&self) -> (Vec<Part>, Vec<Vec<Part>>) {
        let headline = vec![ours("Closed: "), theirs(self.fact("reason"))];
        (headline, vec![vec![ours("To do: nothing.")]])
    }

    pub(super) fn bead_changed(&self) -> (Vec<Part>, Vec<Vec<Part>>) {
        if self.fact("status") == "blocked" {
            let headline = vec![ours("Blocked: "), theirs(self.fact("reason"))];
            let next = "To do: a person answers its question, or opens the bead again.";
            return (headline, vec![vec![ours(next)]]);
        }
        let headline = vec![
            ours("Now "),
            theirs(self.fact("status")),
            ours(": "),
            theirs(self.fact("reason")),
        ];
        (headline, Vec::new())
    }

    pub(super) fn run_ended(&self) -> (Vec<Part>, Vec<Vec<Part>>) {
        let headline = vec![
            ours("Run "),
            theirs(self.fact("status")),
            ours(": "),
            theirs(self.fact("message")),
        ];
        if self.fact("status") != "failed" {
            return (headline, Vec::new());
        }
        let next = "To do: nothing yet; it is tried again, or a person is asked.";
        (headline, vec![vec![ours(next)]])
    }

    pub(super) fn provider(&self) -> (Vec<Part>, Vec<Vec<Part>>) {
        let headline = vec![
            ours("Provider "),
            theirs(self.fact("name")),
            ours(" is "),
            theirs(self.fact("status")),
        ];
        if self.fact("status") != "failed" {
            return (headline, Vec::new());
        }
        let why = vec![theirs(self.fact("error"))];
        let next = vec![ours(
            "To do: an admin looks after it; no run begins until it is healthy.",
        )];
        (headline, vec![why, next])
    }

    pub(super) fn paused(&self) -> (Vec<Part>, Vec<Vec<Part>>) {
        let headline = vec![
            ours("Connector "),
            theirs(self.fact("name")),
            ours(" is paused: "),
            theirs(self.fact("reason")),
        ];
        let next = "To do: an admin mends it and resumes it.";
        (headline, vec![vec![ours(next)]])
    }
}

/// `2026-11-26 10:00 UTC`.
fn minute(at: Timestamp) -> String {
    let text = at.to_rfc3339();
    let (day, time) = text.split_once('T').unwrap_or((&text, ""));
    format!("{day} {} UTC", time.get(..5).unwrap_or_default())
}
