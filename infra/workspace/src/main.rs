//! The workspace service as a program of its own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use loom_workspace_service::{Config, SandboxPolicy, serve};
use tokio::net::TcpListener;

/// Gives every run of Loom a git worktree and runs its commands in a sandbox.
#[derive(Parser)]
#[command(name = "loom-workspace", version)]
struct Arguments {
    /// Where to listen.
    #[arg(long, env = "LOOM_WORKSPACE_LISTEN", default_value = "127.0.0.1:8091")]
    listen: SocketAddr,
    /// Where worktrees and the journal live.
    #[arg(long, env = "LOOM_WORKSPACE_ROOT", default_value = ".loom/workspace")]
    root: PathBuf,
    /// The token that callers must know: the same as Loom's variable workspace_token.
    #[arg(long, env = "LOOM_WORKSPACE_TOKEN", hide_env_values = true)]
    token: String,
    /// A directory that repositories may lie in; may be given more than once. Without any, they may lie anywhere.
    #[arg(long = "repositories")]
    repositories: Vec<PathBuf>,
    /// A directory that commands may read besides the system's and the toolchains' own; may be given more than once.
    #[arg(long = "toolchain")]
    toolchains: Vec<PathBuf>,
    /// Run commands even where the kernel has no Landlock. Only for machines that are thrown away.
    #[arg(long)]
    without_sandbox: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let config = Config {
        root: arguments.root,
        token: arguments.token,
        allowed_repositories: arguments.repositories,
        toolchains: arguments.toolchains,
        sandbox: if arguments.without_sandbox {
            SandboxPolicy::WhenAvailable
        } else {
            SandboxPolicy::Required
        },
    };
    let listener = match TcpListener::bind(arguments.listen).await {
        Ok(listener) => listener,
        Err(error) => {
            eprintln!(
                "loom-workspace: can't listen on {}: {error}",
                arguments.listen
            );
            return ExitCode::FAILURE;
        }
    };
    if let Ok(address) = listener.local_addr() {
        eprintln!("loom-workspace: listening on http://{address}");
    }
    tokio::select! {
        ended = serve(listener, config) => match ended {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("loom-workspace: {error}");
                ExitCode::FAILURE
            }
        },
        () = asked_to_stop() => ExitCode::SUCCESS,
    }
}

/// Returns when the program is told to end. What is still going on is found in the journal by the next start.
async fn asked_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
        }
        Err(_) => {
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}
