//! The decision-maker: what is routine, and how it comes back to a person.

use loom_domain::{
    bead::{Bead, BeadInput, BeadStatus, Priority},
    decision::{Assignee, Decision, DecisionKind, DecisionStatus},
    run::EndReason,
};
use loom_platform::{Database, Platform, Transaction};
use loom_store::{Change, StoreError, bead, decision, decision::AgentAnswer};

use crate::common::{RETRY, World, code};
use crate::write;
use crate::{agent_of, ask, blocked, decide, kinds_of_events, pass, question, read, set};

async fn routine(world: &World, recommendation: Option<&str>) -> (Bead, Decision, Bead) {
    agent_of(world, "Dee", "decision-maker").await;
    let bead = blocked(world, "b").await;
    let new = question(DecisionKind::Escalation, &bead)
        .options(vec!["keep".into(), "drop".into()])
        .recommendation(recommendation.map(str::to_owned));
    let asked = ask(world, &bead, &new).await;
    let decider = world.read(asked.decider_bead.as_ref().unwrap()).await;
    (bead, asked, decider)
}

async fn answer(
    world: &World,
    decider: &Bead,
    approves: bool,
    option: Option<&str>,
) -> Result<Option<AgentAnswer>, StoreError> {
    let tx = world.platform.database().transaction().await.unwrap();
    let change = Change::new(&tx, world.platform.random(), "agent:dee")
        .await
        .unwrap();
    let answer = decision::answer_as_agent(&change, decider, approves, option, "I looked.").await?;
    tx.commit().await.unwrap();
    Ok(answer)
}

#[tokio::test]
async fn what_is_routine_becomes_a_bead_for_the_decision_maker() {
    let world = World::new().await;
    let (bead, asked, decider) = routine(&world, Some("keep")).await;
    assert_eq!(asked.assignee, Assignee::DecisionMaker);
    assert_eq!(
        (decider.kind.as_str(), decider.wanted_role.as_deref()),
        ("decision", Some("decision-maker"))
    );
    assert_eq!(
        decider.title,
        "[decision-maker] Decide: What should happen?"
    );
    for part in ["keep", "drop", "recommends: keep", "Look."] {
        assert!(decider.description.contains(part), "{part}");
    }
    assert_eq!(decider.related, [bead.id.as_str()]);
    assert_eq!(decider.root_id.as_deref(), Some(bead.id.as_str()));
}

#[tokio::test]
async fn its_answer_holds_but_gives_no_new_attempts() {
    let world = World::new().await;
    let (bead, asked, decider) = routine(&world, None).await;
    let answered = answer(&world, &decider, true, Some("KEEP")).await.unwrap();
    assert!(matches!(answered, Some(AgentAnswer::Decided(_))));
    let decided = read(&world, &asked.id).await;
    assert_eq!(
        (decided.decision.as_deref(), decided.decider.as_deref()),
        (Some("keep"), Some("agent:dee"))
    );
    let open = world.read(&bead.id).await;
    assert_eq!(
        (open.status, open.failed_runs, open.open_decisions),
        (BeadStatus::Open, 2, 0)
    );
    assert_eq!(
        code(answer(&world, &decider, false, None).await),
        "already_decided"
    );
    let no_decider = answer(&world, &bead, true, None).await.unwrap();
    assert_eq!(no_decider, None);
}

#[tokio::test]
async fn an_answer_against_the_recommendation_goes_to_a_person() {
    let world = World::new().await;
    let (bead, asked, decider) = routine(&world, Some("drop: nobody reads it")).await;
    let answered = answer(&world, &decider, true, Some("keep")).await.unwrap();
    assert!(matches!(answered, Some(AgentAnswer::HandedToHuman(_))));
    let handed = read(&world, &asked.id).await;
    assert_eq!(
        (handed.status, handed.assignee, handed.escalations),
        (DecisionStatus::Open, Assignee::Human, 1)
    );
    for part in ["keep", "I looked.", "drop: nobody reads it"] {
        assert!(handed.context.contains(part), "{part}");
    }
    assert_eq!(world.read(&bead.id).await.status, BeadStatus::Blocked);
    assert_eq!(
        code(answer(&world, &decider, true, Some("drop")).await),
        "decision_of_human"
    );
    decide(&world, &asked.id, "drop").await.unwrap();
}

#[tokio::test]
async fn a_person_may_be_faster() {
    let world = World::new().await;
    let (_, asked, decider) = routine(&world, None).await;
    let agent = agent_of(&world, "Dora", "decision-maker").await;
    let claimed = world.claim(&decider.id, &agent.id).await.unwrap();
    decide(&world, &asked.id, "approve").await.unwrap();
    let closed = world.read(&decider.id).await;
    assert_eq!((closed.status, closed.run_id), (BeadStatus::Closed, None));
    let run = loom_store::run::get(world.platform.database(), &claimed.run_id)
        .await
        .unwrap();
    assert!(!run.status.is_live());
}

#[tokio::test]
async fn no_answer_in_time_goes_to_a_person_with_a_new_deadline() {
    let world = World::new().await;
    let (_, asked, decider) = routine(&world, None).await;
    let handed = pass(&world, &asked.id).await;
    assert_eq!(
        (handed.status, handed.assignee, handed.priority),
        (DecisionStatus::Open, Assignee::Human, Priority::DEFAULT)
    );
    assert!(handed.deadline_at.0 > 1);
    assert_eq!(world.read(&decider.id).await.status, BeadStatus::Closed);
    // The person is asked once more before it expires.
    assert_eq!(pass(&world, &asked.id).await.priority, Priority::P0);
    assert_eq!(
        pass(&world, &asked.id).await.status,
        DecisionStatus::Expired
    );
}

#[tokio::test]
async fn a_run_that_ends_without_an_answer_hands_the_question_over() {
    let world = World::new().await;
    let (_, asked, decider) = routine(&world, None).await;
    let closed = BeadInput {
        status: Some(BeadStatus::Closed),
        ..Default::default()
    };
    world.update(&decider.id, closed).await.unwrap();
    assert_eq!(read(&world, &asked.id).await.assignee, Assignee::Human);
    assert_eq!(
        kinds_of_events(&world).await,
        ["decision.created", "decision.escalated"]
    );
}

#[tokio::test]
async fn a_decider_that_fails_for_good_raises_no_second_question() {
    let world = World::new().await;
    let (_, asked, decider) = routine(&world, None).await;
    let agent = agent_of(&world, "Dora", "decision-maker").await;
    for _ in 0..3 {
        let claimed = world.claim(&decider.id, &agent.id).await.unwrap();
        let hold = world.lease(&claimed.run_id).await.unwrap().hold;
        let failed = EndReason::Failed {
            code: "gave_up".into(),
            message: "No way.".into(),
        };
        write!(world, |change| loom_store::run::end(
            &change, &hold, failed, RETRY, None
        ))
        .unwrap();
    }
    let handed = read(&world, &asked.id).await;
    assert_eq!(
        (handed.status, handed.assignee),
        (DecisionStatus::Open, Assignee::Human)
    );
    let decider = world.read(&decider.id).await;
    assert_eq!(
        (decider.status, decider.open_decisions),
        (BeadStatus::Closed, 0)
    );
    assert_eq!(world.count("SELECT COUNT(*) FROM decision").await, 1);
}

#[tokio::test]
async fn a_decider_that_escalates_gives_its_reason_to_the_person() {
    let world = World::new().await;
    let (_, asked, decider) = routine(&world, None).await;
    let agent = agent_of(&world, "Dora", "decision-maker").await;
    let claimed = world.claim(&decider.id, &agent.id).await.unwrap();
    let hold = world.lease(&claimed.run_id).await.unwrap().hold;
    let escalated = EndReason::Escalated {
        question: "Legal must say.".into(),
        options: Vec::new(),
        recommendation: None,
    };
    write!(world, |change| loom_store::run::end(
        &change, &hold, escalated, RETRY, None
    ))
    .unwrap();
    let handed = read(&world, &asked.id).await;
    assert_eq!((handed.assignee, handed.escalations), (Assignee::Human, 1));
    assert!(handed.context.contains("Legal must say."));
    assert_eq!(world.read(&decider.id).await.status, BeadStatus::Closed);
    assert_eq!(world.count("SELECT COUNT(*) FROM decision").await, 1);
}

#[tokio::test]
async fn what_bounded_causality_refuses_is_a_persons() {
    let world = World::new().await;
    agent_of(&world, "Dee", "decision-maker").await;
    let bead = blocked(&world, "b").await;
    set(&world, "UPDATE bead SET cause_depth = 2").await;
    let bead = world.read(&bead.id).await;
    let asked = ask(&world, &bead, &question(DecisionKind::Escalation, &bead)).await;
    assert_eq!(
        (asked.assignee, asked.decider_bead),
        (Assignee::Human, None)
    );
    assert!(asked.context.contains("causes away"), "{}", asked.context);
    // Whatever has stakes is a person's from the start.
    let tagged = BeadInput {
        title: Some("c".into()),
        tags: Some(vec!["high-risk".into()]),
        ..Default::default()
    };
    let risky = world.file(tagged).await.unwrap();
    let asked = ask(&world, &risky, &question(DecisionKind::Question, &risky)).await;
    assert_eq!(asked.assignee, Assignee::Human);
    assert_eq!(
        bead::list_ready(world.platform.database(), None, None, 10)
            .await
            .unwrap()
            .len(),
        0
    );
}
