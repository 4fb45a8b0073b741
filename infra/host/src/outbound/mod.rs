//! Requests that components send: to the outside, to each other, and to the application's own public routes.

mod allowed;
mod client;
mod hooks;

pub(crate) use allowed::{Allowed, Destination};
pub(crate) use client::Client;
pub(crate) use hooks::{Inbound, Outbound};
