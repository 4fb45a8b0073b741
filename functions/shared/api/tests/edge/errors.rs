use loom_api::testing::{call, platform};
use serde_json::json;

use crate::function::handle;

#[tokio::test]
async fn every_kind_of_error_has_its_status_and_code() {
    let platform = platform();
    for (name, status, code, retry_after) in [
        ("not_found", 404, "bead_not_found", ""),
        ("conflict", 409, "illegal_transition", ""),
        ("version", 412, "version_conflict", ""),
        ("invalid", 422, "invalid_bead", ""),
        ("forbidden", 403, "not_yours", ""),
        ("store_refusal", 409, "taken", ""),
        ("busy", 503, "database_busy", "1"),
        ("constraint", 500, "internal_error", ""),
        ("corrupt", 500, "internal_error", ""),
        ("timeout", 504, "upstream_timeout", ""),
        ("connect", 502, "upstream_failed", ""),
        ("denied", 500, "internal_error", ""),
        ("too_many", 429, "slow_down", "7"),
        ("unavailable", 503, "no_provider", "30"),
        ("not_configured", 503, "not_configured", ""),
        ("bad_gateway", 502, "tokenhub_failed", ""),
    ] {
        let answer = call("GET", &format!("/errors/{name}"))
            .send(&platform, handle)
            .await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (status, code),
            "{name}"
        );
        assert_eq!(answer.header("retry-after"), retry_after, "{name}");
        let body = answer.json();
        assert!(
            body["error"]
                .as_str()
                .is_some_and(|sentence| sentence.ends_with('.')),
            "{name}: {body}"
        );
        assert_eq!(body["request_id"], answer.header("x-request-id"), "{name}");
    }
}

#[tokio::test]
async fn fields_and_details_are_there_only_when_there_are_some() {
    let platform = platform();
    let body = call("GET", "/errors/invalid")
        .send(&platform, handle)
        .await
        .json();
    assert_eq!(body["fields"], json!({"title": "must not be empty"}));
    assert!(body.get("details").is_none());
    let body = call("GET", "/errors/conflict")
        .send(&platform, handle)
        .await
        .json();
    assert_eq!(body["details"], json!({"from": "closed"}));
    assert!(body.get("fields").is_none());
}

#[tokio::test]
async fn the_cause_of_our_own_fault_is_not_told() {
    let platform = platform();
    for name in ["constraint", "corrupt", "connect", "denied"] {
        let text = String::from_utf8(
            call("GET", &format!("/errors/{name}"))
                .send(&platform, handle)
                .await
                .body
                .into(),
        );
        let text = text.unwrap();
        for hidden in ["UNIQUE", "bead.status", "10.0.0.1", "example.org"] {
            assert!(!text.contains(hidden), "{name}: {text}");
        }
    }
}

#[tokio::test]
async fn a_handler_that_wants_a_caller_on_a_public_route_is_our_fault() {
    let answer = call("GET", "/forgetful").send(&platform(), handle).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (500, "internal_error")
    );
}
