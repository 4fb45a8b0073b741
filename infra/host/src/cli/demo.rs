//! `loom demo`: build, then play the main job end to end.

use super::up::{Bar, Signals};
use crate::SandboxPolicy;
use crate::demo::Demo;
use std::path::PathBuf;
use std::time::Duration;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Leave everything running at the end, and say where; Ctrl-C stops it.
    #[arg(long)]
    keep: bool,
    /// Leave out the crate's tests before and after it is broken.
    #[arg(long)]
    quick: bool,
    /// Show what the model says beside what it does.
    #[arg(long)]
    notes: bool,
    /// Seconds that the agents may take.
    #[arg(long, default_value_t = 1800, value_name = "SECONDS")]
    timeout: u64,
    /// The manifest.
    #[arg(long, default_value = "spin.toml", value_name = "FILE")]
    manifest: PathBuf,
    /// Run the functions as they are.
    #[arg(long)]
    no_build: bool,
    /// Let the agents run commands also where the kernel has no Landlock to confine them. For machines that are thrown away.
    #[arg(long)]
    allow_unconfined_commands: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), String> {
    let app = crate::manifest::load(&arguments.manifest).map_err(|error| error.to_string())?;
    if !arguments.no_build {
        super::build::check_target()?;
        super::build::build(&app)?;
    }
    let demo = Demo {
        manifest: arguments.manifest.clone(),
        cache: app.dir.join(".loom/cache"),
        tokenhub: tokenhub()?,
        keep: arguments.keep,
        quick: arguments.quick,
        notes: arguments.notes,
        limit: Duration::from_secs(arguments.timeout),
        sandbox: if arguments.allow_unconfined_commands {
            SandboxPolicy::WhenAvailable
        } else {
            SandboxPolicy::Required
        },
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let result = runtime.block_on(async {
        let mut signals = Signals::new().map_err(|error| error.to_string())?;
        let bar = Bar::new();
        let progress = |progress| {
            bar.show(&progress);
            if let crate::up::Progress::Loading { done, total, .. } = progress
                && done == total
            {
                bar.finish();
            }
        };
        crate::demo::run(&demo, progress, signals.next()).await
    });
    runtime.shutdown_timeout(Duration::from_millis(200));
    result
}

/// The TokenHub of the environment, if both of its variables are set.
fn tokenhub() -> Result<Option<(String, String)>, String> {
    let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    match (variable("TOKENHUB_URL"), variable("TOKENHUB_API_KEY")) {
        (Some(url), Some(key)) => Ok(Some((url, key))),
        (None, None) => Ok(None),
        (Some(_), None) => {
            Err("TOKENHUB_URL is set and TOKENHUB_API_KEY is not; set both, or none".to_owned())
        }
        (None, Some(_)) => {
            Err("TOKENHUB_API_KEY is set and TOKENHUB_URL is not; set both, or none".to_owned())
        }
    }
}
