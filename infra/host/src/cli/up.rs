//! `loom up`: build, start, say where it listens, and stop on a signal.

use crate::SandboxPolicy;
use crate::up::{Options, Progress, Running};
use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:3000", env = "LOOM_LISTEN")]
    listen: SocketAddr,
    /// Folder of data, secrets, logs and compiled components.
    #[arg(
        long,
        default_value = ".loom",
        value_name = "DIR",
        env = "LOOM_STATE_DIR"
    )]
    state_dir: PathBuf,
    /// The manifest.
    #[arg(long, default_value = "spin.toml", value_name = "FILE")]
    manifest: PathBuf,
    /// Build the functions first. This is the default.
    #[arg(long, overrides_with = "no_build")]
    build: bool,
    /// Run the functions as they are.
    #[arg(long)]
    no_build: bool,
    /// Value of a variable of the manifest; may be repeated.
    #[arg(long = "variable", value_name = "NAME=VALUE", value_parser = pair)]
    variables: Vec<(String, String)>,
    /// Don't start the workspace service.
    #[arg(long)]
    without_workspace: bool,
    /// Let agents run commands also where the kernel has no Landlock to confine them. For machines that are thrown away.
    #[arg(long)]
    allow_unconfined_commands: bool,
    /// Don't fire cron triggers; something else posts the tick.
    #[arg(long)]
    without_cron: bool,
    /// Print what the functions log, as JSON lines on standard error.
    #[arg(long, short)]
    verbose: bool,
    /// Seconds that a stop waits for what is running.
    #[arg(long, default_value_t = 20, value_name = "SECONDS")]
    drain: u64,
    /// Seconds of CPU time after which a function that never waits is stopped.
    #[arg(long, default_value_t = 30, value_name = "SECONDS")]
    cpu_limit: u64,
    /// Requests that one instance of a function answers at once; Spin's default is 16.
    #[arg(long, default_value_t = 1, value_name = "NUMBER")]
    instance_concurrency: usize,
    /// Threads that components run on; twice the number of cores by default, and at least 4.
    #[arg(long, value_name = "NUMBER")]
    threads: Option<usize>,
    /// How to report the start.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// One JSON line on standard output when the application listens.
    Json,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

pub(super) fn run(arguments: Arguments) -> Result<(), String> {
    let app = crate::manifest::load(&arguments.manifest).map_err(|error| error.to_string())?;
    if !arguments.no_build {
        super::build::check_target()?;
        super::build::build(&app)?;
    }
    let started = Instant::now();
    // SQLite works on these threads; with twice the cores a long statement doesn't hold up the others.
    let threads = arguments.threads.unwrap_or_else(|| {
        std::thread::available_parallelism()
            .map_or(4, |cores| cores.get() * 2)
            .max(4)
    });
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads.max(1))
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let result = runtime.block_on(async {
        let mut options = Options::new(&arguments.manifest, &arguments.state_dir);
        options.listen = arguments.listen;
        // The names by which TokenHub itself goes, for those who have them set already.
        for (variable, name) in [("tokenhub_url", "TOKENHUB_URL"), ("tokenhub_api_key", "TOKENHUB_API_KEY")] {
            if let Ok(value) = std::env::var(name)
                && app.variables.contains_key(variable)
            {
                options.environment.entry(variable.to_owned()).or_insert(value);
            }
        }
        options.variables = arguments.variables.iter().cloned().collect();
        options.workspace = !arguments.without_workspace;
        if arguments.allow_unconfined_commands {
            options.sandbox = SandboxPolicy::WhenAvailable;
        }
        options.cron = !arguments.without_cron;
        options.verbose = arguments.verbose;
        options.drain = Duration::from_secs(arguments.drain);
        options.limits.concurrency = arguments.instance_concurrency.max(1);
        options.limits.cpu = Duration::from_secs(arguments.cpu_limit.max(1));
        let bar = Bar::new();
        let running =
            crate::up::start(options, |progress| bar.show(&progress)).await.map_err(|error| error.to_string())?;
        bar.finish();
        let mut signals = Signals::new().map_err(|error| error.to_string())?;
        announce(&arguments, &app.name, &running, started.elapsed());
        signals.next().await;
        if arguments.format == Format::Text {
            eprintln!("Stopping: waiting for what is running (a second signal stops at once)");
        }
        tokio::select! {
            ended = running.shutdown() => if ended { Ok(()) } else { Err("stopped with work unfinished".to_owned()) },
            () = signals.next() => Err("stopped at once".to_owned()),
        }
    });
    runtime.shutdown_timeout(Duration::from_millis(200));
    result
}

fn announce(arguments: &Arguments, name: &str, running: &Running, took: Duration) {
    // A reader that went away is no reason to stop.
    let mut out = std::io::stdout().lock();
    let _ = match arguments.format {
        Format::Json => {
            let line = serde_json::json!({
                "event": "listening",
                "url": running.url,
                "workspace_url": running.workspace_url,
                "admin_password": running.admin_password,
                "state_dir": arguments.state_dir,
                "pid": std::process::id(),
                "start_ms": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            });
            writeln!(out, "{line}")
        }
        Format::Text => {
            let mut text = format!(
                "{name} listens on {} (started in {} ms)\n",
                running.url,
                took.as_millis()
            );
            if let Some(url) = &running.workspace_url {
                text += &format!("  workspace service  {url}\n");
            }
            text += &format!("  data and logs      {}\n", arguments.state_dir.display());
            if let Some(password) = &running.admin_password {
                text += &format!(
                    "  first login        user admin, password {password}\n                     \
                     (shown this once; kept in {})\n",
                    arguments.state_dir.join("secrets.json").display(),
                );
            }
            out.write_all(text.as_bytes())
        }
    };
    let _ = out.flush();
}

/// The progress of loading components, on a terminal as a bar.
pub(super) struct Bar(ProgressBar);

impl Bar {
    pub(super) fn new() -> Self {
        let target = if std::io::stderr().is_terminal() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(Some(0), target);
        if let Ok(style) =
            ProgressStyle::with_template("Compiling {pos} of {len} [{bar:30}] {elapsed}")
        {
            bar.set_style(style.progress_chars("=> "));
        }
        Self(bar)
    }

    pub(super) fn show(&self, progress: &Progress) {
        let Progress::Loading {
            done,
            total,
            compiled,
        } = *progress;
        self.0.set_length(total as u64);
        self.0.set_position(done as u64);
        if done == total && compiled > 0 && self.0.is_hidden() {
            eprintln!("Compiled {compiled} of {total} components");
        }
    }

    pub(super) fn finish(&self) {
        self.0.finish_and_clear();
    }
}

/// The signals that ask for a stop.
pub(super) struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    pub(super) fn new() -> std::io::Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            terminate: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?,
        })
    }

    pub(super) async fn next(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = self.terminate.recv() => {}
        }
        #[cfg(not(unix))]
        {
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}
