use loom_domain::workflow::{ExecutionStatus, NodeType};

use super::{FlowEvidence, ensure};
use crate::flow::evidence::Fate;

/// When nothing goes wrong any more and people answer everything, each bead is closed, or stands where only a person
/// can move it.
pub(super) fn every_bead_ends(evidence: &FlowEvidence) -> Result<(), String> {
    for fate in &evidence.fates {
        let is_settled = match fate.status.as_str() {
            "closed" => true,
            // A run waits for a part or an answer, and whatever has not come to its own end is not there yet.
            "in_progress" => fate.in_review || fate.run.is_some(),
            "blocked" => is_for_people(evidence, fate),
            _ => fate.open_blockers > 0 || evidence.withheld.contains(&fate.project),
        };
        ensure(is_settled, || {
            format!(
                "bead {} ({}) is {} ({:?}), its execution is {:?}{}, and nobody knows why",
                fate.id,
                fate.title,
                fate.status,
                fate.reason,
                fate.execution,
                if fate.is_paused { ", paused" } else { "" }
            )
        })?;
    }
    Ok(())
}

/// An epic that follows its workflow ends when the last of its parts does, unless a person keeps it from being worked on.
pub(super) fn parents_end_with_their_parts(evidence: &FlowEvidence) -> Result<(), String> {
    let find = |id: &str| evidence.fates.iter().find(|fate| fate.id == id);
    for (parent, parts) in &evidence.parts {
        let Some(epic) = find(parent) else { continue };
        let all_closed = parts
            .iter()
            .all(|part| find(part).is_some_and(|part| part.status == "closed"));
        let is_held = is_held(evidence, epic) && !is_at_wait(evidence, epic);
        let follows = epic.execution.as_deref() == Some("active") && !epic.is_paused && !is_held;
        ensure(!(all_closed && follows), || {
            format!(
                "epic {parent} is {} and all its parts are closed",
                epic.status
            )
        })?;
    }
    Ok(())
}

fn is_for_people(evidence: &FlowEvidence, fate: &Fate) -> bool {
    fate.is_paused
        || fate.execution.as_deref() == Some("cancelled")
        || is_held(evidence, fate)
        // For its parts: all other waits have a time.
        || is_at_wait(evidence, fate)
}

/// Whether a person, or a question that nobody answered, keeps a bead from being worked on.
fn is_held(evidence: &FlowEvidence, fate: &Fate) -> bool {
    let by_question = evidence.questions.iter().any(|question| {
        let answer = question.decision.as_deref();
        let holds = match question.kind.as_str() {
            _ if question.status == "expired" => true,
            "high_risk" => answer == Some("needs_more_info"),
            "budget_override" => answer != Some("approve"),
            _ => false,
        };
        question.bead.as_ref() == Some(&fate.id) && holds
    });
    let word = evidence.words.get(&fate.id);
    by_question || word.is_some_and(|word| word == "blocked")
}

fn is_at_wait(evidence: &FlowEvidence, fate: &Fate) -> bool {
    evidence.stories.iter().any(|story| {
        story.stored.bead_id == fate.id
            && story.stored.status == ExecutionStatus::Active
            && story.nodes.get(&story.stored.node) == Some(&NodeType::Wait)
    })
}
