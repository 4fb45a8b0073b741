use crate::support::{Home, ONE, Outside, post};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn who_computes_without_end_is_stopped_and_who_waits_is_not() {
    let home = Home::new(ONE);
    let app = home
        .up(|options| options.limits.cpu = Duration::from_millis(200))
        .await;
    let url = |action: &str| format!("{}/{action}", app.url);
    // Waiting far longer than the limit, and computing below it, both several times on one instance.
    let (waits, stopped) = tokio::join!(post(url("sleep"), "700"), post(url("busy"), "3600000"));
    assert_eq!(stopped.status, 504, "{stopped:?}");
    assert_eq!(stopped.json()["code"], "cpu_deadline");
    assert_eq!(waits.body, "done");
    for _ in 0..4 {
        assert_eq!(post(url("busy"), "80").await.body, "done");
    }
}

// More of them than there are threads.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn busy_components_do_not_stop_the_others() {
    let home = Home::new(ONE);
    let app = home
        .up(|options| options.limits.cpu = Duration::from_secs(3600))
        .await;
    let mut spinning = tokio::task::JoinSet::new();
    for _ in 0..3 {
        spinning.spawn(post(format!("{}/busy", app.url), "3600000"));
    }
    assert_eq!(post(format!("{}/length", app.url), "abc").await.body, "3");
    assert!(spinning.try_join_next().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_wait_for_an_instance() {
    let home = Home::new(ONE);
    let app = home
        .up(|options| {
            options.limits.instances = 2;
            options.limits.concurrency = 1;
            options.turns = 2;
        })
        .await;
    let mut all = tokio::task::JoinSet::new();
    for _ in 0..40 {
        all.spawn(post(format!("{}/sleep", app.url), "5"));
    }
    while let Some(answer) = all.join_next().await {
        assert_eq!(answer.unwrap().body, "done");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_finds_the_queue_full_is_told_when_to_come_again() {
    let home = Home::new(ONE);
    let app = home
        .up(|options| {
            options.turns = 1;
            options.queue = 0;
        })
        .await;
    let mut outside = Outside::new().await;
    let first = tokio::spawn(post(format!("{}/call", app.url), outside.url.clone()));
    let held = outside.next().await;
    let second = post(format!("{}/length", app.url), "").await;
    assert_eq!(
        (second.status, second.json()["code"].as_str()),
        (503, Some("host_busy"))
    );
    assert_eq!(second.headers["retry-after"], "1");
    held.answer();
    assert_eq!(first.await.unwrap().body, "200 from outside");
    assert_eq!(post(format!("{}/length", app.url), "").await.body, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_instance_in_time_is_a_refusal_not_a_failure() {
    let home = Home::new(ONE);
    let app = home
        .up(|options| {
            options.limits.instances = 1;
            options.limits.concurrency = 1;
            options.limits.queue = Duration::from_millis(50);
        })
        .await;
    let mut outside = Outside::new().await;
    let first = tokio::spawn(post(format!("{}/call", app.url), outside.url.clone()));
    let held = outside.next().await;
    let second = post(format!("{}/length", app.url), "").await;
    assert_eq!(
        (second.status, second.json()["code"].as_str()),
        (503, Some("host_busy"))
    );
    held.answer();
    assert_eq!(first.await.unwrap().body, "200 from outside");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_can_call_itself_on_its_only_instance() {
    let home = Home::new(ONE);
    let app = home
        .up(|options| {
            options.limits.instances = 1;
            options.limits.concurrency = 2;
        })
        .await;
    let own = post(
        format!("{}/call", app.url),
        "http://probe.spin.internal/length",
    )
    .await;
    assert_eq!(own.body, "200 0");
}
