//! The words of a status comment. Nothing in them changes unless something about the work does, so that it is not edited
//! for nothing.

use std::fmt::Write;

use loom_domain::{
    bead::{BeadStatus, ReasonCode},
    money::dollars,
};

use super::facts::Told;

/// How many questions are shown.
const QUESTIONS: usize = 3;
/// The longest text of others, in characters.
const LONGEST: usize = 300;

/// The comment, in Markdown.
pub(super) fn write(told: &Told) -> String {
    let mut text = String::from("### Loom\n");
    if let Some(bead) = &told.bead {
        let _ = write!(text, "\n**Bead** `{}`: {}", bead.id, state(bead.status));
        if let Some(reason) = bead
            .close_reason
            .as_deref()
            .filter(|_| bead.status == BeadStatus::Closed)
        {
            let _ = write!(text, " ({})", inline(reason));
        }
        text.push('\n');
        let mut line = |name: &str, value: String| {
            let _ = writeln!(text, "- **{name}**: {value}");
        };
        if let Some((name, role)) = &told.agent {
            let verb = if bead.run_id.is_some() {
                "Agent"
            } else {
                "Last agent"
            };
            line(verb, format!("{} ({})", inline(name), inline(role)));
        }
        if let Some(branch) = &told.branch {
            line("Branch", format!("`{}`", inline(branch)));
        }
        if let Some((number, how)) = told.pull_request {
            line("Pull request", format!("#{number}, {how}"));
        }
        line("Cost so far", dollars(told.cost_micro_usd));
        let waits = waits(&told.waits);
        if !waits.is_empty() {
            line("Waits for", waits.join("; "));
        }
        for question in told.questions.iter().take(QUESTIONS) {
            line("Question", inline(question));
        }
    }
    if !told.notices.is_empty() {
        text.push_str("\n**Commands**\n");
        for notice in &told.notices {
            let _ = writeln!(
                text,
                "- `{}` by {}: {}",
                inline(&notice.command),
                inline(&notice.by),
                inline(&notice.answer)
            );
        }
    }
    text.truncate(text.trim_end().len());
    text
}

fn state(status: BeadStatus) -> &'static str {
    match status {
        BeadStatus::Open => "open",
        BeadStatus::InProgress => "in progress",
        BeadStatus::Blocked => "blocked",
        BeadStatus::Closed => "closed",
    }
}

/// For what or whom it waits, each once.
fn waits(codes: &[ReasonCode]) -> Vec<&'static str> {
    let mut waits = Vec::new();
    for wait in codes.iter().filter_map(|code| wait(*code)) {
        if !waits.contains(&wait) {
            waits.push(wait);
        }
    }
    waits
}

fn wait(code: ReasonCode) -> Option<&'static str> {
    Some(match code {
        ReasonCode::Closed | ReasonCode::HasLiveRun | ReasonCode::Ready => return None,
        ReasonCode::WaitsForBead | ReasonCode::OpenBlocker => {
            "other beads, which must be closed first"
        }
        ReasonCode::WaitsForDecision | ReasonCode::HeldByDecision => "the answer to a question",
        ReasonCode::WaitsForChecks => "the checks of its commit",
        ReasonCode::WaitsForRoom
        | ReasonCode::ProjectAtCapacity
        | ReasonCode::AtCapacity
        | ReasonCode::NoIdleAgent => "a free agent",
        ReasonCode::InProgress => "the person who works on it",
        ReasonCode::InReview => "a review",
        ReasonCode::Blocked
        | ReasonCode::HeldByPerson
        | ReasonCode::DecisionExpired
        | ReasonCode::RequiresHuman
        | ReasonCode::DispatchesExhausted => "a person",
        ReasonCode::WorkflowWaits => "the next step of its workflow",
        ReasonCode::HeldByPlan => "the plan that it is part of",
        ReasonCode::RetryLater => "the next attempt",
        ReasonCode::ProjectClosed => "its project, which is closed",
        ReasonCode::TouchesOverlap => "other work on the same files",
        ReasonCode::BudgetUsedUp => "money: a budget is used up",
        ReasonCode::NoAgent => "an agent of its role, which the team lacks",
        ReasonCode::NoHealthyProvider => "a model that answers",
    })
}

/// Text that others wrote, as it can stand within a line of Markdown: it ends no code, opens no tag, calls nobody.
fn inline(text: &str) -> String {
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.replace(['`', '<', '>', '[', ']', '@'], " ")
        .chars()
        .filter(|character| !character.is_control())
        .take(LONGEST)
        .collect::<String>()
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use loom_domain::time::Timestamp;
    use loom_store::github::Notice;

    use super::*;

    #[test]
    fn an_answer_alone_is_told_too() {
        let told = Told {
            notices: vec![Notice {
                at: Timestamp(0),
                by: "ann".to_owned(),
                command: "/loom work".to_owned(),
                answer: "Only people with write access\ngive <b>commands</b>, @bob.".to_owned(),
            }],
            ..Told::default()
        };
        assert_eq!(
            write(&told),
            "### Loom\n\n**Commands**\n- `/loom work` by ann: Only people with write access give  b commands /b ,  bob."
        );
    }

    #[test]
    fn each_wait_is_told_once() {
        let codes = [
            ReasonCode::NoIdleAgent,
            ReasonCode::AtCapacity,
            ReasonCode::HeldByDecision,
            ReasonCode::Ready,
        ];
        assert_eq!(waits(&codes), ["a free agent", "the answer to a question"]);
    }
}
