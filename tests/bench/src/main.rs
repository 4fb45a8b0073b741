//! `loom-bench`: runs the benchmarks and prints their tables.

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use clap::{Parser, Subcommand, ValueEnum};
use loom_bench::{
    Bench, Programs, Result, Scale, bead_sync, footprint, machine, requests, start, step, tick,
    webhooks, workflows,
};

// The host's own: the native baseline must not differ in that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures Loom, and prints tables that say their goal and whether it is met.
#[derive(Parser)]
#[command(name = "loom-bench")]
struct Arguments {
    /// Small samples, for a look; not for figures that are quoted.
    #[arg(long)]
    quick: bool,
    /// Only this benchmark.
    #[arg(long, value_name = "NAME")]
    only: Option<Name>,
    /// Measure the functions and the host as they are, without building them first.
    #[arg(long)]
    no_build: bool,
    #[command(subcommand)]
    command: Option<Role>,
}

#[derive(Subcommand)]
enum Role {
    /// Serve beads, workflows and webhooks natively: the baseline, as a process of its own.
    #[command(hide = true)]
    ServeNative {
        /// The database file.
        database: PathBuf,
        /// A variable, as `name=value`.
        #[arg(long = "variable")]
        variables: Vec<String>,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Name {
    Start,
    Requests,
    Tick,
    Step,
    Workflows,
    Webhooks,
    BeadSync,
    Footprint,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let threads = match arguments.command {
        // As many as the host takes.
        Some(Role::ServeNative { .. }) => (cores * 2).max(4),
        None => cores,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .enable_all()
        .build();
    let done = runtime.map_err(Into::into).and_then(|runtime| {
        runtime.block_on(async {
            match &arguments.command {
                Some(Role::ServeNative {
                    database,
                    variables,
                }) => loom_bench::serve_native(database, variables).await,
                // Dropping the run ends the processes that it started, and removes its databases.
                None => tokio::select! {
                    done = run(&arguments) => done,
                    stopped = stopped() => Err(stopped?.into()),
                },
            }
        })
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("loom-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Waits for a signal that asks for a stop, and says so.
async fn stopped() -> Result<&'static str> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminate.recv() => {}
    }
    Ok("stopped by a signal")
}

async fn run(arguments: &Arguments) -> Result<()> {
    let own = std::env::current_exe()?;
    let programs = Programs {
        loom: own.with_file_name("loom"),
        bench: own,
    };
    if !arguments.no_build {
        build(&programs.loom)?;
    }
    let scale = if arguments.quick {
        Scale::quick()
    } else {
        Scale::full()
    };
    let bench = Bench::new(programs, scale)?;
    println!("{}", machine(Bench::root()));
    if arguments.quick {
        println!("quick: samples too small to be quoted");
    }
    let wanted = |name| arguments.only.is_none_or(|only| only == name);
    let begin = |what: &str| eprintln!("measuring {what} …");
    if wanted(Name::Start) {
        begin("starts");
        print!("{}", start::measure(&bench).await?);
    }
    if wanted(Name::Requests) {
        begin("requests");
        print!("{}", requests::measure(&bench).await?);
    }
    if wanted(Name::Tick) {
        begin("ticks");
        print!("{}", tick::measure(&bench).await?);
    }
    if wanted(Name::Step) {
        begin("steps");
        print!("{}", step::measure(&bench).await?);
    }
    if wanted(Name::Workflows) {
        begin("workflows");
        print!("{}", workflows::measure(&bench).await?);
    }
    if wanted(Name::Webhooks) {
        begin("webhooks");
        print!("{}", webhooks::measure(&bench).await?);
    }
    if wanted(Name::BeadSync) {
        begin("beads in the repository");
        print!("{}", bead_sync::measure(&bench).await?);
    }
    if wanted(Name::Footprint) {
        begin("sizes and memory");
        print!("{}", footprint::measure(&bench).await?);
    }
    Ok(())
}

/// Builds the host and the functions, which does nothing when they are up to date.
fn build(loom: &Path) -> Result<()> {
    let profile: &[&str] = if cfg!(debug_assertions) {
        &[]
    } else {
        &["--release"]
    };
    let mut host = Command::new("cargo");
    host.args(["build", "--package", "loom-host", "--bin", "loom"])
        .args(profile);
    let mut functions = Command::new(loom);
    functions.arg("build");
    for mut command in [host, functions] {
        let status = command.current_dir(Bench::root()).status()?;
        if !status.success() {
            return Err(format!("{command:?} failed ({status})").into());
        }
    }
    Ok(())
}
