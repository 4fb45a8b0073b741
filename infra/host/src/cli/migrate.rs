//! `loom migrate`: the database's schema, shown and brought up to date. Functions do the same when they first open a
//! database; this is for those who want it done, or seen, before the start.

use loom_platform::native::NativeDatabase;
use loom_store::migrate::{MIGRATIONS, current_version, migrate};
use std::path::PathBuf;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Folder of data, as for `up`.
    #[arg(
        long,
        default_value = ".loom",
        value_name = "DIR",
        env = "LOOM_STATE_DIR"
    )]
    state_dir: PathBuf,
    /// Show what would be done, and do nothing.
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), String> {
    let dir = arguments.state_dir.join("sqlite");
    let path = dir.join("default.db");
    if arguments.dry_run && !path.exists() {
        println!(
            "{} doesn't exist yet; all {} migrations would be applied",
            path.display(),
            MIGRATIONS.len()
        );
        return Ok(());
    }
    std::fs::create_dir_all(&dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let database = NativeDatabase::file(&path).map_err(|error| error.to_string())?;
        let before = current_version(&database)
            .await
            .map_err(|error| error.to_string())?;
        if !arguments.dry_run {
            migrate(&database)
                .await
                .map_err(|error| error.to_string())?;
        }
        for migration in MIGRATIONS {
            let state = match (migration.version <= before, arguments.dry_run) {
                (true, _) => "in place",
                (false, true) => "would be applied",
                (false, false) => "applied",
            };
            println!("{:>4}  {:<24} {state}", migration.version, migration.name);
        }
        Ok(())
    })
}
