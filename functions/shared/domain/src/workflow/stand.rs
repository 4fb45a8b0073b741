use super::{Definition, Execution, ExecutionStatus, Node, NodeType, Wait};
use crate::{
    role::Role,
    time::{MINUTE, Timestamp},
};

/// What an execution asks of the world as it stands: what its bead does, and what may move it on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stand {
    /// An agent works at the node.
    Work {
        /// Of this role, where one is free to.
        role: Option<Role>,
        /// But not this one, whose work is judged.
        author: Option<String>,
    },
    /// A person is asked for a yes or no.
    Ask,
    /// A time, a signal or child beads are waited for.
    Wait(Wait),
    /// It stays where it is until it is resumed.
    Paused,
    /// A person is asked how to go on.
    Escalated,
    /// It reached what it was for.
    Completed,
    /// It ended without.
    Failed,
    /// It was stopped; its bead waits for a person.
    Cancelled,
}

/// What an execution asks of the world. Whether an agent can judge at all is the team's matter: where nobody but the
/// author is there, the caller turns [`Stand::Work`] into [`Stand::Ask`].
pub fn stand(definition: &Definition, execution: &Execution) -> Stand {
    match execution.status {
        ExecutionStatus::Completed => return Stand::Completed,
        ExecutionStatus::Failed => return Stand::Failed,
        ExecutionStatus::Cancelled => return Stand::Cancelled,
        ExecutionStatus::Escalated => return Stand::Escalated,
        ExecutionStatus::Active if execution.is_paused => return Stand::Paused,
        ExecutionStatus::Active => {}
    }
    let Some(node) = definition.node(&execution.node) else {
        return Stand::Escalated;
    };
    if let Some(wait) = &node.wait {
        return Stand::Wait(wait.clone());
    }
    let role = node.role_required.clone();
    if node.node_type.judges() {
        if role.as_ref().is_some_and(Role::is_human_seat) {
            return Stand::Ask;
        }
        return Stand::Work {
            role,
            author: execution.author.clone(),
        };
    }
    Stand::Work { role, author: None }
}

impl Node {
    /// When a stay that began at `entered_at` runs out of time: the node's limit, or the time that it waits for.
    pub fn due_at(&self, entered_at: Timestamp) -> Option<Timestamp> {
        let minutes = match (&self.node_type, &self.wait) {
            (NodeType::Wait, Some(Wait::TimerMinutes(minutes))) => *minutes,
            _ => self.timeout_minutes,
        };
        (minutes > 0)
            .then(|| Timestamp(entered_at.0.saturating_add(minutes.saturating_mul(MINUTE))))
    }
}
