//! What each answer to each kind does to the bead, the budget and the project.

use loom_domain::{
    bead::{BeadStatus, Priority, ReasonCode},
    budget::BudgetScope,
    decision::{DecisionKind, NewDecision, budget_fingerprint, project_close_fingerprint},
    project::ProjectStatus,
};
use loom_platform::Platform;
use loom_store::{bead, budget, decision, project};

use crate::common::World;
use crate::write;
use crate::{agent_of, ask, blocked, decide, question, read, set};

/// What becomes of a blocked bead with two failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    /// Closed.
    Closed,
    /// Open, for the CTO, failures forgotten.
    Triaged,
    /// Open, for the agent that the question names, failures forgotten.
    Returned,
    /// Open, for anybody, failures forgotten.
    Open,
    /// Blocked, as it was.
    Blocked,
}

#[tokio::test]
async fn each_answer_to_each_kind_about_a_bead() {
    use After::{Blocked, Closed, Open, Returned, Triaged};
    use DecisionKind as Kind;
    for (kind, answer, expected) in [
        (Kind::Escalation, "approve", Closed),
        (Kind::Escalation, "Denied", Triaged),
        (Kind::Escalation, "more info", Returned),
        (Kind::Escalation, "REBASE", Open),
        (Kind::AttemptsExhausted, "lgtm", Closed),
        (Kind::AttemptsExhausted, "no", Triaged),
        (Kind::AttemptsExhausted, "needs_more_info", Returned),
        (Kind::AttemptsExhausted, "rebase", Open),
        (Kind::HighRisk, "approve", Open),
        (Kind::HighRisk, "deny", Closed),
        (Kind::HighRisk, "needs_more_info", Blocked),
        (Kind::HighRisk, "rebase", Open),
        (Kind::Question, "approve", Blocked),
        (Kind::Question, "rebase", Blocked),
        (Kind::Provider, "deny", Blocked),
        (Kind::Provider, "needs_more_info", Blocked),
        // Without an execution there is nothing to move.
        (Kind::WorkflowApproval, "approve", Blocked),
        (Kind::WorkflowEscalation, "deny", Blocked),
        (Kind::Demo, "approve", Blocked),
    ] {
        let world = World::new().await;
        let cto = agent_of(&world, "Cy", "cto").await;
        let asker = agent_of(&world, "Al", "qa-engineer").await;
        let bead = blocked(&world, "b").await;
        let new = question(kind, &bead)
            .options(vec!["rebase".into(), "approve".into()])
            .returned_to(asker.id.clone());
        let asked = ask(&world, &bead, &new).await;
        assert_eq!(world.read(&bead.id).await.open_decisions, 1);
        let decided = decide(&world, &asked.id, answer).await.unwrap();
        let now = world.read(&bead.id).await;
        let (status, failures, assigned_to) = match expected {
            Closed => (BeadStatus::Closed, 2, None),
            Triaged => (BeadStatus::Open, 0, Some(cto.id.clone())),
            Returned => (BeadStatus::Open, 0, Some(asker.id.clone())),
            Open => (BeadStatus::Open, 0, None),
            Blocked => (BeadStatus::Blocked, 2, None),
        };
        let case = format!("{kind:?} {answer}");
        assert_eq!(
            (now.status, now.failed_runs, now.assigned_to),
            (status, failures, assigned_to),
            "{case}"
        );
        assert_eq!(now.open_decisions, 0, "{case}");
        assert_eq!(decided.decider.as_deref(), Some("ada"), "{case}");
        let comments = bead::comments(world.platform.database(), &bead.id, 10)
            .await
            .unwrap();
        assert_eq!(comments.len(), 1, "{case}");
        assert_eq!(comments[0].author, "ada");
        for part in [
            "What should happen?",
            decided.decision.as_deref().unwrap(),
            "Because.",
        ] {
            assert!(comments[0].content.contains(part), "{case}: {part}");
        }
        assert_eq!(world.count("SELECT COUNT(*) FROM timer").await, 0, "{case}");
    }
}

#[tokio::test]
async fn a_provider_that_was_mended_is_tried_now() {
    let world = World::new().await;
    let bead = world.bead("b").await;
    set(&world, "UPDATE bead SET retry_at = 9999999999999").await;
    let asked = ask(&world, &bead, &question(DecisionKind::Provider, &bead)).await;
    decide(&world, &asked.id, "deny").await.unwrap();
    assert_eq!(world.ready_ids().await, [] as [String; 0]);
    let asked = ask(&world, &bead, &question(DecisionKind::Provider, &bead)).await;
    decide(&world, &asked.id, "approve").await.unwrap();
    assert_eq!(world.ready_ids().await, [bead.id]);
}

#[tokio::test]
async fn a_budget_is_granted_once_more_or_withheld() {
    for (scope, answer, granted, withheld, status) in [
        (BudgetScope::Bead, "approve", 70, false, BeadStatus::Open),
        (BudgetScope::Bead, "deny", 0, false, BeadStatus::Blocked),
        (BudgetScope::Bead, "info", 0, false, BeadStatus::Blocked),
        (
            BudgetScope::Project,
            "approve",
            500,
            false,
            BeadStatus::Blocked,
        ),
        (BudgetScope::Project, "deny", 0, true, BeadStatus::Blocked),
        (BudgetScope::Project, "info", 0, true, BeadStatus::Blocked),
    ] {
        let world = World::new().await;
        set(
            &world,
            "UPDATE project SET budget_micro_usd = 500, bead_budget_micro_usd = 70",
        )
        .await;
        let bead = blocked(&world, "b").await;
        let subject = match scope {
            BudgetScope::Bead => &bead.id,
            _ => &world.project.id,
        };
        let fingerprint = budget_fingerprint(scope, subject);
        let new = NewDecision::new(DecisionKind::BudgetOverride, fingerprint, "More?");
        let asked = ask(&world, &bead, &new).await;
        decide(&world, &asked.id, answer).await.unwrap();
        let balance = budget::balance(world.platform.database(), scope, subject)
            .await
            .unwrap();
        assert_eq!(
            (balance.granted_micro_usd, balance.is_withheld),
            (granted, withheld),
            "{scope:?} {answer}"
        );
        assert_eq!(
            world.read(&bead.id).await.status,
            status,
            "{scope:?} {answer}"
        );
    }
}

#[tokio::test]
async fn raising_a_withheld_budget_frees_the_project() {
    let world = World::new().await;
    set(&world, "UPDATE project SET budget_micro_usd = 500").await;
    let bead = world.bead("b").await;
    let fingerprint = budget_fingerprint(BudgetScope::Project, &world.project.id);
    let new = NewDecision::new(DecisionKind::BudgetOverride, fingerprint, "More?");
    let asked = ask(&world, &bead, &new).await;
    decide(&world, &asked.id, "deny").await.unwrap();
    let limits = bead::Limits {
        max_concurrent: 1,
        day_budget_micro_usd: None,
    };
    let now = world.read(&bead.id).await;
    let why = bead::why(world.platform.database(), &now, limits, now.updated_at)
        .await
        .unwrap();
    let codes: Vec<_> = why.reasons.iter().map(|reason| reason.code).collect();
    assert!(codes.contains(&ReasonCode::BudgetUsedUp), "{codes:?}");
    let mut raised = project::get(world.platform.database(), &world.project.id)
        .await
        .unwrap();
    raised.budget_micro_usd = Some(900);
    write!(world, |change| project::update(
        &change,
        raised,
        loom_domain::event::EventKind::ProjectUpdated
    ))
    .unwrap();
    let balance = budget::balance(
        world.platform.database(),
        BudgetScope::Project,
        &world.project.id,
    )
    .await
    .unwrap();
    assert!(!balance.is_withheld);
}

#[tokio::test]
async fn a_project_closes_by_decision_although_it_has_open_beads() {
    for (answer, status) in [
        ("approve", ProjectStatus::Closed),
        ("deny", ProjectStatus::Open),
        ("needs_more_info", ProjectStatus::Open),
    ] {
        let world = World::new().await;
        let (bead, agent) = (world.bead("b").await, world.agent("a").await);
        let claimed = world.claim(&bead.id, &agent.id).await.unwrap();
        let id = world.project.id.clone();
        let new = NewDecision::new(
            DecisionKind::ProjectClose,
            project_close_fingerprint(&id),
            "Close it?",
        );
        let asked = write!(world, |change| decision::ask_about_project(
            &change,
            Some(&id),
            &new,
            ""
        ))
        .unwrap()
        .unwrap();
        let asked = read(&world, &asked).await;
        assert_eq!((asked.bead_id, asked.priority), (None, Priority::DEFAULT));
        decide(&world, &asked.id, answer).await.unwrap();
        let project = project::get(world.platform.database(), &id).await.unwrap();
        assert_eq!(project.status, status, "{answer}");
        let live = loom_store::run::live(world.platform.database(), Some(&id), 10)
            .await
            .unwrap();
        let stopped = live.iter().all(|run| run.id != claimed.run_id);
        assert_eq!(stopped, status == ProjectStatus::Closed, "{answer}");
    }
}
