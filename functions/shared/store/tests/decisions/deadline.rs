//! What happens when nobody answers.

use loom_domain::{
    bead::{BeadStatus, Priority},
    budget::BudgetScope,
    decision::{Assignee, DEADLINE, DecisionKind, DecisionStatus, NewDecision, budget_fingerprint},
    timer::TimerKind,
};
use loom_platform::{Platform, Statements};
use loom_store::{bead, budget, timer};

use crate::common::World;
use crate::write;
use crate::{ask, blocked, decide, kinds_of_events, pass, question, read, set};

#[tokio::test]
async fn the_deadline_is_a_timer_and_an_answer_cancels_it() {
    let world = World::new().await;
    let bead = blocked(&world, "b").await;
    let asked = ask(&world, &bead, &question(DecisionKind::Escalation, &bead)).await;
    assert_eq!(asked.deadline_at.0, asked.created_at.0 + DEADLINE);
    let sql = format!(
        "SELECT due_at FROM timer WHERE kind = '{}' AND subject = '{}'",
        TimerKind::DecisionDeadline.as_str(),
        asked.id
    );
    assert_eq!(world.count(&sql).await, asked.deadline_at.0);
    let due = timer::next_due(world.platform.database()).await.unwrap();
    assert_eq!(due, None, "not before");
    decide(&world, &asked.id, "approve").await.unwrap();
    assert_eq!(world.count("SELECT COUNT(*) FROM timer").await, 0);
}

#[tokio::test]
async fn a_declared_default_holds_with_its_effects() {
    let world = World::new().await;
    let bead = blocked(&world, "b").await;
    let new = question(DecisionKind::Escalation, &bead).default_answer("Approve".to_owned());
    let asked = ask(&world, &bead, &new).await;
    let decided = pass(&world, &asked.id).await;
    assert_eq!(
        (
            decided.status,
            decided.decision.as_deref(),
            decided.decider.as_deref()
        ),
        (DecisionStatus::Decided, Some("approve"), Some("deadline"))
    );
    let closed = world.read(&bead.id).await;
    assert_eq!(
        (closed.status, closed.open_decisions),
        (BeadStatus::Closed, 0)
    );
    let comments = bead::comments(world.platform.database(), &bead.id, 10)
        .await
        .unwrap();
    assert_eq!(comments[0].author, "deadline");
}

#[tokio::test]
async fn i10_a_default_reopens_without_giving_new_attempts() {
    let world = World::new().await;
    let bead = blocked(&world, "b").await;
    let new = question(DecisionKind::Escalation, &bead).default_answer("deny".to_owned());
    let asked = ask(&world, &bead, &new).await;
    pass(&world, &asked.id).await;
    let open = world.read(&bead.id).await;
    assert_eq!(
        (open.status, open.failed_runs, open.dispatch_count),
        (BeadStatus::Open, 2, 5)
    );
    // One that has none left waits for a person, default or not.
    let bead = blocked(&world, "c").await;
    set(&world, "UPDATE bead SET failed_runs = 3").await;
    let new = question(DecisionKind::Escalation, &bead).default_answer("deny".to_owned());
    let asked = ask(&world, &bead, &new).await;
    assert_eq!(pass(&world, &asked.id).await.status, DecisionStatus::Open);
    assert_eq!(world.read(&bead.id).await.status, BeadStatus::Blocked);
}

#[tokio::test]
async fn a_question_is_put_once_more_at_p0_and_then_expires() {
    let world = World::new().await;
    let bead = blocked(&world, "b").await;
    let asked = ask(&world, &bead, &question(DecisionKind::Escalation, &bead)).await;
    assert_eq!(asked.priority, Priority::DEFAULT);
    let again = pass(&world, &asked.id).await;
    assert_eq!(
        (again.status, again.priority, again.escalations),
        (DecisionStatus::Open, Priority::P0, 1)
    );
    assert!(again.deadline_at >= asked.deadline_at);
    assert!(again.version > asked.version);
    assert_eq!(world.read(&bead.id).await.open_decisions, 1);
    let expired = pass(&world, &asked.id).await;
    assert_eq!(expired.status, DecisionStatus::Expired);
    let held = world.read(&bead.id).await;
    assert_eq!((held.status, held.open_decisions), (BeadStatus::Blocked, 0));
    assert_eq!(
        kinds_of_events(&world).await,
        ["decision.created", "decision.escalated", "decision.expired"]
    );
    let limits = bead::Limits {
        max_concurrent: 1,
        day_budget_micro_usd: None,
    };
    let why = bead::why(world.platform.database(), &held, limits, held.updated_at)
        .await
        .unwrap();
    let reason = why
        .reasons
        .iter()
        .find(|reason| reason.message.contains(&asked.id))
        .unwrap();
    assert_eq!(
        serde_json::to_value(reason.code).unwrap(),
        "decision_expired"
    );
    assert!(reason.message.contains("redispatch"));
    assert_eq!(world.count("SELECT COUNT(*) FROM timer").await, 0);
}

#[tokio::test]
async fn what_expires_holds_what_it_held() {
    for (kind, status) in [
        (DecisionKind::HighRisk, BeadStatus::Blocked),
        (DecisionKind::AttemptsExhausted, BeadStatus::Blocked),
        (DecisionKind::Provider, BeadStatus::Blocked),
        (DecisionKind::Question, BeadStatus::Open),
        // Of a workflow's question its execution says what follows.
        (DecisionKind::WorkflowApproval, BeadStatus::Open),
    ] {
        let world = World::new().await;
        let bead = world.bead("b").await;
        let asked = ask(&world, &bead, &question(kind, &bead)).await;
        let mut passed = pass(&world, &asked.id).await;
        if passed.status == DecisionStatus::Open {
            passed = pass(&world, &asked.id).await;
        }
        assert_eq!(passed.status, DecisionStatus::Expired, "{kind:?}");
        let now = world.read(&bead.id).await;
        assert_eq!((now.status, now.open_decisions), (status, 0), "{kind:?}");
    }
}

#[tokio::test]
async fn an_expired_question_about_a_projects_budget_withholds_it() {
    let world = World::new().await;
    let bead = world.bead("b").await;
    let fingerprint = budget_fingerprint(BudgetScope::Project, &world.project.id);
    let new = NewDecision::new(DecisionKind::BudgetOverride, fingerprint, "More?");
    let asked = ask(&world, &bead, &new).await;
    pass(&world, &asked.id).await;
    pass(&world, &asked.id).await;
    let database = world.platform.database();
    let balance = budget::balance(database, BudgetScope::Project, &world.project.id)
        .await
        .unwrap();
    assert!(balance.is_withheld);
    assert_eq!(world.read(&bead.id).await.status, BeadStatus::Open);
}

#[tokio::test]
async fn a_timer_that_is_early_or_late_does_nothing() {
    let world = World::new().await;
    let bead = blocked(&world, "b").await;
    let asked = ask(&world, &bead, &question(DecisionKind::Escalation, &bead)).await;
    write!(world, |change| loom_store::decision::deadline_is_due(
        &change, &asked.id
    ))
    .unwrap();
    assert_eq!(read(&world, &asked.id).await, asked);
    assert_eq!(asked.assignee, Assignee::Human);
    decide(&world, &asked.id, "approve").await.unwrap();
    let decided = read(&world, &asked.id).await;
    assert_eq!(pass(&world, &asked.id).await, decided);
    let gone = write!(world, |change| loom_store::decision::deadline_is_due(
        &change, "gone"
    ));
    gone.unwrap();
    let sql = "SELECT 1 FROM event WHERE kind = 'decision.expired'";
    assert_eq!(
        world
            .platform
            .database()
            .query_one(sql, vec![])
            .await
            .unwrap(),
        None
    );
}
