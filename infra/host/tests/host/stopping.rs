use crate::support::{Home, ONE, Outside, post, send};
use http_body_util::{BodyExt, Full};
use loom_host::up::{Progress, StartError, start};
use std::sync::Mutex;

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_refuses_the_new_and_finishes_the_old() {
    let home = Home::new(ONE);
    let app = home.up(|_| {}).await;
    let url = app.url.clone();
    let mut outside = Outside::new().await;
    let request = tokio::spawn(post(format!("{url}/call"), outside.url.clone()));
    let held = outside.next().await;
    let stop = tokio::spawn(app.shutdown());
    // The listener closes at once, while the request is still at work.
    while send(http::Request::get(&url).body(Full::default()).unwrap())
        .await
        .is_ok()
    {
        tokio::task::yield_now().await;
    }
    assert!(!stop.is_finished());
    held.answer();
    assert_eq!(request.await.unwrap().body, "200 from outside");
    assert!(stop.await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_stream_ends_with_the_host() {
    let home = Home::new(ONE);
    let app = home.up(|_| {}).await;
    let url = format!("{}/events", app.url);
    // One reader is there, and one has gone without a word.
    let mut gone = send(http::Request::get(&url).body(Full::default()).unwrap())
        .await
        .unwrap()
        .into_body();
    gone.frame().await.unwrap().unwrap();
    drop(gone);
    let mut body = send(http::Request::get(&url).body(Full::default()).unwrap())
        .await
        .unwrap()
        .into_body();
    assert_eq!(
        body.frame().await.unwrap().unwrap().into_data().unwrap(),
        "data: x\n\n"
    );
    let stop = tokio::spawn(app.shutdown());
    assert!(body.frame().await.is_none());
    assert!(stop.await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_stored_is_there_after_a_restart() {
    let home = Home::new(ONE);
    let sql =
        |url: &str, statements: &str| post(format!("{url}/sql"), format!("default {statements}"));
    let app = home.up(|options| options.cache_dir = None).await;
    sql(&app.url, "CREATE TABLE t (a)").await;
    sql(&app.url, "INSERT INTO t VALUES (7)").await;
    let second = start(home.options(), |_| {}).await.err().unwrap();
    assert!(matches!(second, StartError::InUse(_)), "{second}");
    assert!(app.shutdown().await);

    let seen = Mutex::new(Vec::new());
    let mut options = home.options();
    options.cache_dir = None;
    let app = start(options, |progress| seen.lock().unwrap().push(progress))
        .await
        .unwrap();
    assert_eq!(sql(&app.url, "SELECT a FROM t").await.body, "7");
    let last = seen.lock().unwrap().last().cloned();
    assert_eq!(
        last,
        Some(Progress::Loading {
            done: 1,
            total: 1,
            compiled: 0
        })
    );
}
