//! The double of TokenHub as a program.

// A test tool: a broken assumption should stop it at once.
#![allow(clippy::disallowed_methods)]

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use loom_tokenhub_double::{Config, Script, TokenHub};

/// A scripted double of the LLM proxy TokenHub.
#[derive(Parser)]
struct Arguments {
    /// Where to listen; port 0 is any free one.
    #[arg(long, default_value = "127.0.0.1:8090")]
    listen: SocketAddr,
    /// What the model says, as JSON.
    #[arg(long)]
    script: PathBuf,
    /// A file to which every paid completion is appended.
    #[arg(long)]
    ledger: Option<PathBuf>,
    /// Enforce the rate limits that the real one has by default.
    #[arg(long)]
    limits: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<(), String> {
    let mut config = Config::script(Script::from_file(&arguments.script)?);
    config.listen = arguments.listen;
    config.ledger_file = arguments.ledger;
    if arguments.limits {
        config = config.with_default_limits();
    }
    let hub = TokenHub::start(config)
        .map_err(|error| format!("cannot start on {}: {error}", arguments.listen))?;
    println!("TOKENHUB_URL={}", hub.url());
    println!("TOKENHUB_API_KEY={}", hub.api_key());
    // It runs on a thread of its own until the process is stopped.
    loop {
        std::thread::park();
    }
}
