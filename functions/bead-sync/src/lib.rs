//! Beads kept in the repository.
//!
//! A project with a `bead_sync_branch` has its beads as files on that branch ([`loom_domain::bead_file`] says how they
//! look). A round of the sync reads what is there, merges it field by field with the database, writes what came from
//! there into the database, and commits what is only here. Two Looms, or a Loom and people with an editor, may share a
//! branch: both end with the same beads.
//!
//! | Route | What it does |
//! |---|---|
//! | `GET /api/v1/bead-sync/{project}` | how the last round ended, its conflicts, and what could not be read |
//! | `POST /api/v1/bead-sync/{project}` | syncs now and answers with what was done |
//! | `POST /api/v1/bead-sync` | syncs all projects that have a branch, for any scheduler; answered at once |
//! | `POST /internal/sync` | the same for one project, asked for when its beads have settled |
//!
//! One syncer works on a project at a time. It may be killed anywhere: what was committed and not noted is recognised
//! by the line `Loom-Sync:` of the commit's message, and everything else is done again.

mod api;
mod commit;
mod incoming;
mod issues;
mod repository;
mod round;
mod stop;
mod sync;

use loom_api::{Access, Routes};
use loom_domain::account::Permission;
use loom_platform::{Body, Platform};

pub use sync::sync;

/// Answers one request.
pub async fn handle<P: Platform>(
    platform: &P,
    request: http::Request<Body>,
) -> http::Response<Body> {
    loom_api::serve(platform, routes(), request).await
}

loom_platform::function!(handle);

/// The routes, each with the permission that it needs.
pub fn routes<P: Platform>() -> Routes<P> {
    use Permission::{BeadsRead, BeadsWrite, SystemTick};
    Routes::new()
        .post("/api/v1/bead-sync", SystemTick, api::all::<P>)
        .get("/api/v1/bead-sync/{project}", BeadsRead, api::read::<P>)
        .post("/api/v1/bead-sync/{project}", BeadsWrite, api::now::<P>)
        .post("/internal/sync", Access::Private, api::settled::<P>)
}
