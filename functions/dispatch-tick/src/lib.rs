//! One turn of the Ralph loop.
//!
//! `POST /internal/tick` takes what is due (timers, dead runs), resumes waiting runs that have their answers, gives ready
//! beads to idle agents, starts the runs, and answers with a [`Summary`]. It never waits for a model. Any number of ticks
//! may run at the same time, from anywhere: whatever one of them takes, it takes with one conditional statement, and the
//! others find it taken.

mod bead_sync;
mod dispatch;
mod due;
mod resume;
mod start;
mod summary;
mod sweeps;

use axum::extract::State;
use loom_api::{Access, Error, Json, Routes, Settings};
use loom_platform::{Body, Platform};

pub use summary::{LAST_TICK, Skipped, Summary};

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
    Routes::new().post("/internal/tick", Access::Private, turn::<P>)
}

async fn turn<P: Platform>(State(platform): State<P>) -> Result<Json<Summary>, Error> {
    Ok(Json(tick(&platform).await?))
}

/// One turn.
pub async fn tick<P: Platform>(platform: &P) -> Result<Summary, Error> {
    let settings = Settings::load(platform).await?;
    sweeps::start_due(platform).await?;
    due::fire_timers(platform).await?;
    let requeued = due::requeue_expired(platform, &settings).await?;
    let resumed = resume::resume(platform, &settings).await?;
    let mut summary = dispatch::dispatch(platform, &settings).await?;
    let started = requeued
        .iter()
        .chain(&resumed)
        .chain(summary.dispatched.iter().map(|claimed| &claimed.run_id));
    start::all(platform, started).await;
    summary.requeued = requeued;
    summary.resumed = resumed;
    summary::keep(platform, &summary).await;
    Ok(summary)
}
