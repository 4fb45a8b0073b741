//! For tests of functions: accounts and tokens of any role, calls of a `handle` that read like HTTP, the other functions
//! of the app as they are called, and rows of the database.
//!
//! ```no_run
//! # async fn handle<P: loom_platform::Platform>(_: &P, _: http::Request<loom_platform::Body>)
//! #     -> http::Response<loom_platform::Body> { unimplemented!() }
//! # async fn test() {
//! use loom_api::testing::{call, platform, token};
//! use loom_domain::account::Role;
//!
//! let platform = platform();
//! let user = token(&platform, Role::User).await;
//! let answer = call("POST", "/api/v1/beads")
//!     .token(&user)
//!     .json(serde_json::json!({"title": "x"}))
//!     .send(&platform, handle)
//!     .await;
//! assert_eq!((answer.status, answer.code().as_str()), (422, "invalid_fields"));
//! # }
//! ```
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test helper fails the test"
)]

mod access;
mod account;
mod call;
mod function;
mod rows;

use loom_platform::native::{NativePlatform, NativePlatformBuilder};

pub use access::{assert_access, bad_credentials};
pub use account::{api_key, token, user};
pub use call::{Answer, Call, call};
pub use function::{Calls, play};
pub use rows::{bead, count, execute, project, rows};

/// The value of `loom_token_secret` in [`builder`].
pub const TOKEN_SECRET: &str = "a secret of tests, which is long enough";
/// The value of `loom_service_token` in [`builder`]; [`token`] gives it for [`Role::Service`].
pub const SERVICE_TOKEN: &str = "the service token of tests";
/// The value of `loom_admin_password` in [`builder`].
pub const ADMIN_PASSWORD: &str = "the admin's password of tests";

/// A native platform in the making, with the secrets above as variables.
pub fn builder() -> NativePlatformBuilder {
    NativePlatform::builder()
        .variable("loom_token_secret", TOKEN_SECRET)
        .variable("loom_service_token", SERVICE_TOKEN)
        .variable("loom_admin_password", ADMIN_PASSWORD)
}

/// A native platform with a temporary database and the secrets above.
pub fn platform() -> NativePlatform {
    builder().build().unwrap()
}
