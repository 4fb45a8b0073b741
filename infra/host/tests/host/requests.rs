use crate::support::{Home, ONE, Outside, post, send};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};

const TWO: &str = r#"
    [[trigger.http]]
    route = "/p/:project/..."
    component = "front"
    [[trigger.http]]
    route = "/p/fixed/request"
    component = "exact"
    [[trigger.http]]
    route = { private = true }
    component = "behind"
    [component.front]
    source = "PROBE"
    allowed_outbound_hosts = ["http://behind.spin.internal", "http://self"]
    [component.exact]
    source = "PROBE"
    [component.behind]
    source = "PROBE"
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_component_learns_where_its_request_came_in() {
    let home = Home::new(TWO);
    let app = home.up(|_| {}).await;
    let request = http::Request::post(format!("{}/p/loom/request?q=1", app.url))
        .header("spin-client-addr", "6.6.6.6:6")
        .header("host", "loom.example")
        .body(Full::default())
        .unwrap();
    let body = send(request)
        .await
        .unwrap()
        .into_body()
        .collect()
        .await
        .unwrap()
        .to_bytes();
    let seen: serde_json::Value = serde_json::from_slice(&body).unwrap();
    let headers = &seen["headers"];
    assert_eq!(seen["uri"], "http://loom.example/p/loom/request?q=1");
    assert_eq!(headers["host"], "loom.example");
    assert_eq!(
        headers["spin-full-url"],
        "http://loom.example/p/loom/request?q=1"
    );
    assert_eq!(headers["spin-path-info"], "/request");
    assert_eq!(headers["spin-matched-route"], "/p/:project/...");
    assert_eq!(headers["spin-raw-component-route"], "/p/:project/...");
    assert_eq!(headers["spin-component-route"], "/p/:project");
    assert_eq!(headers["spin-base-path"], "/");
    assert_eq!(headers["spin-path-match-project"], "loom");
    assert!(
        headers["spin-client-addr"]
            .as_str()
            .unwrap()
            .starts_with("127.0.0.1:")
    );
    let exact = post(format!("{}/p/fixed/request", app.url), "")
        .await
        .json();
    assert_eq!(exact["headers"]["spin-matched-route"], "/p/fixed/request");
}

#[tokio::test(flavor = "multi_thread")]
async fn private_components_are_reached_from_inside_only() {
    let home = Home::new(TWO);
    let app = home.up(|_| {}).await;
    let outside = post(format!("{}/behind", app.url), "").await;
    assert_eq!(
        (outside.status, outside.json()["code"].as_str()),
        (404, Some("route_not_found"))
    );
    let forged = http::Request::post(format!("{}/request", app.url))
        .header("host", "behind.spin.internal")
        .body(Full::default())
        .unwrap();
    assert_eq!(send(forged).await.unwrap().status(), 404);

    let inside = post(
        format!("{}/p/x/call", app.url),
        "http://behind.spin.internal/a/request?b=c",
    )
    .await;
    let seen: serde_json::Value =
        serde_json::from_str(inside.body.strip_prefix("200 ").unwrap()).unwrap();
    assert_eq!(seen["headers"]["spin-path-info"], "/a/request");
    assert_eq!(seen["headers"]["spin-component-route"], "");
    let own = post(
        format!("{}/p/x/call", app.url),
        "http://self.alt/p/fixed/length",
    )
    .await;
    assert_eq!(own.body, "200 0");
    let nobody = post(
        format!("{}/p/x/call", app.url),
        "http://nobody.spin.internal/",
    )
    .await;
    assert!(nobody.body.contains("HttpRequestDenied"), "{nobody:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_have_a_limit_whether_announced_or_not() {
    let home = Home::new(ONE);
    let app = home.up(|options| options.max_body = 1000).await;
    let url = format!("{}/length", app.url);
    assert_eq!(post(url.clone(), vec![b'x'; 1000]).await.body, "1000");
    let announced = post(url.clone(), vec![b'x'; 1001]).await;
    assert_eq!(
        (announced.status, announced.json()["code"].as_str()),
        (413, Some("body_too_large"))
    );

    let chunks = futures_util::stream::iter((0..2).map(|_| {
        Ok::<_, std::convert::Infallible>(http_body::Frame::data(Bytes::from(vec![b'x'; 600])))
    }));
    let request = http::Request::post(url)
        .body(http_body_util::StreamBody::new(chunks))
        .unwrap();
    let client = hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new())
        .build_http();
    let response = client.request(request).await.unwrap();
    assert_eq!(response.status(), 400);
    let text = response.into_body().collect().await.unwrap().to_bytes();
    assert!(String::from_utf8_lossy(&text).contains("HttpRequestBodySize"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_one_answer_and_its_words_are_logged() {
    let home = Home::new(ONE);
    let app = home.up(|_| {}).await;
    let request = http::Request::post(format!("{}/panic", app.url))
        .header("x-request-id", "r-77")
        .body(Full::new(Bytes::from("told to")))
        .unwrap();
    let response = send(request).await.unwrap();
    assert_eq!(response.status(), 500);
    assert_eq!(response.headers()["x-request-id"], "r-77");
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["code"], "function_crashed");
    assert_eq!(body["request_id"], "r-77");
    assert_eq!(post(format!("{}/length", app.url), "abc").await.body, "3");
    assert!(app.shutdown().await);
    let words = home.log("probe");
    let line = words
        .iter()
        .find(|line| line["line"].as_str().unwrap().contains("told to"))
        .unwrap();
    assert_eq!(line["request_id"], "r-77");
    assert_eq!(line["stream"], "stderr");
    assert!(
        home.log("loom")
            .iter()
            .any(|line| line["line"].as_str().unwrap().contains("r-77"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_on_after_the_answer_is_not_cut_off() {
    let home = Home::new(ONE);
    let app = home
        .up(|options| options.limits.idle = std::time::Duration::from_millis(1))
        .await;
    let mut outside = Outside::new().await;
    let answer = post(
        format!("{}/call-later", app.url),
        format!("{}/later", outside.url),
    )
    .await;
    assert_eq!(answer.status, 202);
    let arrival = outside.next().await;
    assert_eq!(arrival.request.uri.path(), "/later");
    // The stop waits for it.
    let stop = tokio::spawn(app.shutdown());
    arrival.answer();
    assert!(stop.await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_platforms_own_routes_answer() {
    let home = Home::new(ONE);
    let app = home.up(|_| {}).await;
    assert_eq!(
        post(format!("{}/.well-known/spin/health", app.url), "")
            .await
            .body,
        "OK"
    );
    let info = post(format!("{}/.well-known/spin/info", app.url), "")
        .await
        .json();
    assert_eq!(
        info,
        serde_json::json!({ "name": "probe", "version": "1.2.3" })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_are_whole_have_a_length() {
    let home = Home::new(ONE);
    let app = home.up(|_| {}).await;
    // The functions' adapter sets it; what the host itself answers has it as well.
    let own = post(format!("{}/.well-known/spin/nothing", app.url), "").await;
    assert_eq!(
        own.headers["content-length"],
        own.body.len().to_string().as_str()
    );
    assert_eq!(own.headers["content-type"], "application/json");
}
