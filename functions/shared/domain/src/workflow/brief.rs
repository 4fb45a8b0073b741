use super::{Definition, Node, NodeType, Outcome};
use crate::action::{Action, DoneOutcome};

/// What a node says to the agent that works at it: where in the workflow it is, what is to be done, and how it ends.
/// All of it is written by those who defined the workflow.
pub fn brief(definition: &Definition, node: &Node) -> String {
    let mut text = format!(
        "This bead follows the workflow \"{}\" and is at its node {} ({}).\n",
        definition.name,
        node.node_key,
        node.node_type.as_str()
    );
    for part in [
        node.persona_hint.as_deref().unwrap_or_default(),
        &node.instructions,
        how_it_ends(node.node_type),
    ] {
        if !part.trim().is_empty() {
            text.push_str(part.trim());
            text.push('\n');
        }
    }
    text
}

fn how_it_ends(node_type: NodeType) -> &'static str {
    match node_type {
        NodeType::Task => {
            "Commit what you changed, then conclude with done: outcome success, with a summary of what the next stage \
             has to know, or outcome failure, with what stands in the way. Nothing is merged at this stage."
        }
        NodeType::Approval => {
            "Judge what the stages before this one brought; don't do their work. Conclude with approve, saying what \
             you checked, or with reject, saying what must change."
        }
        NodeType::Verify => {
            "Try out what the stages before this one brought: build it, run the tests. Conclude with approve, saying \
             what you checked, or with reject, saying what must change."
        }
        NodeType::Commit => {
            "See that everything is committed and that the tests pass, then conclude with done: it hands the work \
             over, merged or as a branch, as the project's git strategy says."
        }
        NodeType::Wait => "",
    }
}

/// What an action that concludes a run means at a node: its outcome, or why it is none there.
pub fn outcome_of(node: &Node, action: &Action) -> Option<Result<Outcome, String>> {
    let judges = node.node_type.judges();
    let foreign = |instead: &str| {
        Some(Err(format!(
            "Node {} is of type {}: conclude it with {instead}.",
            node.node_key,
            node.node_type.as_str()
        )))
    };
    match action {
        Action::Done { .. } if judges => foreign("approve or reject, not with done"),
        Action::Approve { .. } | Action::Reject { .. } if !judges => {
            foreign("done, not with approve or reject")
        }
        Action::Done { outcome, .. } => Some(Ok(match outcome {
            DoneOutcome::Success => Outcome::Success,
            DoneOutcome::Failure => Outcome::Failure,
        })),
        Action::Approve { .. } => Some(Ok(Outcome::Approved)),
        Action::Reject { .. } => Some(Ok(Outcome::Rejected)),
        Action::Escalate { .. } => Some(Ok(Outcome::Escalated)),
        Action::CloseBead { .. } => Some(Err(
            "This bead follows a workflow, which closes it at its end. Conclude this stage, or escalate.".to_owned(),
        )),
        _ => None,
    }
}
