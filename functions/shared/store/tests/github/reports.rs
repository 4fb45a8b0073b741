use loom_domain::{bead::BeadInput, time::Timestamp};
use loom_store::github::{self, Report};
use serde_json::json;

use super::Hub;
use crate::write;

async fn due(hub: &Hub) -> Vec<Report> {
    github::due_reports(hub.world.db(), 10).await.unwrap()
}

async fn now(hub: &Hub) -> Timestamp {
    loom_store::now(hub.world.db()).await.unwrap()
}

#[tokio::test]
async fn every_change_of_a_bead_makes_its_status_comment_due_until_it_is_reported() {
    let hub = Hub::new().await;
    hub.issue("opened", 1, json!({})).await;
    let bead = hub.only_bead().await;
    let first = due(&hub).await.remove(0);
    assert_eq!(
        (first.number, first.bead_id.clone(), first.comment_id),
        (7, Some(bead.id.clone()), None)
    );
    let at = now(&hub).await;
    write!(hub.world, |change| github::reported(
        &change,
        &first,
        Some(77),
        "abc",
        at
    ))
    .unwrap();
    assert!(due(&hub).await.is_empty());
    let input = BeadInput {
        title: Some("Other".into()),
        ..Default::default()
    };
    hub.world.update(&bead.id, input).await.unwrap();
    let second = due(&hub).await.remove(0);
    assert_eq!(
        (second.comment_id, second.text_sha256.as_deref()),
        (Some(77), Some("abc"))
    );
    // What changes while it is written stays due.
    let input = BeadInput {
        title: Some("Yet another".into()),
        ..Default::default()
    };
    hub.world.update(&bead.id, input).await.unwrap();
    write!(hub.world, |change| github::reported(
        &change, &second, None, "def", at
    ))
    .unwrap();
    let third = due(&hub).await.remove(0);
    assert_eq!(third.comment_id, Some(77));
    write!(hub.world, |change| github::forget_report(&change, &third)).unwrap();
    assert!(due(&hub).await.is_empty());
}

#[tokio::test]
async fn one_of_several_writes_a_status_comment_and_a_refused_one_waits() {
    let hub = Hub::new().await;
    hub.issue("opened", 1, json!({})).await;
    let report = due(&hub).await.remove(0);
    let later = Timestamp(now(&hub).await.0 + 60_000);
    assert!(
        write!(hub.world, |change| github::take_report(
            &change, &report, later
        ))
        .unwrap()
    );
    assert!(
        !write!(hub.world, |change| github::take_report(
            &change, &report, later
        ))
        .unwrap()
    );
    assert!(due(&hub).await.is_empty());
    let at = now(&hub).await;
    write!(hub.world, |change| github::report_later(
        &change, &report, at
    ))
    .unwrap();
    assert_eq!(due(&hub).await.len(), 1);
    write!(hub.world, |change| github::report_later(
        &change, &report, later
    ))
    .unwrap();
    assert!(due(&hub).await.is_empty());
}
