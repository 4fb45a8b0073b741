use crate::support::{Home, Outside, post};

#[tokio::test(flavor = "multi_thread")]
async fn an_occurrence_is_a_post_with_the_service_token() {
    let home = Home::new(
        r#"
        [variables]
        outside = { required = true }
        [[trigger.cron]]
        component = "every-second"
        cron_expression = "* * * * * *"
        [[trigger.cron]]
        component = "not-cron"
        cron_expression = "* * * * * *"
        [[trigger.http]]
        route = "/..."
        component = "not-cron"
        [component.every-second]
        source = "CRON"
        allowed_outbound_hosts = ["{{ outside }}"]
        [component.every-second.variables]
        url = "{{ outside }}/api/v1/system/tick?by=cron"
        token = "the-token"
        [component.not-cron]
        source = "PROBE"
        "#,
    );
    let mut outside = Outside::new().await;
    let app = home
        .up(|options| {
            options
                .variables
                .insert("outside".to_owned(), outside.url.clone());
        })
        .await;
    for _ in 0..2 {
        let arrival = outside.next().await;
        assert_eq!(arrival.request.method, "POST");
        assert_eq!(arrival.request.uri, "/api/v1/system/tick?by=cron");
        assert_eq!(arrival.request.headers["authorization"], "Bearer the-token");
        arrival.answer();
    }
    // A component without the export is said to have none, and the application runs all the same.
    assert_eq!(post(format!("{}/length", app.url), "ab").await.body, "2");
    assert!(app.shutdown().await);
    assert!(home.log("loom").iter().any(|line| {
        line["line"]
            .as_str()
            .unwrap()
            .contains("not-cron has no handle-cron-event")
    }));
}
