//! The double of GitHub as a program.

// A test tool: a broken assumption should stop it at once.
#![allow(clippy::disallowed_methods)]

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Parser;
use loom_github_double::{Config, GitHub};

/// A double of GitHub on loopback. Tests set it up with `POST /_control/…`.
#[derive(Parser)]
struct Arguments {
    /// Where to listen; port 0 is any free one.
    #[arg(long, default_value = "127.0.0.1:8095")]
    listen: SocketAddr,
    /// Name addresses as GitHub Enterprise does, under `/api/v3`.
    #[arg(long)]
    enterprise: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let config = Config {
        listen: arguments.listen,
        enterprise: arguments.enterprise,
        ..Config::default()
    };
    match GitHub::start(config) {
        Ok(running) => {
            println!("GITHUB_URL={}", running.url());
            println!("GITHUB_APP_ID={}", running.app().id);
            // It runs on threads of its own until the process is stopped.
            loop {
                std::thread::park();
            }
        }
        Err(error) => {
            eprintln!("cannot start on {}: {error}", arguments.listen);
            ExitCode::FAILURE
        }
    }
}
