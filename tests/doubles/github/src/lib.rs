//! A double of GitHub: its REST API as Loom uses it, on loopback, over real bare Git repositories; webhooks that it
//! really sends; Actions runs that really execute the repository's test command; and faults on demand.
//!
//! ```no_run
//! use loom_github_double::{Config, Fault, FaultKind, GitHub, NewRepository, Permission};
//!
//! let github = GitHub::start(Config::default())?;
//! github.create_repository(
//!     &NewRepository::new("acme", "shop")
//!         .file("test_shop.py", "import unittest\n")
//!         .tested_by(&["python3", "-m", "unittest"]),
//! );
//! github.allow("acme/shop", "ada", Permission::Write);
//! github.set_webhook("http://127.0.0.1:3000/api/v1/webhooks/github", "made up at run time");
//! let number = github.open_issue("acme/shop", "ada", "It breaks", "When I push the button.", &["bug"]);
//! github.fault(Fault::next("POST", "/repos/*/pulls", FaultKind::LoseReply));
//! println!("{} {} {number}", github.url(), github.app_token("acme"));
//! # std::io::Result::Ok(())
//! ```
//!
//! Left out: forks, milestones, projects, teams, GraphQL, fetch and push over HTTP (push with the path on disk and
//! tell with [`Running::pushed`]), and signatures that would verify.

// The forms of the API are long literals.
#![recursion_limit = "256"]
// A test tool: it may use the machine's clock, and a broken assumption should stop the test at once.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test tool uses the machine's clock, and JSON that lacks a field is read as null"
)]

mod actions;
mod app;
mod config;
mod control;
mod events;
mod git;
mod ledger;
mod routes;
mod running;
mod shape;
mod state;
mod time;
mod wire;
mod world;

pub use app::App;
pub use config::Config;
pub use control::{
    DeliverySeen, Fault, FaultKind, FileSpec, NewRepository, RunSeen, WebhookFault,
    WebhookFaultKind,
};
pub use ledger::RequestSeen;
pub use running::{GitHub, Running};
pub use world::{Permission, Protection};
