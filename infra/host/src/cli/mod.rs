//! The `loom` command.

mod build;
mod demo;
mod migrate;
mod test;
mod up;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

#[derive(Parser)]
#[command(
    name = "loom",
    version,
    about = "Runs Loom: takes work items to merged code"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build the functions and run the application.
    Up(up::Arguments),
    /// Show the whole path: a broken crate, a bug report, an agent, a merged fix.
    Demo(demo::Arguments),
    /// Build the functions.
    Build(build::Arguments),
    /// Show the database's schema and bring it up to date.
    Migrate(migrate::Arguments),
    /// Build the functions and run every check and test.
    Test(test::Arguments),
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Up(arguments) => up::run(arguments),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Build(arguments) => build::run(&arguments),
        Command::Migrate(arguments) => migrate::run(&arguments),
        Command::Test(arguments) => test::run(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("loom: {reason}");
            ExitCode::FAILURE
        }
    }
}
