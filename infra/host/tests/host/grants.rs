use crate::support::{Home, ONE, Outside, post};

const TWO: &str = r#"
    [variables]
    greeting = { default = "hello" }
    outside = { required = true }
    [[trigger.http]]
    route = "/rich/..."
    component = "rich"
    [[trigger.http]]
    route = "/poor/..."
    component = "poor"
    [component.rich]
    source = "PROBE"
    sqlite_databases = ["default", "other"]
    key_value_stores = ["default"]
    allowed_outbound_hosts = ["{{ outside }}"]
    files = [{ source = "notes", destination = "/notes" }, "single.txt"]
    [component.rich.variables]
    greeting = "{{ greeting }} {{ outside }}"
    [component.poor]
    source = "PROBE"
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_component_has_what_it_was_given_and_nothing_else() {
    let home = Home::new(TWO);
    std::fs::create_dir(home.dir.path().join("notes")).unwrap();
    std::fs::write(home.dir.path().join("notes/a.txt"), "a note").unwrap();
    std::fs::write(home.dir.path().join("single.txt"), "one file").unwrap();
    std::fs::write(home.dir.path().join("secret.txt"), "not given").unwrap();
    let mut outside = Outside::new().await;
    let app = home
        .up(|options| {
            options
                .variables
                .insert("outside".to_owned(), outside.url.clone());
        })
        .await;
    let rich =
        |action: &str, body: &str| post(format!("{}/rich/{action}", app.url), body.to_owned());
    let poor =
        |action: &str, body: &str| post(format!("{}/poor/{action}", app.url), body.to_owned());

    assert_eq!(rich("sql", "default SELECT 41 + 1").await.body, "42");
    rich("sql", "other CREATE TABLE here (a)").await;
    assert!(
        rich("sql", "default SELECT * FROM here")
            .await
            .body
            .contains("no such table")
    );
    assert!(
        rich("sql", "third SELECT 1")
            .await
            .body
            .contains("AccessDenied")
    );
    assert!(
        poor("sql", "default SELECT 1")
            .await
            .body
            .contains("AccessDenied")
    );

    assert_eq!(rich("keys", "default").await.body, "4950");
    assert!(rich("keys", "other").await.body.contains("AccessDenied"));
    assert!(poor("keys", "default").await.body.contains("AccessDenied"));

    assert_eq!(
        rich("variable", "greeting").await.body,
        format!("hello {}", outside.url)
    );
    assert!(rich("variable", "outside").await.body.contains("Undefined"));
    assert!(
        poor("variable", "greeting")
            .await
            .body
            .contains("Undefined")
    );

    assert_eq!(rich("file", "/notes/a.txt").await.body, "a note");
    assert_eq!(rich("file", "single.txt").await.body, "one file");
    for path in [
        "/secret.txt",
        "/notes/../../secret.txt",
        "/../secret.txt",
        "/etc/passwd",
    ] {
        assert_eq!(rich("file", path).await.status, 502, "{path}");
    }
    assert_eq!(rich("write-file", "/notes/b.txt").await.status, 502);
    assert_eq!(poor("file", "/notes/a.txt").await.status, 502);

    let url = format!("{}/x", outside.url);
    assert!(poor("call", &url).await.body.contains("HttpRequestDenied"));
    let elsewhere = url.replace("127.0.0.1", "localhost");
    assert!(
        rich("call", &elsewhere)
            .await
            .body
            .contains("HttpRequestDenied")
    );
    let (answer, ()) = tokio::join!(rich("call", &url), async { outside.next().await.answer() });
    assert_eq!(answer.body, "200 from outside");

    assert!(app.shutdown().await);
    let advice = home.log("loom");
    assert!(advice.iter().any(|line| {
        line["line"]
            .as_str()
            .unwrap()
            .contains("component.poor.allowed_outbound_hosts")
    }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_is_left_open_is_undone() {
    let home = Home::new(ONE);
    let app = home.up(|_| {}).await;
    let sql = |statements: &str| post(format!("{}/sql", app.url), format!("default {statements}"));
    sql("CREATE TABLE t (a)").await;
    sql("BEGIN IMMEDIATE; INSERT INTO t VALUES (1)").await;
    assert_eq!(sql("SELECT count(*) FROM t").await.body, "0");
    assert_eq!(
        sql("BEGIN IMMEDIATE; INSERT INTO t VALUES (1); COMMIT; SELECT count(*) FROM t")
            .await
            .body,
        "1"
    );
    assert_eq!(
        sql("PRAGMA foreign_keys = ON; PRAGMA foreign_keys")
            .await
            .body,
        "1"
    );
    assert_eq!(sql("PRAGMA foreign_keys").await.body, "0");
    assert_eq!(sql("PRAGMA journal_mode").await.body, "wal");
    assert!(sql("SELEC 1").await.body.contains("syntax error"));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_writers_all_get_their_turn() {
    let home = Home::new(ONE);
    let app = home.up(|_| {}).await;
    let sql = |statements: &str| post(format!("{}/sql", app.url), format!("default {statements}"));
    sql("CREATE TABLE t (n INTEGER)").await;
    sql("INSERT INTO t VALUES (0)").await;
    let mut writers = tokio::task::JoinSet::new();
    for _ in 0..32 {
        let url = format!("{}/sql", app.url);
        writers.spawn(async move {
            for _ in 0..5 {
                let statements =
                    "default BEGIN IMMEDIATE; SELECT n FROM t; UPDATE t SET n = n + 1; COMMIT";
                let answer = post(url.clone(), statements).await;
                assert_eq!(answer.status, 200, "{answer:?}");
            }
        });
    }
    while let Some(writer) = writers.join_next().await {
        writer.unwrap();
    }
    assert_eq!(sql("SELECT n FROM t").await.body, "160");
}
