//! The client of the LLM proxy TokenHub, written against its behaviour on the wire at revision `04bdf28ed`.
//!
//! What a caller can rely on:
//! - each failure is one [`ModelFailure`](loom_domain::model_failure::ModelFailure), and
//!   [`response`](loom_domain::model_failure::response) says what follows from it;
//! - the same [`ChatRequest`] is always the same bytes, so that a repetition within five minutes is answered from
//!   TokenHub's store and not paid again;
//! - only parameters are sent that TokenHub passes on to a provider, so nothing is dropped unnoticed;
//! - answers are read by route, never by their `Content-Type`, which TokenHub does not set reliably.
//!
//! **Architecture invariant:** no clock, no retries, no waiting in here. When and whether to call again is a rule,
//! and rules are in `loom_domain`.

mod chat;
mod classify;
mod client;
mod parse;
mod read;
mod sse;
mod stream;

pub use chat::{ChatReply, ChatRequest, TokenUsage};
pub use client::{Client, Health, MAX_REPLY_BYTES, Model, STREAM_TIMEOUT, TIMEOUT};
pub use stream::ChatStream;
