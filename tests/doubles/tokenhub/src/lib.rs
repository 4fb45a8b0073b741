//! A double of the LLM proxy TokenHub: it speaks on the wire as the real one does (revision `04bdf28ed`), answers
//! from a script instead of a model, and misbehaves on demand.
//!
//! ```no_run
//! use loom_tokenhub_double::{Answer, Config, TokenHub};
//!
//! let hub = TokenHub::start(Config::respond(|seen| match seen.last_tool_result() {
//!     None => Answer::call("read_file", serde_json::json!({"path": "src/lib.rs"})),
//!     Some(text) => Answer::call("done", serde_json::json!({"summary": format!("read {} bytes", text.len())})),
//! }))?;
//! println!("{} {}", hub.url(), hub.api_key());
//! # std::io::Result::Ok(())
//! ```
//!
//! Spoken in full: `/healthz`, `/v1/models`, `/v1/chat/completions` (streamed and not), the plain answer of
//! `/v1/chat`, keys, scopes, budgets, rate limits, idempotent replay, choice and substitution of models, and every
//! error that a client of those can see. Left out: the admin API, orchestration, embeddings, the Anthropic route,
//! `@@tokenhub` directives, and the tie-breaks that are random in the real one (here, the order of registration).

// A test tool: it may use the machine's clock, and a broken assumption should stop the test at once.
#![allow(clippy::disallowed_methods, clippy::expect_used)]

mod answer;
mod config;
mod faults;
mod gate;
mod idempotency;
mod json;
mod keys;
mod ledger;
mod limits;
mod models;
mod request;
mod routes;
mod running;
mod script;
mod server;
mod state;
mod upstream;
mod wire;

pub use answer::{Answer, Misbehaviour, ToolCall, Usage};
pub use config::{Config, Key, Model, Provider, RateLimit};
pub use faults::Faults;
pub use gate::Gate;
pub use ledger::{LedgerEntry, read_ledger};
pub use request::{ChatRequestSeen, RequestSeen, SeenMessage};
pub use running::{Running, TokenHub};
pub use script::{Conversation, Script, ScriptedReply, Then};
