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

/// An epic that follows its workflow ends when the last of its parts does.
pub(super) fn parents_end_with_their_parts(evidence: &FlowEvidence) -> Result<(), String> {
    let find = |id: &str| evidence.fates.iter().find(|fate| fate.id == id);
    for (parent, parts) in &evidence.parts {
        let Some(epic) = find(parent) else { continue };
        let all_closed = parts
            .iter()
            .all(|part| find(part).is_some_and(|part| part.status == "closed"));
        let follows = epic.execution.as_deref() == Some("active") && !epic.is_paused;
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
    let of_bead = |status: &str| {
        let of_bead = |question: &&crate::flow::evidence::Question| {
            question.bead.as_ref() == Some(&fate.id) && question.status == status
        };
        evidence.questions.iter().filter(of_bead).count()
    };
    let held_back = evidence.questions.iter().any(|question| {
        // Who says so keeps the bead blocked.
        question.bead.as_ref() == Some(&fate.id)
            && (question.kind == "high_risk"
                && question.decision.as_deref() == Some("needs_more_info")
                || question.kind == "budget_override"
                    && question.decision.as_deref() != Some("approve"))
    });
    fate.is_paused
        || fate.execution.as_deref() == Some("cancelled")
        || of_bead("expired") > 0
        || held_back
        || evidence
            .words
            .get(&fate.id)
            .is_some_and(|word| word == "blocked")
        || evidence.stories.iter().any(|story| {
            // For its parts: all other waits have a time.
            let at = story.nodes.get(&story.stored.node);
            story.stored.bead_id == fate.id
                && story.stored.status == ExecutionStatus::Active
                && at == Some(&NodeType::Wait)
        })
}
