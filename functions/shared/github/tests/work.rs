//! Checks, Actions, people and webhook deliveries.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use common::{Stub, message, told};
use loom_github::{CheckStatus, Conclusion, LogSource, Permission, StatusState};
use serde_json::{Value, json};

#[tokio::test]
async fn the_end_of_a_log_on_the_same_host() {
    let log: String = (0..50_000).map(|line| format!("line {line} ✓\n")).collect();
    let stub = Stub::new(move |asked, _| match asked.line.as_str() {
        "GET /repos/acme/widget/actions/jobs/4/logs" => {
            message(302, "Found").header("location", "/storage/logs/4?sig=fake")
        }
        "GET /storage/logs/4?sig=fake" => told(200, &Value::Null).raw(log.clone()),
        "GET /repos/acme/widget/actions/jobs/5/logs" => told(200, &Value::Null).raw("short"),
        other => panic!("{other}"),
    });
    let repository = stub.repository().await;
    for bytes in [100, 101, 102, 103, 200_000] {
        let tail = repository.job_log_tail(4, bytes).await.unwrap();
        assert_eq!((tail.source, tail.truncated), (LogSource::Log, true));
        assert!(
            tail.text.ends_with("line 49999 ✓\n")
                && tail.text.len() <= bytes
                && tail.text.len() + 3 > bytes
        );
        assert!(!tail.text.contains('\u{fffd}'));
    }
    let whole = repository.job_log_tail(5, 100).await.unwrap();
    assert_eq!((whole.text.as_str(), whole.truncated), ("short", false));
}

#[tokio::test]
async fn a_log_elsewhere_is_replaced_by_what_the_check_reports() {
    let stub = Stub::new(|asked, _| match asked.line.as_str() {
        "GET /repos/acme/widget/actions/jobs/4/logs" => {
            message(302, "Found").header("location", "https://logs.blob.test/4?sig=fake")
        }
        "GET /repos/acme/widget/actions/jobs/5/logs" => message(410, "Logs expired"),
        "GET /repos/acme/widget/check-runs/4" | "GET /repos/acme/widget/check-runs/5" => told(
            200,
            &json!({
            "id": 4, "name": "test", "status": "completed", "conclusion": "failure", "head_sha": "aa",
            "html_url": "http://x/job/4", "output": {"title": "1 failed", "summary": "adds_up failed", "text": null,
            "annotations_count": 1}}),
        ),
        line if line.contains("/annotations") => told(
            200,
            &json!([
            {"path": "src/lib.rs", "start_line": 7, "annotation_level": "failure", "message": "assertion failed"}]),
        ),
        other => panic!("{other}"),
    });
    let repository = stub.repository().await;
    for job in [4, 5] {
        let log = repository.job_log_tail(job, 10_000).await.unwrap();
        assert_eq!((log.source, log.truncated), (LogSource::Annotations, false));
        assert_eq!(log.html_url, "http://x/job/4");
        for part in [
            "cannot be fetched",
            "src/lib.rs:7: failure: assertion failed",
            "1 failed\nadds_up failed",
        ] {
            assert!(log.text.contains(part), "{}", log.text);
        }
    }
    let cut = repository.job_log_tail(4, 20).await.unwrap();
    assert_eq!((cut.text.len(), cut.truncated), (20, true));
}

#[tokio::test]
async fn runs_jobs_and_statuses() {
    let stub = Stub::new(|asked, _| match asked.line.as_str() {
        "GET /repos/acme/widget/actions/runs/9/jobs?per_page=100" => told(
            200,
            &json!({"total_count": 1, "jobs": [
            {"id": 4, "name": "test", "status": "completed", "conclusion": "timed_out", "html_url": "u",
             "steps": [{"name": "cargo test", "conclusion": "failure"}]}]}),
        ),
        "GET /repos/acme/widget/commits/agent%2Fx/status?per_page=100" => told(
            200,
            &json!({
            "state": "pending", "sha": "aa", "statuses": [
                {"context": "ci/old", "state": "error", "description": null, "target_url": null}]}),
        ),
        "POST /repos/acme/widget/actions/runs/9/rerun-failed-jobs"
        | "POST /repos/acme/widget/actions/runs/9/rerun" => told(201, &json!({})),
        "GET /repos/acme/widget/check-runs/1" => told(
            200,
            &json!({"id": 1, "name": "x", "status": "waiting",
            "conclusion": null, "head_sha": "aa", "output": null, "app": null}),
        ),
        other => panic!("{other}"),
    });
    let repository = stub.repository().await;
    let jobs = repository.jobs(9).await.unwrap();
    assert_eq!(jobs.items[0].conclusion, Some(Conclusion::TimedOut));
    assert_eq!(jobs.items[0].steps[0].conclusion, Some(Conclusion::Failure));
    let status = repository.combined_status("agent/x").await.unwrap();
    assert_eq!(
        (status.state, status.statuses[0].state),
        (StatusState::Pending, StatusState::Error)
    );
    repository.rerun(9, true).await.unwrap();
    repository.rerun(9, false).await.unwrap();
    let check = repository.check_run(1).await.unwrap();
    assert_eq!(
        (check.status, check.conclusion, check.app()),
        (CheckStatus::Waiting, None, None)
    );
}

#[tokio::test]
async fn permissions_are_the_finer_of_what_github_says() {
    for (permission, role, expected) in [
        ("admin", "admin", Permission::Admin),
        ("write", "maintain", Permission::Maintain),
        ("write", "write", Permission::Write),
        ("write", "release-captain", Permission::Write),
        ("read", "triage", Permission::Triage),
        ("read", "read", Permission::Read),
        ("none", "none", Permission::None),
        // A name that somebody made up gives nothing that the permission does not.
        ("read", "admin", Permission::Read),
        ("read", "maintain", Permission::Read),
        ("", "", Permission::None),
    ] {
        let stub = Stub::new(move |asked, _| {
            assert_eq!(
                asked.line,
                "GET /repos/acme/widget/collaborators/a%5Bbot%5D/permission"
            );
            told(200, &json!({"permission": permission, "role_name": role}))
        });
        let found = stub.repository().await.permission("a[bot]").await.unwrap();
        assert_eq!(found, expected, "{permission} {role}");
        assert_eq!(
            found.can_write(),
            permission == "write" || permission == "admin"
        );
    }
    let stub = Stub::new(|_, _| message(404, "Not Found"));
    assert_eq!(
        stub.repository().await.permission("ghost").await.unwrap(),
        Permission::None
    );
}

#[tokio::test]
async fn deliveries_page_by_page() {
    let stub = Stub::new(|asked, _| {
        let delivery = json!([{"id": 12, "guid": "g", "delivered_at": "2026-11-24T08:00:00Z", "redelivery": false,
            "event": "issues", "action": "opened", "status": "timed out", "status_code": 0, "duration": 10.0,
            "installation_id": null, "repository_id": 9}]);
        match asked.line.as_str() {
            "GET /repos/acme/widget/hooks?per_page=100" => told(
                200,
                &json!([{"id": 3, "active": true,
                "events": ["*"], "config": {"url": "http://loom/hook"}}]),
            ),
            "GET /repos/acme/widget/hooks/3/deliveries?per_page=100"
            | "GET /app/hook/deliveries?per_page=100" => told(200, &delivery).header(
                "link",
                "<https://x.test/y?per_page=100&cursor=v1_12%3D>; rel=\"next\"",
            ),
            "GET /repos/acme/widget/hooks/3/deliveries?per_page=100&cursor=v1_12%3D" => {
                told(200, &json!([]))
            }
            "POST /repos/acme/widget/hooks/3/deliveries/12/attempts"
            | "POST /app/hook/deliveries/12/attempts" => told(202, &json!({})),
            other => panic!("{other}"),
        }
    });
    let repository = stub.repository().await;
    let hook = repository.list_hooks().await.unwrap().items.remove(0);
    assert_eq!(hook.url(), "http://loom/hook");
    let page = repository
        .list_repo_deliveries(hook.id, None)
        .await
        .unwrap();
    assert!(!page.deliveries[0].succeeded());
    assert_eq!(page.next_cursor.as_deref(), Some("v1_12="));
    let last = repository
        .list_repo_deliveries(3, page.next_cursor.as_deref())
        .await
        .unwrap();
    assert_eq!((last.deliveries.len(), last.next_cursor), (0, None));
    repository.redeliver_repo_delivery(3, 12).await.unwrap();
    let github = stub.github().await;
    assert_eq!(github.list_app_deliveries(None).await.unwrap(), page);
    github.redeliver_app_delivery(12).await.unwrap();
}
