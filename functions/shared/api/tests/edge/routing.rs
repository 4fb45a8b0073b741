use loom_api::testing::{call, platform, token};
use loom_api::{Access, Routes};
use loom_domain::account::{Permission, Role};
use loom_platform::native::NativePlatform;

use crate::function::{handle, routes};

#[tokio::test]
async fn what_is_not_there_is_404_and_what_cannot_be_done_is_405() {
    let platform = platform();
    for (method, path, status, code, allow) in [
        ("GET", "/nothing", 404, "route_not_found", ""),
        ("GET", "/things/", 404, "route_not_found", ""),
        ("GET", "/things/a/b", 404, "route_not_found", ""),
        (
            "PATCH",
            "/things/a",
            405,
            "method_not_allowed",
            "PUT, GET, DELETE, HEAD, OPTIONS",
        ),
        (
            "GET",
            "/things/secret",
            405,
            "method_not_allowed",
            "POST, OPTIONS",
        ),
        (
            "BREW",
            "/open",
            405,
            "method_not_allowed",
            "GET, HEAD, OPTIONS",
        ),
    ] {
        let answer = call(method, path).send(&platform, handle).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (status, code),
            "{method} {path}"
        );
        assert_eq!(answer.header("allow"), allow, "{method} {path}");
    }
}

#[tokio::test]
async fn options_tells_the_methods_without_credentials() {
    let answer = call("OPTIONS", "/things").send(&platform(), handle).await;
    assert_eq!(
        (answer.status, answer.header("allow")),
        (204, "GET, POST, HEAD, OPTIONS")
    );
    assert_eq!(
        answer.header("access-control-allow-origin"),
        "",
        "no other site may use a visitor's browser"
    );
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let platform = platform();
    let get = call("GET", "/open").send(&platform, handle).await;
    let head = call("HEAD", "/open").send(&platform, handle).await;
    assert_eq!((get.status, head.status), (200, 200));
    assert_eq!(head.header("content-length"), get.body.len().to_string());
    assert!(head.body.is_empty());
}

#[tokio::test]
async fn paths_are_decoded() {
    let platform = platform();
    let answer = call("GET", "/personas/default/web%20designer")
        .send(&platform, handle)
        .await;
    assert_eq!(answer.json(), "default/web designer");
    let answer = call("GET", "/personas/%ff").send(&platform, handle).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (400, "invalid_path")
    );
}

#[tokio::test]
async fn a_sane_request_id_is_kept_and_another_is_replaced() {
    let platform = platform();
    let viewer = token(&platform, Role::Viewer).await;
    let whoami = || call("GET", "/whoami").token(&viewer);
    let answer = whoami()
        .header("x-request-id", "run-1.step_2")
        .send(&platform, handle)
        .await;
    assert_eq!(answer.header("x-request-id"), "run-1.step_2");
    assert_eq!(answer.json()["request_id"], "run-1.step_2");
    for bad in ["", "a b", "<script>", &"x".repeat(129)] {
        let answer = whoami()
            .header("x-request-id", bad)
            .send(&platform, handle)
            .await;
        let id = answer.header("x-request-id");
        assert!(id != bad && id.len() == 36, "{bad:?} became {id:?}");
    }
    let ids: Vec<String> = [
        whoami().send(&platform, handle).await,
        whoami().send(&platform, handle).await,
    ]
    .iter()
    .map(|answer| answer.header("x-request-id").to_owned())
    .collect();
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test]
async fn every_answer_has_the_headers_that_protect_its_reader() {
    let platform = platform();
    for path in ["/open", "/nothing", "/whoami"] {
        let answer = call("GET", path).send(&platform, handle).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        assert!(
            answer
                .header("content-security-policy")
                .starts_with("default-src 'none'"),
            "{path}"
        );
        assert_eq!(
            answer.header("content-length"),
            answer.body.len().to_string(),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_route_without_database_answers_where_the_schema_is_too_new() {
    use loom_platform::{Platform, Statements};
    let platform = platform();
    assert_eq!(
        call("GET", "/open").send(&platform, handle).await.status,
        200
    );
    let sql = "INSERT INTO schema_version (version, name, sha256, applied_at) VALUES (9999, 'later', '', 0)";
    platform.database().execute(sql, vec![]).await.unwrap();
    let answer = call("GET", "/open").send(&platform, handle).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (503, "schema_mismatch")
    );
    assert_eq!(
        call("GET", "/alive").send(&platform, handle).await.status,
        200
    );
}

#[test]
fn the_table_is_what_was_declared() {
    let routes: Routes<NativePlatform> = routes();
    let table = routes.table();
    let found = table
        .iter()
        .find(|route| route.method == "POST" && route.path == "/things")
        .unwrap();
    assert_eq!(found.access, Access::Permission(Permission::BeadsWrite));
    assert_eq!(table.first().unwrap().access, Access::Public);
}
