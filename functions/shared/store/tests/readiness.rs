//! What is ready, in which order, and what is never filed (invariants I4, I5, I6, I9, I10).

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a broken assumption of a test should stop it at once"
)]

mod common;

use common::{LEASE_MS, RETRY, World, code};
use loom_domain::{
    bead::{BeadInput, BeadStatus, Priority},
    decision::DecisionKind,
    run::EndReason,
};
use loom_platform::{Platform, Statements};
use loom_store::{
    bead::{self, Origin},
    decision, event,
};

fn titled(title: &str) -> BeadInput {
    BeadInput {
        title: Some(title.into()),
        ..Default::default()
    }
}

fn blocked_by(ids: &[&str]) -> BeadInput {
    BeadInput {
        blocked_by: Some(ids.iter().map(ToString::to_string).collect()),
        ..Default::default()
    }
}

fn status(status: BeadStatus) -> BeadInput {
    BeadInput {
        status: Some(status),
        ..Default::default()
    }
}

#[tokio::test]
async fn i4_a_bead_is_ready_when_nothing_is_in_its_way() {
    let world = World::new().await;
    let first = world.bead("first").await;
    let second = world
        .file(BeadInput {
            blocked_by: Some(vec![first.id.clone()]),
            ..titled("second")
        })
        .await
        .unwrap();
    let human = BeadInput {
        tags: Some(vec!["requires-human-config".into()]),
        ..titled("human")
    };
    world.file(human).await.unwrap();
    assert_eq!(world.ready_ids().await, std::slice::from_ref(&first.id));
    world
        .update(&first.id, status(BeadStatus::Closed))
        .await
        .unwrap();
    assert_eq!(world.ready_ids().await, std::slice::from_ref(&second.id));
    world
        .update(&first.id, status(BeadStatus::Open))
        .await
        .unwrap();
    assert_eq!(
        world.ready_ids().await,
        std::slice::from_ref(&first.id),
        "a reopened blocker blocks again"
    );
    world.update(&second.id, blocked_by(&[])).await.unwrap();
    assert_eq!(world.ready_ids().await, [first.id, second.id]);
}

#[tokio::test]
async fn i4_an_unknown_blocker_blocks_and_cannot_be_named_by_people() {
    let world = World::new().await;
    assert_eq!(
        code(
            world
                .file(BeadInput {
                    blocked_by: Some(vec!["tt-none0".into()]),
                    ..titled("x")
                })
                .await
        ),
        "invalid_fields"
    );
    let input = BeadInput {
        project_id: Some(world.project.id.clone()),
        blocked_by: Some(vec!["tt-none0".into()]),
        ..titled("imported")
    };
    let origin = Origin {
        allow_unknown_blockers: true,
        ..Default::default()
    };
    let (imported, _) = write!(world, |change| bead::file(&change, input, origin)).unwrap();
    assert_eq!(imported.open_blockers, 1);
    assert!(world.ready_ids().await.is_empty());
}

#[tokio::test]
async fn i4_urgent_first_then_oldest_first() {
    let world = World::new().await;
    let mut ids = Vec::new();
    for (title, priority) in [("old", 2), ("new", 2), ("urgent", 0), ("some day", 3)] {
        let input = BeadInput {
            priority: Priority::new(priority),
            ..titled(title)
        };
        ids.push(world.file(input).await.unwrap().id);
        // Beads of the same millisecond are ordered by id; make them of different ones.
        world
            .platform
            .database()
            .execute("UPDATE bead SET created_at = created_at - 1000", vec![])
            .await
            .unwrap();
    }
    let expected = [&ids[2], &ids[0], &ids[1], &ids[3]].map(String::clone);
    assert_eq!(world.ready_ids().await, expected);
    let candidates = bead::ready(world.platform.database(), &world.project.id, None, 10)
        .await
        .unwrap();
    assert_eq!(
        candidates
            .into_iter()
            .map(|candidate| candidate.id)
            .collect::<Vec<_>>(),
        expected
    );
}

#[tokio::test]
async fn i4_the_next_ready_beads_are_found_by_their_index() {
    let world = World::new().await;
    let sql = "EXPLAIN QUERY PLAN SELECT id FROM bead INDEXED BY bead_ready WHERE project_id = ?1 AND wanted_role IS ?2 \
               AND status = 'open' AND open_blockers = 0 AND open_decisions = 0 AND requires_human = 0 AND retry_at IS NULL \
               ORDER BY priority, created_at, id LIMIT 5";
    let plan = world
        .platform
        .database()
        .query(sql, vec!["p".into(), loom_platform::Value::Null])
        .await
        .unwrap();
    let text: Vec<String> = plan.iter().map(|row| row.text(3).unwrap()).collect();
    assert!(
        text.iter().any(|line| line.contains("bead_ready")),
        "{text:?}"
    );
    assert!(
        !text.iter().any(|line| line.contains("TEMP B-TREE")),
        "no sorting: {text:?}"
    );
}

#[tokio::test]
async fn the_roles_of_ready_beads_are_found_without_reading_the_beads() {
    let world = World::new().await;
    for title in [
        "[qa-engineer] a",
        "[qa-engineer] b",
        "[web-designer] c",
        "plain",
    ] {
        world.bead(title).await;
    }
    let mut roles = bead::ready_roles(world.platform.database(), &world.project.id)
        .await
        .unwrap();
    roles.sort();
    assert_eq!(
        roles,
        [
            None,
            Some("qa-engineer".into()),
            Some("web-designer".into())
        ]
    );
}

#[tokio::test]
async fn i5_a_cycle_is_refused_with_its_path() {
    let world = World::new().await;
    let a = world.bead("a").await.id;
    let b = world
        .file(BeadInput {
            blocked_by: Some(vec![a.clone()]),
            ..titled("b")
        })
        .await
        .unwrap()
        .id;
    let c = world
        .file(BeadInput {
            blocked_by: Some(vec![b.clone()]),
            ..titled("c")
        })
        .await
        .unwrap()
        .id;
    let refused = world.update(&a, blocked_by(&[&c])).await.unwrap_err();
    let loom_store::StoreError::Refused(refusal) = refused else {
        panic!("{refused}")
    };
    assert_eq!(refusal.code, "dependency_cycle");
    assert_eq!(refusal.details["path"], serde_json::json!([a, c, b, a]));
    assert_eq!(
        code(world.update(&a, blocked_by(&[&a])).await),
        "dependency_cycle"
    );
    assert!(
        world.read(&a).await.blocked_by.is_empty(),
        "nothing was changed"
    );
}

#[tokio::test]
async fn i5_a_parent_cannot_be_its_own_descendant() {
    let world = World::new().await;
    let top = world.bead("top").await.id;
    let child = world
        .file(BeadInput {
            parent: Some(Some(top.clone())),
            ..titled("child")
        })
        .await
        .unwrap()
        .id;
    let upside_down = BeadInput {
        parent: Some(Some(child)),
        ..Default::default()
    };
    assert_eq!(code(world.update(&top, upside_down).await), "parent_cycle");
}

#[tokio::test]
async fn i6_every_change_has_its_event_and_a_refused_one_has_none() {
    let world = World::new().await;
    let bead = world.bead("b").await;
    let before = event::newest(world.platform.database()).await.unwrap();
    world
        .update(&bead.id, status(BeadStatus::Closed))
        .await
        .unwrap();
    let filter = event::EventFilter::default();
    let events = event::list_after(world.platform.database(), before, &filter, 10)
        .await
        .unwrap();
    let kinds: Vec<_> = events.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(kinds, ["bead.status_change", "bead.completed"]);
    let newest = event::newest(world.platform.database()).await.unwrap();
    assert_eq!(
        code(world.update(&bead.id, status(BeadStatus::InProgress)).await),
        "illegal_transition"
    );
    assert_eq!(
        event::newest(world.platform.database()).await.unwrap(),
        newest
    );
    assert_eq!(
        world.count("SELECT COUNT(*) FROM event").await,
        newest,
        "the sequence is dense"
    );
}

#[tokio::test]
async fn i9_one_open_bead_a_fingerprint_and_short_chains_of_causes() {
    let world = World::new().await;
    let file = async |title: &str, origin: Origin| {
        let input = BeadInput {
            project_id: Some(world.project.id.clone()),
            ..titled(title)
        };
        write!(world, |change| bead::file(&change, input, origin))
    };
    let auto = |cause: Option<String>| Origin {
        fingerprint: Some("fp".into()),
        cause,
        ..Default::default()
    };
    let (first, new) = file("auto", auto(None)).await.unwrap();
    assert!(new);
    let (again, new) = file("auto again", auto(None)).await.unwrap();
    assert_eq!((again.id, new), (first.id.clone(), false));
    let about = Origin {
        fingerprint: Some("fp2".into()),
        cause: Some(first.id.clone()),
        ..Default::default()
    };
    assert_eq!(
        code(file("about an auto-filed bead", about).await),
        "causality_about_auto_filed"
    );
    let mut cause = world.bead("asked for").await.id;
    for depth in 1..=2 {
        let (caused, _) = file(
            "caused",
            Origin {
                cause: Some(cause),
                ..Default::default()
            },
        )
        .await
        .unwrap();
        assert_eq!(caused.cause_depth, depth);
        cause = caused.id;
    }
    assert_eq!(
        code(
            file(
                "too deep",
                Origin {
                    cause: Some(cause),
                    ..Default::default()
                }
            )
            .await
        ),
        "causality_depth"
    );
}

#[tokio::test]
async fn i10_three_failed_runs_leave_one_blocked_bead_and_one_decision() {
    let world = World::new().await;
    let (bead, agent) = (world.bead("hopeless").await, world.agent("a").await);
    for _ in 0..3 {
        let claimed = world.claim(&bead.id, &agent.id).await.unwrap();
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
    let blocked = world.read(&bead.id).await;
    assert_eq!(
        (blocked.status, blocked.failed_runs, blocked.open_decisions),
        (BeadStatus::Blocked, 3, 1)
    );
    let decisions = decision::of_bead(world.platform.database(), &bead.id)
        .await
        .unwrap();
    assert_eq!(decisions.len(), 1);
    assert_eq!(decisions[0].kind, DecisionKind::AttemptsExhausted);
    assert_eq!(code(world.claim(&bead.id, &agent.id).await), "not_ready");
    let again = write!(world, |change| bead::redispatch(
        &change,
        &blocked,
        "look again"
    ))
    .unwrap();
    assert_eq!(
        (again.status, again.failed_runs, again.open_decisions),
        (BeadStatus::Open, 0, 0)
    );
    assert_eq!(world.ready_ids().await, [bead.id]);
    let _ = LEASE_MS;
}
