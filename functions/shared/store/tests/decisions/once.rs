//! Exactly once: the second decider learns who was first, and nothing changes.

use loom_domain::decision::{DecisionKind, DecisionStatus};
use loom_platform::native::NativePlatform;
use loom_platform::{Database, DatabaseError, Platform, Transaction};
use loom_store::{Change, StoreError, decision, migrate};

use crate::common::{World, code};
use crate::write;
use crate::{ask, blocked, decide, pass, question, read, snapshot};

#[tokio::test(flavor = "multi_thread")]
async fn of_two_deciders_at_the_same_instant_one_wins() {
    let world = World::new().await;
    for round in 0..20 {
        let bead = blocked(&world, &format!("bead {round}")).await;
        let asked = ask(&world, &bead, &question(DecisionKind::Escalation, &bead)).await;
        // Two platforms on one file: nothing but the database is shared.
        let other = NativePlatform::builder()
            .database_file(world.platform.database().path())
            .build()
            .unwrap();
        let barrier = tokio::sync::Barrier::new(2);
        let (first, second) = tokio::join!(
            decide_on(&world.platform, &asked.id, "ada", "approve", &barrier),
            decide_on(&other, &asked.id, "bob", "deny", &barrier),
        );
        let (won, lost) = match (first, second) {
            (Ok(won), Err(lost)) | (Err(lost), Ok(won)) => (won, lost),
            other => panic!("not exactly one won: {other:?}"),
        };
        let StoreError::Refused(refusal) = lost else {
            panic!("the loser was not told: {lost}");
        };
        assert_eq!(refusal.code, "already_decided");
        assert_eq!(refusal.details["decider"], won.decider.clone().unwrap());
        assert_eq!(refusal.details["decision"], won.decision.clone().unwrap());
        assert!(
            refusal
                .message
                .contains(&won.decided_at.unwrap().to_rfc3339())
        );
        assert_eq!(world.read(&bead.id).await.open_decisions, 0);
        let events = format!(
            "SELECT COUNT(*) FROM event WHERE kind = 'decision.decided' AND bead_id = '{}'",
            bead.id
        );
        assert_eq!(world.count(&events).await, 1);
    }
}

async fn decide_on(
    platform: &NativePlatform,
    id: &str,
    decider: &str,
    answer: &str,
    barrier: &tokio::sync::Barrier,
) -> Result<loom_domain::decision::Decision, StoreError> {
    migrate::migrate(platform.database()).await.unwrap();
    barrier.wait().await;
    loop {
        let attempt = async {
            let tx = platform.database().transaction().await?;
            let change = Change::new(&tx, platform.random(), decider).await?;
            let decided = decision::decide(&change, id, answer, "Because.", None).await?;
            tx.commit().await?;
            Ok(decided)
        };
        match attempt.await {
            Err(StoreError::Database(DatabaseError::Busy)) => {}
            other => return other,
        }
    }
}

#[tokio::test]
async fn what_cannot_be_decided_changes_nothing() {
    let world = World::new().await;
    let bead = blocked(&world, "b").await;
    let asked = ask(&world, &bead, &question(DecisionKind::Escalation, &bead)).await;
    let other = blocked(&world, "c").await;
    let decided = ask(&world, &other, &question(DecisionKind::Escalation, &other)).await;
    decide(&world, &decided.id, "approve").await.unwrap();
    let third = blocked(&world, "d").await;
    let expired = ask(&world, &third, &question(DecisionKind::Escalation, &third)).await;
    pass(&world, &expired.id).await;
    let expired = pass(&world, &expired.id).await;
    assert_eq!(expired.status, DecisionStatus::Expired);
    let before = snapshot(&world).await;
    assert_eq!(
        code(decide(&world, &decided.id, "deny").await),
        "already_decided"
    );
    assert_eq!(
        code(decide(&world, &expired.id, "approve").await),
        "decision_expired"
    );
    assert_eq!(
        code(decide(&world, "none", "approve").await),
        "decision_not_found"
    );
    assert_eq!(
        code(decide(&world, &asked.id, "perhaps").await),
        "unknown_answer"
    );
    let stale = write!(world, |change| decision::decide(
        &change,
        &asked.id,
        "approve",
        "",
        Some(asked.version + 1)
    ));
    assert_eq!(code(stale), "version_conflict");
    assert_eq!(snapshot(&world).await, before);
}

#[tokio::test]
async fn a_question_is_open_once_and_holds_its_bead() {
    let world = World::new().await;
    let bead = world.bead("b").await;
    let new = question(DecisionKind::Question, &bead);
    let asked = ask(&world, &bead, &new).await;
    let again = write!(world, |change| decision::ask(&change, &bead, &new, ""));
    assert_eq!(again.unwrap(), None);
    assert_eq!(world.read(&bead.id).await.open_decisions, 1);
    assert_eq!(world.ready_ids().await, [] as [String; 0]);
    decide(&world, &asked.id, "yes").await.unwrap();
    assert_eq!(world.ready_ids().await, [bead.id.as_str()]);
    // The same thing can come into question again.
    ask(&world, &bead, &new).await;
    assert_eq!(world.read(&bead.id).await.open_decisions, 1);
}

#[tokio::test]
async fn closing_or_deleting_the_bead_withdraws_its_questions() {
    use loom_domain::bead::{BeadInput, BeadStatus};
    let world = World::new().await;
    let (one, two) = (blocked(&world, "1").await, blocked(&world, "2").await);
    let first = ask(&world, &one, &question(DecisionKind::HighRisk, &one)).await;
    let second = ask(&world, &two, &question(DecisionKind::Escalation, &two)).await;
    let closed = BeadInput {
        status: Some(BeadStatus::Closed),
        ..Default::default()
    };
    world.update(&one.id, closed).await.unwrap();
    let now = world.read(&two.id).await;
    write!(world, |change| loom_store::bead::delete(&change, &now)).unwrap();
    for id in [&first.id, &second.id] {
        let withdrawn = read(&world, id).await;
        assert_eq!(withdrawn.decision.as_deref(), Some("withdrawn"));
    }
    assert_eq!(world.count("SELECT COUNT(*) FROM timer").await, 0);
    assert_eq!(world.count("SELECT SUM(open_decisions) FROM bead").await, 0);
}
