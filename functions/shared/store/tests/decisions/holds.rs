//! What a person keeps blocked stays blocked: past the end of a wait, and whatever an agent answers.

use loom_domain::{
    bead::{Bead, BeadInput, BeadStatus, HeldBy, ReasonCode},
    budget::BudgetScope,
    decision::{Decision, DecisionKind, NewDecision, budget_fingerprint},
    timer::TimerKind,
    workflow::{Command, yaml},
};
use loom_platform::{Database, Platform, Statements, Transaction};
use loom_store::{Change, StoreError, bead, decision, workflow};

use crate::common::{World, code};
use crate::write;
use crate::{agent_of, ask, blocked, decide, pass, question, read, set};

/// A wait for a signal, then an approval, then work.
const GATE: &str = "id: wf-gate
name: Gate
workflow_type: gate
match:
  types: [gate]
nodes:
  - node_key: wait
    node_type: wait
    wait: {signal: go}
  - node_key: approve
    node_type: approval
    role_required: ceo
  - node_key: work
    node_type: task
    role_required: engineering-manager
edges:
  - {from_node_key: '', to_node_key: wait, condition: success}
  - {from_node_key: wait, to_node_key: approve, condition: success}
  - {from_node_key: approve, to_node_key: work, condition: approved}
  - {from_node_key: approve, to_node_key: '', condition: rejected}
  - {from_node_key: work, to_node_key: '', condition: success}
  - {from_node_key: work, to_node_key: '', condition: failure}
";

/// Where the bead stands when the person says that more must be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Wait,
    Approval,
    Work,
}

/// How a person lets go of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Release {
    Opens,
    Redispatches,
    AnswersAnew,
}

/// A bead that follows a workflow of this text.
async fn bead_at(world: &World, workflow: &str) -> Bead {
    let definition = yaml::parse(workflow).unwrap();
    let project = world.project.id.clone();
    write!(world, |change| workflow::definition::put(
        &change, definition, &project
    ))
    .unwrap();
    let input = BeadInput {
        title: Some("A gate".into()),
        kind: Some("gate".into()),
        ..Default::default()
    };
    world.file(input).await.unwrap()
}

async fn gate(world: &World) -> Bead {
    bead_at(world, GATE).await
}

async fn put(world: &World, id: &str, status: BeadStatus) -> Result<Bead, StoreError> {
    let input = BeadInput {
        status: Some(status),
        ..Default::default()
    };
    world.update(id, input).await
}

async fn stop_and_ask(world: &World, id: &str, kind: DecisionKind) -> Decision {
    let bead = world.read(id).await;
    let new = question(kind, &bead);
    let asked = write!(world, |change| decision::stop_and_ask(
        &change,
        &bead,
        &new,
        "it is dangerous",
        ""
    ));
    read(world, &asked.unwrap()).await
}

/// Lets the execution of the bead pass the node at which it stands, and says whether there was one to pass.
async fn go_on(world: &World, bead: &Bead) -> bool {
    let live = workflow::live_of_bead(world.db(), &bead.id).await.unwrap();
    let live = live.unwrap();
    match live.node.as_str() {
        "wait" => {
            let command = Command::Signal {
                name: "go".into(),
                data: serde_json::json!(null),
            };
            write!(world, |change| workflow::steer(&change, &live.id, command)).unwrap();
            true
        }
        "approve" => {
            let of_bead = decision::of_bead(world.db(), &bead.id).await.unwrap();
            let asked = of_bead
                .into_iter()
                .find(|asked| asked.kind == DecisionKind::WorkflowApproval);
            decide(world, &asked.unwrap().id, "approve").await.unwrap();
            true
        }
        _ => false,
    }
}

async fn why(world: &World, bead: &Bead) -> Vec<loom_domain::bead::Reason> {
    let limits = bead::Limits {
        max_concurrent: 1,
        day_budget_micro_usd: None,
    };
    let why = bead::why(world.db(), bead, limits, bead.updated_at).await;
    why.unwrap().reasons
}

#[tokio::test]
async fn a_hold_outlasts_the_wait_and_the_approval_until_a_person_lets_go() {
    for at in [At::Wait, At::Approval, At::Work] {
        for release in [Release::Opens, Release::Redispatches, Release::AnswersAnew] {
            let case = format!("{at:?} {release:?}");
            let world = World::new().await;
            let filed = gate(&world).await;
            let passed = match at {
                At::Wait => 0,
                At::Approval => 1,
                At::Work => 2,
            };
            for _ in 0..passed {
                assert!(go_on(&world, &filed).await, "{case}");
            }
            let asked = stop_and_ask(&world, &filed.id, DecisionKind::HighRisk).await;
            decide(&world, &asked.id, "needs_more_info").await.unwrap();
            while go_on(&world, &filed).await {}
            let held = world.read(&filed.id).await;
            let by = Some(HeldBy::Decision(asked.id.clone()));
            assert_eq!(
                (held.status, held.open_decisions, &held.held_by),
                (BeadStatus::Blocked, 0, &by),
                "{case}"
            );
            let reasons = why(&world, &held).await;
            let told = &reasons[0];
            assert_eq!(told.code, ReasonCode::HeldByPerson, "{case}: {reasons:?}");
            for part in ["ada", "needs_more_info", &asked.id, "redispatch"] {
                assert!(told.message.contains(part), "{case}: {}", told.message);
            }
            assert!(
                reasons
                    .iter()
                    .all(|reason| reason.code != ReasonCode::WorkflowWaits
                        && reason.code != ReasonCode::Blocked),
                "{case}: {reasons:?}"
            );
            match release {
                Release::Opens => drop(put(&world, &filed.id, BeadStatus::Open).await.unwrap()),
                Release::Redispatches => {
                    write!(world, |change| bead::redispatch(&change, &held, "go")).unwrap();
                }
                Release::AnswersAnew => {
                    let again = stop_and_ask(&world, &filed.id, DecisionKind::HighRisk).await;
                    decide(&world, &again.id, "approve").await.unwrap();
                }
            }
            let open = world.read(&filed.id).await;
            assert_eq!(
                (open.status, open.held_by),
                (BeadStatus::Open, None),
                "{case}"
            );
            assert_eq!(
                world.ready_ids().await,
                std::slice::from_ref(&filed.id),
                "{case}"
            );
        }
    }
}

#[tokio::test]
async fn a_hold_that_is_released_while_the_workflow_waits_opens_with_its_end() {
    for by_redispatch in [false, true] {
        let world = World::new().await;
        let filed = gate(&world).await;
        assert_eq!(
            code(put(&world, &filed.id, BeadStatus::Open).await),
            "workflow_waits"
        );
        let asked = stop_and_ask(&world, &filed.id, DecisionKind::HighRisk).await;
        decide(&world, &asked.id, "needs_more_info").await.unwrap();
        let held = world.read(&filed.id).await;
        if by_redispatch {
            write!(world, |change| bead::redispatch(&change, &held, "go")).unwrap();
        } else {
            put(&world, &filed.id, BeadStatus::Open).await.unwrap();
        }
        let waits = world.read(&filed.id).await;
        assert_eq!((waits.status, waits.held_by), (BeadStatus::Blocked, None));
        while go_on(&world, &filed).await {}
        assert_eq!(world.read(&filed.id).await.status, BeadStatus::Open);
    }
}

#[tokio::test]
async fn what_is_approved_while_the_workflow_waits_opens_with_its_end() {
    let world = World::new().await;
    let filed = gate(&world).await;
    let asked = stop_and_ask(&world, &filed.id, DecisionKind::HighRisk).await;
    assert_eq!(
        world.read(&filed.id).await.held_by,
        Some(HeldBy::Decision(asked.id.clone()))
    );
    decide(&world, &asked.id, "approve").await.unwrap();
    assert_eq!(world.read(&filed.id).await.status, BeadStatus::Blocked);
    while go_on(&world, &filed).await {}
    assert_eq!(world.ready_ids().await, [filed.id]);
}

#[tokio::test]
async fn an_expired_question_holds_past_the_end_of_a_wait() {
    let world = World::new().await;
    let filed = gate(&world).await;
    let asked = stop_and_ask(&world, &filed.id, DecisionKind::HighRisk).await;
    for _ in 0..2 {
        pass(&world, &asked.id).await;
    }
    set(
        &world,
        "UPDATE decision SET deadline_at = 9999999999999 WHERE status = 'open'",
    )
    .await;
    while go_on(&world, &filed).await {}
    let held = world.read(&filed.id).await;
    assert_eq!(held.status, BeadStatus::Blocked);
    assert_eq!(
        why(&world, &held).await[0].code,
        ReasonCode::DecisionExpired
    );
}

/// The answer of the decision-maker to a routine question that was put before or after the dangerous one.
#[tokio::test]
async fn the_decision_maker_opens_nothing_that_a_person_holds() {
    for answered in [None, Some("needs_more_info")] {
        let world = World::new().await;
        agent_of(&world, "Dee", "decision-maker").await;
        let filed = blocked(&world, "b").await;
        let routine = ask(&world, &filed, &question(DecisionKind::Escalation, &filed)).await;
        let decider = world.read(routine.decider_bead.as_ref().unwrap()).await;
        let asked = stop_and_ask(&world, &filed.id, DecisionKind::HighRisk).await;
        if let Some(answer) = answered {
            decide(&world, &asked.id, answer).await.unwrap();
        }
        let tx = world.platform.database().transaction().await.unwrap();
        let change = Change::new(&tx, world.platform.random(), "agent:dee")
            .await
            .unwrap();
        let said = decision::answer_as_agent(&change, &decider, false, None, "I looked.").await;
        assert!(said.unwrap().is_some());
        tx.commit().await.unwrap();
        let held = world.read(&filed.id).await;
        assert_eq!(
            (held.status, held.held_by),
            (BeadStatus::Blocked, Some(HeldBy::Decision(asked.id))),
            "{answered:?}"
        );
    }
}

/// A person who answers what was asked before more had to be known, takes nothing back by it.
#[tokio::test]
async fn only_an_answer_to_what_was_asked_since_releases_a_bead() {
    let world = World::new().await;
    let filed = blocked(&world, "b").await;
    let before = ask(&world, &filed, &question(DecisionKind::Escalation, &filed)).await;
    let asked = stop_and_ask(&world, &filed.id, DecisionKind::HighRisk).await;
    decide(&world, &asked.id, "needs_more_info").await.unwrap();
    set(&world, "UPDATE decision SET created_at = created_at - 10").await;
    decide(&world, &before.id, "deny").await.unwrap();
    assert_eq!(world.read(&filed.id).await.status, BeadStatus::Blocked);
    let since = stop_and_ask(&world, &filed.id, DecisionKind::Escalation).await;
    decide(&world, &since.id, "deny").await.unwrap();
    let open = world.read(&filed.id).await;
    assert_eq!((open.status, open.held_by), (BeadStatus::Open, None));
}

#[tokio::test]
async fn a_bead_that_a_person_blocks_stays_so_and_its_changes_say_why() {
    let world = World::new().await;
    agent_of(&world, "Dee", "decision-maker").await;
    let filed = gate(&world).await;
    while go_on(&world, &filed).await {}
    put(&world, &filed.id, BeadStatus::Blocked).await.unwrap();
    let held = world.read(&filed.id).await;
    assert_eq!(held.held_by, Some(HeldBy::Person("test".into())));
    let told = &why(&world, &held).await[0];
    assert_eq!(told.code, ReasonCode::HeldByPerson);
    assert!(told.message.starts_with("test has blocked it."), "{told:?}");
    let live = workflow::live_of_bead(world.db(), &filed.id).await.unwrap();
    let node = "work".to_owned();
    let restart = Command::Restart { node };
    let live = live.unwrap().id;
    write!(world, |change| workflow::steer(&change, &live, restart)).unwrap();
    assert_eq!(world.read(&filed.id).await.status, BeadStatus::Blocked);
    put(&world, &filed.id, BeadStatus::Open).await.unwrap();
    assert_eq!(world.ready_ids().await, std::slice::from_ref(&filed.id));
    put(&world, &filed.id, BeadStatus::InProgress)
        .await
        .unwrap();
    put(&world, &filed.id, BeadStatus::Closed).await.unwrap();
    let sql = "SELECT json_extract(data, '$.reason') FROM event WHERE kind = 'bead.status_change' \
               AND json_extract(data, '$.reason') LIKE '% by a person' ORDER BY sequence";
    let rows = world.db().query(sql, vec![]).await.unwrap();
    let reasons: Vec<String> = rows.iter().map(|row| row.text(0).unwrap()).collect();
    assert_eq!(
        reasons,
        ["blocked", "opened", "taken", "closed"].map(|how| format!("{how} by a person"))
    );
}

#[tokio::test]
async fn the_timer_of_a_wait_opens_nothing_that_is_held() {
    let world = World::new().await;
    let timed = GATE.replace("wait: {signal: go}", "wait: {timer_minutes: 5}");
    let filed = bead_at(&world, &timed).await;
    let asked = stop_and_ask(&world, &filed.id, DecisionKind::HighRisk).await;
    decide(&world, &asked.id, "needs_more_info").await.unwrap();
    let sql = format!(
        "SELECT subject FROM timer WHERE kind = '{}'",
        TimerKind::WorkflowNode.as_str()
    );
    let row = world.db().query_one(&sql, vec![]).await.unwrap().unwrap();
    let subject = row.text(0).unwrap();
    write!(world, |change| workflow::timed_out(&change, &subject)).unwrap();
    while go_on(&world, &filed).await {}
    assert_eq!(world.read(&filed.id).await.status, BeadStatus::Blocked);
}

#[tokio::test]
async fn the_budget_that_a_person_withholds_keeps_its_bead_blocked() {
    let world = World::new().await;
    let filed = blocked(&world, "b").await;
    let fingerprint = budget_fingerprint(BudgetScope::Bead, &filed.id);
    let new = NewDecision::new(DecisionKind::BudgetOverride, fingerprint, "More?");
    let asked = ask(&world, &filed, &new).await;
    decide(&world, &asked.id, "deny").await.unwrap();
    let held = world.read(&filed.id).await;
    write!(world, |change| bead::change_status(
        &change,
        &held,
        BeadStatus::Open,
        "something else"
    ))
    .unwrap();
    let held = world.read(&filed.id).await;
    assert_eq!(
        (held.status, held.held_by),
        (BeadStatus::Blocked, Some(HeldBy::Decision(asked.id)))
    );
}

#[tokio::test]
async fn the_run_of_a_bead_goes_on_when_its_provider_was_mended() {
    let world = World::new().await;
    let (filed, agent) = (world.bead("b").await, world.agent("a").await);
    let claimed = world.claim(&filed.id, &agent.id).await.unwrap();
    let now = world.read(&filed.id).await;
    let asked = ask(&world, &now, &question(DecisionKind::Provider, &now)).await;
    decide(&world, &asked.id, "approve").await.unwrap();
    let run = loom_store::run::get(world.db(), &claimed.run_id).await;
    assert!(run.unwrap().status.is_live());
    let now = world.read(&filed.id).await;
    assert_eq!(
        (now.status, now.run_id),
        (BeadStatus::InProgress, Some(claimed.run_id))
    );
}

#[tokio::test]
async fn a_question_without_context_is_put_again_without_an_empty_line() {
    let world = World::new().await;
    let filed = world.bead("b").await;
    let asked = stop_and_ask(&world, &filed.id, DecisionKind::HighRisk).await;
    assert_eq!(asked.context, "");
    let again = pass(&world, &asked.id).await;
    assert!(
        again.context.starts_with("Nobody had answered"),
        "{:?}",
        again.context
    );
    let with_context = ask(&world, &filed, &question(DecisionKind::Escalation, &filed)).await;
    let again = pass(&world, &with_context.id).await;
    assert!(
        again.context.starts_with("Look.\nNobody had answered"),
        "{:?}",
        again.context
    );
}
