use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use loom_api::Json;
use loom_domain::{
    provider::{Provider, ProviderStatus},
    time::Timestamp,
};
use loom_platform::{Clock, Platform};
use loom_store::{migrate::migrate, provider};
use serde::Serialize;
use serde_json::{Value, json};

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    Healthy,
    /// It serves, but not all of it works.
    Degraded,
    /// It cannot work.
    Unhealthy,
}

#[derive(Debug, Serialize)]
struct Dependencies {
    database: Dependency,
    providers: Dependency,
}

#[derive(Debug, Serialize)]
struct Dependency {
    status: Status,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    latency_ms: Option<i64>,
}

impl Dependencies {
    fn status(&self) -> Status {
        if self.database.status == Status::Unhealthy {
            Status::Unhealthy
        } else if self.providers.status == Status::Healthy {
            Status::Healthy
        } else {
            Status::Degraded
        }
    }
}

/// Healthy, degraded (no provider can be called: everything but agents works) or unhealthy (503).
pub(crate) async fn health<P: Platform>(State(platform): State<P>) -> Response {
    let dependencies = look(&platform).await;
    let status = dependencies.status();
    let body = json!({
        "status": status,
        "timestamp": Timestamp(platform.clock().now()),
        "version": env!("CARGO_PKG_VERSION"),
        "dependencies": dependencies,
    });
    (http_status(status != Status::Unhealthy), Json(body)).into_response()
}

/// Whether requests can be served: only the database counts.
pub(crate) async fn ready<P: Platform>(State(platform): State<P>) -> Response {
    let dependencies = look(&platform).await;
    let ready = dependencies.status() != Status::Unhealthy;
    let body = json!({
        "ready": ready,
        "timestamp": Timestamp(platform.clock().now()),
        "dependencies": dependencies,
    });
    (http_status(ready), Json(body)).into_response()
}

pub(crate) async fn live<P: Platform>(State(platform): State<P>) -> Json<Value> {
    Json(json!({ "status": "alive", "timestamp": Timestamp(platform.clock().now()) }))
}

pub(crate) async fn ok() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

fn http_status(well: bool) -> StatusCode {
    if well {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    }
}

/// Brings the schema up to date and reads the providers: one look at the database answers for both.
async fn look<P: Platform>(platform: &P) -> Dependencies {
    let began = platform.clock().now();
    let found = match migrate(platform.database()).await {
        Ok(_) => provider::list(platform.database())
            .await
            .map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    let latency_ms = Some(platform.clock().now() - began);
    match found {
        Ok(all) => Dependencies {
            database: Dependency {
                status: Status::Healthy,
                message: "It answers.".to_owned(),
                latency_ms,
            },
            providers: of_providers(&all),
        },
        // Anybody may read this, so the cause goes to the log alone.
        Err(cause) => {
            loom_api::log("error", "the database does not answer", [("cause", &cause)]);
            Dependencies {
                database: Dependency {
                    status: Status::Unhealthy,
                    message: "It does not answer; the log says why.".to_owned(),
                    latency_ms,
                },
                providers: Dependency {
                    status: Status::Unhealthy,
                    message: "Not known without the database.".to_owned(),
                    latency_ms: None,
                },
            }
        }
    }
}

fn of_providers(all: &[Provider]) -> Dependency {
    let healthy = all
        .iter()
        .filter(|provider| provider.status == ProviderStatus::Healthy)
        .count();
    let status = match (healthy, all.len()) {
        (0, _) => Status::Unhealthy,
        (some, all) if some == all => Status::Healthy,
        _ => Status::Degraded,
    };
    Dependency {
        status,
        message: format!("{healthy} of {} can be called.", all.len()),
        latency_ms: None,
    }
}
