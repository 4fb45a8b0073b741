//! The HTTP edge: what happens to a request before and after the handler that it is for.
//!
//! A function declares its [`Routes`], with who may call each beside it, and hands every request to [`serve`], which
//! authenticates, authorises, reads the body within its limit, answers repeated requests from the record
//! ([`idempotency`](serve()#idempotency)), and turns every failure into the same JSON. Handlers are axum handlers
//! over `State<P>` with the extractors from here.
//!
//! ```
//! use axum::extract::State;
//! use loom_api::{Caller, Error, Json, Path, Routes};
//! use loom_domain::account::Permission;
//! use loom_platform::{Body, Platform};
//!
//! async fn read<P: Platform>(State(_platform): State<P>, caller: Caller, Path(id): Path<String>)
//!     -> Result<Json<String>, Error>
//! {
//!     Ok(Json(format!("{} reads {id}", caller.name)))
//! }
//!
//! pub async fn handle<P: Platform>(platform: &P, request: http::Request<Body>) -> http::Response<Body> {
//!     let routes = Routes::new().get("/api/v1/things/{id}", Permission::BeadsRead, read::<P>);
//!     loom_api::serve(platform, routes, request).await
//! }
//! ```
//!
//! **Architecture invariant:** no handler runs before the access declared for its route was checked, and who calls is
//! known from the credentials alone, never from another header.

mod authenticate;
mod caller;
mod conditional;
mod error;
mod idempotency;
mod json;
mod json_location;
mod log;
mod nudge;
mod page;
mod path;
mod percent;
mod post_soon;
mod query;
mod reply;
mod request_id;
mod routes;
pub mod secret;
mod serve;
mod settings;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
pub mod token;

pub use caller::{Caller, Via};
pub use conditional::{IfMatch, Tagged, version_of};
pub use error::Error;
pub use json::Json;
pub use log::log;
#[cfg(not(target_arch = "wasm32"))]
pub use log::{Sink, divert_log};
pub use nudge::nudge;
pub use page::{Page, Paged, Slice};
pub use path::{FromPath, Path};
pub use post_soon::{PostSoon, post_soon};
pub use query::Query;
pub use reply::{Created, Secret};
pub use request_id::RequestId;
pub use routes::{Access, DEFAULT_BODY_LIMIT, Declared, Routes};
pub use serve::serve;
pub use settings::Settings;
