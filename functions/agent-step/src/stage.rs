//! The node of a workflow at which a run works.

use loom_domain::{
    action::Action,
    bead::Bead,
    prompt::StageFacts,
    run::{EndReason, Run},
    workflow::{Definition, Node, NodeType, Outcome, Record, brief, outcome_of},
};
use loom_platform::Statements;
use loom_store::{
    run,
    workflow::{self, HistoryRecord},
};

use crate::{
    journal::{Brought, Effect},
    stop::Stop,
};

/// How many records of the history are told.
const TOLD: i64 = 12;

/// What a judging node lets its agent do, whatever its persona says: without it the node could not be concluded.
const JUDGEMENT: [&str; 2] = ["approve", "reject"];

/// The node, and how its bead came there.
pub(crate) struct Stage {
    definition: Definition,
    node: Node,
    history: Vec<HistoryRecord>,
    /// The branch on which the work of the stages before this one is.
    pub(crate) continues: Option<String>,
}

impl Stage {
    /// The stage of a bead that follows a workflow.
    pub(crate) async fn load<S: Statements>(
        statements: &S,
        bead: &Bead,
        run: &Run,
    ) -> Result<Option<Self>, Stop> {
        let Some(execution_id) = &bead.execution_id else {
            return Ok(None);
        };
        let execution = workflow::get(statements, execution_id).await?;
        let (definition, node) = workflow::node_of(statements, &execution).await?;
        let Some(node) = node else {
            return Err(Stop::End(EndReason::Failed {
                code: "node_unknown".to_owned(),
                message: format!("The workflow has no node {}.", execution.node),
            }));
        };
        let after = (execution.version - TOLD).max(0);
        let history = workflow::history(statements, execution_id, after, TOLD).await?;
        let continues =
            run::branch_to_continue(statements, &bead.id, execution.started_at, &run.id).await?;
        Ok(Some(Self {
            definition,
            node,
            history,
            continues,
        }))
    }

    /// What the node says to its agent.
    pub(crate) fn brief(&self) -> String {
        brief(&self.definition, &self.node)
    }

    /// What the stages before came to.
    pub(crate) fn before(&self) -> Vec<StageFacts<'_>> {
        self.history
            .iter()
            .filter_map(|record| match &record.record {
                Record::Advanced {
                    from,
                    outcome,
                    note,
                    ..
                }
                | Record::Escalated {
                    from,
                    outcome,
                    note,
                    ..
                } => Some(StageFacts {
                    node: from,
                    outcome: outcome.as_str(),
                    note,
                }),
                Record::Resumed { note } => Some(StageFacts {
                    node: &self.node.node_key,
                    outcome: "a person's answer",
                    note,
                }),
                _ => None,
            })
            .collect()
    }

    /// The node.
    pub(crate) fn node(&self) -> &Node {
        &self.node
    }

    /// Whether the work is handed over here.
    pub(crate) fn hands_over(&self) -> bool {
        self.node.node_type == NodeType::Commit
    }

    /// Widens what a persona may do by what the node needs.
    pub(crate) fn widen(&self, allowed: &mut Vec<String>) {
        if self.node.node_type.judges() {
            for name in JUDGEMENT {
                if !allowed.iter().any(|known| known == name) {
                    allowed.push(name.to_owned());
                }
            }
        }
    }

    /// Why an action that would conclude the run does not fit this node, if it does not.
    pub(crate) fn refuse(&self, action: &Action) -> Option<String> {
        outcome_of(&self.node, action)?.err()
    }

    /// How an action that was performed ends the run.
    pub(crate) fn reason(&self, action: &Action, brought: &Brought) -> Option<EndReason> {
        let outcome = outcome_of(&self.node, action)?.ok()?;
        if let Action::Escalate {
            question,
            options,
            recommendation,
            ..
        } = action
        {
            return Some(EndReason::NodeEscalated {
                question: question.clone(),
                options: options.clone(),
                recommendation: recommendation.clone(),
            });
        }
        let (code, commit) = match (&brought.effect, outcome) {
            (Some(Effect::Merged { commit }), _) => ("merged", Some(commit.clone())),
            (Some(Effect::HandedOver { commit }), _) => ("in_review", Some(commit.clone())),
            (_, Outcome::Approved) => ("approved", None),
            (_, Outcome::Rejected) => ("rejected", None),
            (_, Outcome::Failure) => ("gave_up", None),
            _ => ("done", None),
        };
        Some(EndReason::NodeConcluded {
            outcome,
            code,
            note: note(action),
            commit,
        })
    }
}

/// What an agent says about how it concludes.
fn note(action: &Action) -> String {
    match action {
        Action::Done { summary, .. } => summary.clone(),
        Action::Approve { reason, .. } => reason.clone().unwrap_or_default(),
        Action::Reject { reason, .. } => reason.clone(),
        _ => String::new(),
    }
}
