//! The real host is killed at random moments while agents work, and nothing is lost and nothing is done twice.

#![cfg(test)]
#![allow(
    clippy::disallowed_methods,
    reason = "it runs on the machine's own clock"
)]

mod bootstrap;
mod evidence;
mod github;
mod kills;
mod moments;
