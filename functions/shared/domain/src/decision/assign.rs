use super::{Answer, Assignee, DecisionKind, recommended};
use crate::{
    agent::Agent,
    bead::{Bead, MAX_DISPATCHES, MAX_FAILED_RUNS, Priority},
    role::Role,
};

/// A bead on which more than this was spent is decided by people: five US dollars, in micro-US-dollars.
pub const COSTLY_MICRO_USD: i64 = 5_000_000;

/// The tag of a bead about which only people decide.
pub const HIGH_RISK_TAG: &str = "high-risk";

/// What matters when it is decided who is to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stakes {
    /// What the decision is about.
    pub kind: DecisionKind,
    /// How urgent it is.
    pub priority: Priority,
    /// The asker or the bead says that it is dangerous.
    pub is_high_risk: bool,
    /// What the bead has cost so far, in micro-US-dollars.
    pub spent_micro_usd: i64,
    /// The system filed the bead itself, so that it files nothing about it (invariant I9).
    pub is_auto_filed: bool,
    /// The bead used up its attempts, which only a person gives anew (invariant I10).
    pub is_exhausted: bool,
    /// The project has an agent of the role `decision-maker`.
    pub has_decision_maker: bool,
}

/// Who is to answer: the decision-maker for what is routine, if there is one, else a person.
pub fn assign(stakes: &Stakes) -> Assignee {
    match human_because(stakes) {
        Some(_) => Assignee::Human,
        None => Assignee::DecisionMaker,
    }
}

/// Why a person must answer; `None` when the decision-maker may.
pub fn human_because(stakes: &Stakes) -> Option<&'static str> {
    let is_routine = matches!(
        stakes.kind,
        DecisionKind::Escalation | DecisionKind::Question | DecisionKind::WorkflowApproval
    );
    [
        (!is_routine, "only people answer decisions of this kind"),
        (stakes.is_high_risk, "it is marked as high risk"),
        (stakes.priority.number() <= 1, "it is urgent (P0 or P1)"),
        (
            stakes.spent_micro_usd > COSTLY_MICRO_USD,
            "its bead has cost more than 5 US dollars",
        ),
        (stakes.is_exhausted, "its bead has used up its attempts"),
        (
            stakes.is_auto_filed,
            "the system filed its bead, and files nothing about what it filed",
        ),
        (
            !stakes.has_decision_maker,
            "the project has no agent of the role decision-maker",
        ),
    ]
    .into_iter()
    .find_map(|(holds, reason)| holds.then_some(reason))
}

/// Whether the decision-maker's answer contradicts what the requester recommends: then a person decides.
pub fn contradicts(answer: &Answer, recommendation: Option<&str>, options: &[String]) -> bool {
    recommendation
        .and_then(|text| recommended(text, options))
        .is_some_and(|recommended| recommended != *answer)
}

/// Whether a bead may not be dispatched again until a person has looked at it (invariant I10).
pub fn is_exhausted(bead: &Bead) -> bool {
    bead.dispatch_count >= MAX_DISPATCHES || bead.failed_runs >= MAX_FAILED_RUNS
}

/// The agent to which a denied bead goes: the project's CTO, else its engineering manager, else the first of its
/// agents that makes no decisions.
pub fn triage_agent<'a>(agents: &'a [Agent], project_id: &str) -> Option<&'a Agent> {
    let mine = || {
        agents.iter().filter(|agent| {
            agent
                .project_id
                .as_deref()
                .is_none_or(|id| id == project_id)
                && !Role::parse(&agent.role).is_ok_and(|role| role.is_human_seat())
        })
    };
    ["cto", "engineering-manager"]
        .into_iter()
        .find_map(|role| mine().find(|agent| agent.role == role))
        .or_else(|| mine().find(|agent| agent.role != Assignee::DecisionMaker.as_str()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn routine() -> Stakes {
        Stakes {
            kind: DecisionKind::Escalation,
            priority: Priority::DEFAULT,
            is_high_risk: false,
            spent_micro_usd: 0,
            is_auto_filed: false,
            is_exhausted: false,
            has_decision_maker: true,
        }
    }

    #[test]
    fn what_is_routine_goes_to_the_decision_maker_and_each_stake_alone_to_a_person() {
        assert_eq!(assign(&routine()), Assignee::DecisionMaker);
        let p1 = Priority::new(1).unwrap();
        let with = |change: fn(&mut Stakes)| {
            let mut stakes = routine();
            change(&mut stakes);
            stakes
        };
        for stakes in [
            Stakes {
                priority: p1,
                ..routine()
            },
            with(|stakes| stakes.is_high_risk = true),
            with(|stakes| stakes.spent_micro_usd = COSTLY_MICRO_USD + 1),
            with(|stakes| stakes.is_exhausted = true),
            with(|stakes| stakes.is_auto_filed = true),
            with(|stakes| stakes.has_decision_maker = false),
        ] {
            assert_eq!(assign(&stakes), Assignee::Human, "{stakes:?}");
        }
    }

    #[test]
    fn a_recommendation_is_contradicted_only_when_it_is_understood() {
        let own = ["keep".to_owned(), "drop".to_owned()];
        let keep = Answer::Option("keep".into());
        assert!(contradicts(&keep, Some("Drop: nobody reads it"), &own));
        assert!(contradicts(&Answer::Approve, Some("deny"), &own));
        for fine in [
            None,
            Some("keep"),
            Some("KEEP, for now"),
            Some("hard to say"),
        ] {
            assert!(!contradicts(&keep, fine, &own), "{fine:?}");
        }
    }

    proptest! {
        #[test]
        fn kinds_of_people_never_reach_an_agent(
            kind in prop::sample::select(DecisionKind::ALL.to_vec()),
            priority in 0i64..4,
            is_high_risk: bool,
            spent_micro_usd in 0i64..10_000_000,
            is_auto_filed: bool,
            is_exhausted: bool,
            has_decision_maker: bool,
        ) {
            let stakes = Stakes {
                kind,
                priority: Priority::new(priority).unwrap(),
                is_high_risk,
                spent_micro_usd,
                is_auto_filed,
                is_exhausted,
                has_decision_maker,
            };
            if assign(&stakes) == Assignee::DecisionMaker {
                prop_assert!(!matches!(
                    kind,
                    DecisionKind::BudgetOverride
                        | DecisionKind::Provider
                        | DecisionKind::ProjectClose
                        | DecisionKind::HighRisk
                        | DecisionKind::Demo
                        | DecisionKind::AttemptsExhausted
                        | DecisionKind::WorkflowEscalation
                ));
                prop_assert!(priority >= 2 && has_decision_maker && !is_high_risk && !is_auto_filed && !is_exhausted);
                prop_assert!(spent_micro_usd <= COSTLY_MICRO_USD);
            }
        }
    }
}
