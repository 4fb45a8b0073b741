//! The cron trigger: each occurrence becomes one `POST` to a route of the application.
//!
//! Spin's cron trigger can't call private routes, and its newest release knows WASI 0.3 as a release candidate only. So
//! this component does no work of its own and speaks WASI 0.2: it posts to a public route with the service token, and
//! the same routes serve any other scheduler. Two variables say where: `url` and `token`.
//!
//! It waits for the answer's head, ten seconds at most, and fails if that isn't a success. What it started goes on
//! without it, and the next occurrence comes anyway.

mod target;

#[cfg(target_arch = "wasm32")]
mod component;

pub use target::{BadUrl, Target};
