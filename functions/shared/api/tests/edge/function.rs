//! The small function: one route for each thing to see.

use axum::extract::State;
use axum::response::IntoResponse;
use http::StatusCode;
use loom_api::{
    Access, Caller, Created, Error, IfMatch, Json, Page, Paged, Path, Query, RequestId, Routes,
    Secret, Slice, Tagged,
};
use loom_domain::Refusal;
use loom_domain::account::Permission;
use loom_platform::{Body, DatabaseError, HttpError, Platform, Statements};
use loom_store::StoreError;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Filing {
    title: String,
    #[serde(default)]
    priority: Option<Priority>,
    #[serde(default)]
    tags: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
enum Priority {
    P0,
    P1,
}

pub(crate) async fn handle<P: Platform>(
    platform: &P,
    request: http::Request<Body>,
) -> http::Response<Body> {
    loom_api::serve(platform, routes(), request).await
}

pub(crate) fn routes<P: Platform>() -> Routes<P> {
    Routes::new()
        .get("/open", Access::Public, || async {
            Json(json!({"open": true}))
        })
        .get("/alive", Access::Public, || async { "alive" })
        .without_database()
        .get("/whoami", Access::Authenticated, whoami)
        .get("/things", Permission::BeadsRead, list)
        .post("/things", Permission::BeadsWrite, create::<P>)
        .post("/things/secret", Permission::BeadsWrite, secret::<P>)
        .post("/things/fail", Permission::BeadsWrite, fail::<P>)
        .put("/things/{id}", Permission::BeadsWrite, replace)
        .get("/things/{id}", Permission::BeadsRead, read)
        .delete("/things/{id}", Permission::BeadsDelete, || async {
            StatusCode::NO_CONTENT
        })
        .get(
            "/personas/{*name}",
            Access::Public,
            |Path(name): Path<String>| async move { Json(name) },
        )
        .post(
            "/echo",
            Access::Public,
            |Json(filing): Json<Filing>| async move { Json(filing) },
        )
        .post(
            "/small",
            Access::Public,
            |Json(filing): Json<Filing>| async move { Json(filing) },
        )
        .body_limit(64)
        .get("/numbers", Access::Public, numbers)
        .get("/filtered", Access::Public, filtered)
        .get(
            "/query",
            Access::Public,
            |Query(filter): Query<Filter>| async move { Json(filter) },
        )
        .get(
            "/errors/{name}",
            Access::Public,
            |Path(name): Path<String>| async move { Err::<(), _>(error(&name)) },
        )
        .get("/forgetful", Access::Public, |_: Caller| async {})
}

async fn whoami(caller: Caller, RequestId(id): RequestId) -> impl IntoResponse {
    Json(json!({"id": caller.id, "name": caller.name, "role": caller.role, "request_id": id}))
}

async fn list() -> Json<Value> {
    Json(json!([]))
}

/// Writes a row for every time it is carried out.
async fn count<P: Platform>(platform: &P) -> Result<i64, Error> {
    let database = platform.database();
    database
        .execute(
            "CREATE TABLE IF NOT EXISTS done (n INTEGER PRIMARY KEY)",
            vec![],
        )
        .await?;
    let row = database
        .query_one("INSERT INTO done DEFAULT VALUES RETURNING n", vec![])
        .await?;
    Ok(row
        .map(|row| row.integer(0))
        .transpose()?
        .unwrap_or_default())
}

async fn create<P: Platform>(
    State(platform): State<P>,
    Json(filing): Json<Filing>,
) -> Result<Created<Value>, Error> {
    if filing.title.is_empty() {
        return Err(Error::invalid_fields().field("title", "must not be empty"));
    }
    let n = count(&platform).await?;
    Ok(Created(
        format!("/things/{n}"),
        json!({"n": n, "title": filing.title}),
    ))
}

async fn secret<P: Platform>(State(platform): State<P>) -> Result<Secret<Json<i64>>, Error> {
    Ok(Secret(Json(count(&platform).await?)))
}

async fn fail<P: Platform>(State(platform): State<P>) -> Result<(), Error> {
    match count(&platform).await? {
        1 => Err(Error::internal("the first time it fails")),
        _ => Ok(()),
    }
}

async fn read() -> Tagged<Json<Value>> {
    Tagged(7, Json(json!({"version": 7})))
}

async fn replace(if_match: IfMatch) -> Result<StatusCode, Error> {
    if_match.check(7)?;
    Ok(StatusCode::NO_CONTENT)
}

/// The numbers 1 to 5.
async fn numbers(page: Page) -> Result<Slice<i64>, Error> {
    let after = page.cursor::<i64>()?.unwrap_or(0);
    let rows = (1..=5)
        .filter(|number| *number > after)
        .take(usize::try_from(page.fetch()).unwrap())
        .collect();
    Ok(page.answer(rows, |number| *number))
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Filter {
    #[serde(default)]
    even: bool,
}

async fn filtered(Paged { page, filter }: Paged<Filter>) -> Result<Slice<i64>, Error> {
    let after = page.cursor::<i64>()?.unwrap_or(0);
    let wanted = |number: &i64| *number > after && (!filter.even || number % 2 == 0);
    let rows = (1..=5)
        .filter(wanted)
        .take(usize::try_from(page.fetch()).unwrap())
        .collect();
    Ok(page.answer(rows, |number| *number))
}

fn error(name: &str) -> Error {
    match name {
        "not_found" => Refusal::not_found("bead_not_found", "There is no such bead.").into(),
        "conflict" => Refusal::conflict("illegal_transition", "It is closed.")
            .detail("from", "closed")
            .into(),
        "version" => Refusal::conflict("version_conflict", "It was changed.").into(),
        "invalid" => Refusal::invalid("invalid_bead", "It can't be.")
            .field("title", "must not be empty")
            .into(),
        "forbidden" => Refusal::forbidden("not_yours", "It is another's.").into(),
        "store_refusal" => StoreError::Refused(Refusal::conflict("taken", "It is taken.")).into(),
        "busy" => StoreError::Database(DatabaseError::Busy).into(),
        "constraint" => {
            DatabaseError::Constraint("UNIQUE constraint failed: a.b".to_owned()).into()
        }
        "corrupt" => StoreError::Corrupt("bead.status holds \"x\"".to_owned()).into(),
        "timeout" => HttpError::Timeout(std::time::Duration::from_secs(5)).into(),
        "connect" => HttpError::Connect("refused by 10.0.0.1".to_owned()).into(),
        "denied" => HttpError::Denied("example.org".to_owned()).into(),
        "too_many" => Error::too_many("slow_down", "Too many.", 7),
        "unavailable" => Error::unavailable("no_provider", "No provider is healthy.", 30),
        "not_configured" => Error::not_configured("Set X."),
        "bad_gateway" => Error::bad_gateway("tokenhub_failed", "TokenHub failed."),
        other => Error::internal(format!("no error is named {other}")),
    }
}
