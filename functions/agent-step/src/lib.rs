//! One step of an agent's run, and the call for the next.
//!
//! `POST /internal/step {"run_id": …}` leases the run, answers 202 (or 409 when somebody else holds it), and goes on:
//! one turn of the model, the effects of the actions that it chose, and the call for the next step. Every effect is
//! journalled, so a step that dies is taken up by whoever leases the run next: what is journalled is replayed, and only
//! the rest is done (invariant I7). A holder that lost its lease is refused at its next write and stops (invariant I2).

mod checks;
mod context;
mod ending;
mod journal;
mod keep_lease;
mod model;
mod next;
mod perform;
mod stage;
mod step;
mod stop;

use axum::extract::State;
use http::StatusCode;
use loom_api::{Access, Error, Json, Routes, Settings};
use loom_platform::{Body, Database, Platform, Tasks, Transaction};
use loom_store::{Change, run};
use serde::{Deserialize, Serialize};

loom_platform::function!(handle);

/// Answers a request to this function.
pub async fn handle<P: Platform>(
    platform: &P,
    request: http::Request<Body>,
) -> http::Response<Body> {
    loom_api::serve(platform, routes(), request).await
}

/// The routes of this function: private, so that only other functions of the app reach them.
pub fn routes<P: Platform>() -> Routes<P> {
    Routes::new().post("/internal/step", Access::Private, take_step::<P>)
}

/// Which run is to take a step.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StepInput {
    run_id: String,
}

/// The step was begun.
#[derive(Debug, Serialize)]
struct Begun {
    run_id: String,
    fence: i64,
}

async fn take_step<P: Platform>(
    State(platform): State<P>,
    Json(input): Json<StepInput>,
) -> Result<(StatusCode, Json<Begun>), Error> {
    let settings = Settings::load(&platform).await?;
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), "agent-step").await?;
    let leased = run::lease(&change, &input.run_id, settings.lease_ms).await?;
    tx.commit().await?;
    let begun = Begun {
        run_id: leased.hold.run_id.clone(),
        fence: leased.hold.fence,
    };
    let at_work = platform.clone();
    platform
        .tasks()
        .spawn(async move { next::work(&at_work, settings, leased).await });
    Ok((StatusCode::ACCEPTED, Json(begun)))
}
