use loom_api::testing::{Answer, call, platform};
use serde_json::json;

use crate::function::handle;

async fn post(path: &str, content_type: &str, body: impl Into<bytes::Bytes>) -> Answer {
    call("POST", path)
        .header("content-type", content_type)
        .body(body)
        .send(&platform(), handle)
        .await
}

#[tokio::test]
async fn json_that_fits_is_accepted() {
    for content_type in [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON",
        "application/merge-patch+json",
    ] {
        let answer = post("/echo", content_type, r#"{"title": "ż", "priority": "P0"}"#).await;
        assert_eq!(answer.status, 200, "{content_type}");
        assert_eq!(
            answer.json(),
            json!({"title": "ż", "priority": "P0", "tags": []})
        );
    }
}

#[tokio::test]
async fn other_content_types_are_415() {
    for content_type in [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonp",
    ] {
        let answer = post("/echo", content_type, r#"{"title": "x"}"#).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (415, "unsupported_media_type"),
            "{content_type}"
        );
    }
}

#[tokio::test]
async fn what_is_not_json_is_400_with_its_place() {
    for (body, line, column) in [
        ("{\"title\": ", 1, 10),
        ("{\"title\": \"x\"", 1, 13),
        ("{\n  \"title\": x}", 2, 12),
        ("{\"title\": \"x\"} {}", 1, 16),
        ("{\"title\": 5, }", 1, 14),
        ("title", 1, 2),
        ("{'title': 1}", 1, 2),
    ] {
        let answer = post("/echo", "application/json", body).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (400, "invalid_json"),
            "{body}"
        );
        assert_eq!(
            answer.json()["details"],
            json!({"line": line, "column": column}),
            "{body}: {}",
            answer.json()
        );
    }
    let answer = post("/echo", "application/json", " ").await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (400, "invalid_json")
    );
}

#[tokio::test]
async fn what_is_not_utf8_is_400() {
    let answer = post("/echo", "application/json", &b"{\"title\": \"\xff\"}"[..]).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (400, "invalid_utf8")
    );
}

#[tokio::test]
async fn what_does_not_fit_is_422_and_names_the_field() {
    for (body, field) in [
        (r#"{"title": "x", "titel": "y"}"#, "titel"),
        (r#"{"title": 5}"#, "title"),
        (r#"{"title": null}"#, "title"),
        (r#"{}"#, "title"),
        (r#"{"title": "x", "priority": "P9"}"#, "priority"),
        (r#"{"title": "x", "tags": ["a", 1]}"#, "tags[1]"),
        (r#"{"title": "x", "title": "y"}"#, "title"),
        (r#""x""#, "$"),
        (r#"["x"]"#, "$"),
        ("[]", "$"),
    ] {
        let answer = post("/echo", "application/json", body).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (422, "invalid_fields"),
            "{body}"
        );
        let names: Vec<_> = answer.json()["fields"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect();
        assert_eq!(names, [field], "{body}: {}", answer.json());
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_413_announced_or_not() {
    let two_mib = format!(r#"{{"title": "{}"}}"#, "x".repeat(2 * 1024 * 1024));
    let answer = post("/echo", "application/json", two_mib.clone()).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (413, "body_too_large")
    );
    assert_eq!(answer.json()["details"]["limit"], 1024 * 1024);

    let announced = call("POST", "/echo")
        .header("content-length", "2097152")
        .header("content-type", "application/json");
    assert_eq!(announced.send(&platform(), handle).await.status, 413);

    let just_right = format!(r#"{{"title": "{}"}}"#, "x".repeat(64 - 13));
    assert_eq!(just_right.len(), 64);
    assert_eq!(
        post("/small", "application/json", just_right.clone())
            .await
            .status,
        200
    );
    assert_eq!(
        post("/small", "application/json", just_right + " ")
            .await
            .status,
        413
    );
}
