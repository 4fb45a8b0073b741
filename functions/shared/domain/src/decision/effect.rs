use std::collections::BTreeMap;

use super::{Answer, DecisionKind, possible};

/// What an answer does, besides ending the question and leaving question, answer and rationale on the bead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// The bead is closed as it is.
    CloseBead,
    /// The bead is open again for the agent that triages: the CTO, else the engineering manager, else any.
    Triage,
    /// The bead is open again for the agent that the question names, if it names one.
    ReturnBead,
    /// The bead is open again for whoever fits, who is told the answer.
    OpenBead,
    /// The bead stays blocked.
    KeepBlocked,
    /// The cap of the budget is granted once more, and its bead is open again.
    GrantBudget,
    /// Nothing is granted: a bead stays blocked, a project waits until its budget is raised.
    WithholdBudget,
    /// The bead is tried again now.
    RetryNow,
    /// The project is closed, although it has open beads.
    CloseProject,
    /// The workflow decides.
    Workflow,
    /// The answer goes to whoever asked.
    Tell,
    /// Nothing.
    Nothing,
}

/// The one table of what each answer to each kind of decision does.
pub fn effect(kind: DecisionKind, answer: &Answer) -> Effect {
    use Answer::{Approve, Deny, NeedsMoreInfo, Option};
    match kind {
        DecisionKind::AttemptsExhausted | DecisionKind::Escalation => match answer {
            Approve => Effect::CloseBead,
            Deny => Effect::Triage,
            NeedsMoreInfo => Effect::ReturnBead,
            Option(_) => Effect::OpenBead,
        },
        DecisionKind::BudgetOverride => match answer {
            Approve => Effect::GrantBudget,
            Deny | NeedsMoreInfo | Option(_) => Effect::WithholdBudget,
        },
        DecisionKind::Provider => match answer {
            Approve => Effect::RetryNow,
            Deny | NeedsMoreInfo | Option(_) => Effect::Nothing,
        },
        DecisionKind::ProjectClose => match answer {
            Approve => Effect::CloseProject,
            Deny | NeedsMoreInfo | Option(_) => Effect::Nothing,
        },
        DecisionKind::HighRisk => match answer {
            Approve | Option(_) => Effect::OpenBead,
            Deny => Effect::CloseBead,
            NeedsMoreInfo => Effect::KeepBlocked,
        },
        DecisionKind::Question => Effect::Tell,
        DecisionKind::WorkflowApproval | DecisionKind::WorkflowEscalation | DecisionKind::Demo => {
            Effect::Workflow
        }
    }
}

impl Effect {
    /// Whether agents work on the bead again.
    pub fn reopens(self) -> bool {
        matches!(
            self,
            Self::Triage | Self::ReturnBead | Self::OpenBead | Self::GrantBudget
        )
    }
}

/// What an answer will do, as a sentence for whoever is about to give it.
pub fn explain(kind: DecisionKind, answer: &Answer) -> &'static str {
    match (kind, effect(kind, answer)) {
        (DecisionKind::HighRisk, Effect::CloseBead) => {
            "The bead is closed as refused: its work is not done."
        }
        (DecisionKind::HighRisk, Effect::OpenBead) => {
            "The bead is no longer held: an agent does its work and is told this answer."
        }
        (DecisionKind::HighRisk, Effect::KeepBlocked) => {
            "The bead stays blocked, with your rationale as a comment. Escalate or reopen it when the answer is known."
        }
        (DecisionKind::ProjectClose, Effect::Nothing) => "The project stays open.",
        (DecisionKind::WorkflowApproval, _) => match answer {
            Answer::Approve => "The work is approved, and the workflow goes on.",
            Answer::Deny => "The work is rejected: the workflow goes back with your rationale.",
            Answer::NeedsMoreInfo => {
                "The work goes back as if it were rejected, with your rationale as what is missing."
            }
            Answer::Option(_) => "The work goes back, with this answer.",
        },
        (DecisionKind::WorkflowEscalation, _) => match answer {
            Answer::Approve => "The work is taken as it is, and the workflow ends.",
            Answer::Deny => {
                "The workflow goes on where it stopped, with limits that begin anew, in the hands of the agent that triages."
            }
            Answer::NeedsMoreInfo => {
                "The workflow goes on where it stopped, with limits that begin anew, in the hands of the agent that asked."
            }
            Answer::Option(_) => {
                "The workflow goes on where it stopped, with limits that begin anew and this answer."
            }
        },
        (DecisionKind::Demo, _) => match answer {
            Answer::Approve => "What was built is accepted, and the workflow ends.",
            Answer::Deny => {
                "What was built is not accepted: the workflow goes back with your rationale."
            }
            Answer::NeedsMoreInfo => {
                "The workflow goes back with your rationale, and shows what was built again."
            }
            Answer::Option(_) => "The workflow goes back, with this answer.",
        },
        (_, Effect::CloseBead) => "The bead is closed as it is.",
        (_, Effect::Triage) => {
            "The bead is open again and assigned to the agent that triages (CTO, else engineering manager, else any); \
             its failures are forgotten."
        }
        (_, Effect::ReturnBead) => {
            "The bead is open again and assigned to the agent that the question names, if any, to find out what you \
             ask for; its failures are forgotten."
        }
        (_, Effect::OpenBead) => {
            "The bead is open again, its failures are forgotten, and its next run is told this answer."
        }
        (_, Effect::KeepBlocked) => "The bead stays blocked.",
        (_, Effect::GrantBudget) => "The same cap is granted once more, and work goes on.",
        (_, Effect::WithholdBudget) => {
            "Nothing is granted. A bead stays blocked until you reopen it; a project is not worked on until its budget \
             is raised."
        }
        (_, Effect::RetryNow) => "The bead is tried again now.",
        (_, Effect::CloseProject) => {
            "The project is closed: its runs are stopped, and its beads stay as they are."
        }
        (_, Effect::Tell) => {
            "Whoever asked is told this answer and your rationale: the run that waits, else the bead's next run."
        }
        (_, Effect::Nothing | Effect::Workflow) => {
            "Nothing else happens: the bead is tried again at its own time."
        }
    }
}

/// What each possible answer will do, by answer.
pub fn effects(kind: DecisionKind, options: &[String]) -> BTreeMap<String, &'static str> {
    possible(options)
        .into_iter()
        .map(|answer| (answer.as_str().to_owned(), explain(kind, &answer)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_table() {
        use DecisionKind as Kind;
        use Effect::*;
        for (kind, approve, deny, info, option) in [
            (
                Kind::AttemptsExhausted,
                CloseBead,
                Triage,
                ReturnBead,
                OpenBead,
            ),
            (Kind::Escalation, CloseBead, Triage, ReturnBead, OpenBead),
            (
                Kind::BudgetOverride,
                GrantBudget,
                WithholdBudget,
                WithholdBudget,
                WithholdBudget,
            ),
            (Kind::Provider, RetryNow, Nothing, Nothing, Nothing),
            (
                Kind::WorkflowApproval,
                Workflow,
                Workflow,
                Workflow,
                Workflow,
            ),
            (
                Kind::WorkflowEscalation,
                Workflow,
                Workflow,
                Workflow,
                Workflow,
            ),
            (Kind::ProjectClose, CloseProject, Nothing, Nothing, Nothing),
            (Kind::HighRisk, OpenBead, CloseBead, KeepBlocked, OpenBead),
            (Kind::Question, Tell, Tell, Tell, Tell),
            (Kind::Demo, Workflow, Workflow, Workflow, Workflow),
        ] {
            let found = [
                Answer::Approve,
                Answer::Deny,
                Answer::NeedsMoreInfo,
                Answer::Option("x".into()),
            ]
            .map(|answer| effect(kind, &answer));
            assert_eq!(found, [approve, deny, info, option], "{kind:?}");
        }
    }

    #[test]
    fn every_answer_is_explained_before_it_is_given() {
        for kind in DecisionKind::ALL {
            let effects = effects(kind, &["rebase".into(), "Approve".into()]);
            let answers: Vec<&str> = effects.keys().map(String::as_str).collect();
            assert_eq!(answers, ["approve", "deny", "needs_more_info", "rebase"]);
            assert!(effects.values().all(|text| text.ends_with('.')), "{kind:?}");
        }
        assert_eq!(
            explain(DecisionKind::Escalation, &Answer::Approve),
            "The bead is closed as it is."
        );
    }
}
