//! `loom test`: every check that a change has to pass, in the order in which a failure is cheapest.

use std::path::PathBuf;
use std::process::Command;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The manifest.
    #[arg(long, default_value = "spin.toml", value_name = "FILE")]
    manifest: PathBuf,
}

const CHECKS: [(&str, &[&str]); 3] = [
    ("formatting", &["fmt", "--all", "--check"]),
    (
        "lints",
        &[
            "clippy",
            "--workspace",
            "--all-targets",
            "--release",
            "--",
            "-D",
            "warnings",
        ],
    ),
    ("tests", &["test", "--release", "--workspace"]),
];

pub(super) fn run(arguments: &Arguments) -> Result<(), String> {
    super::build::check_target()?;
    let app = crate::manifest::load(&arguments.manifest).map_err(|error| error.to_string())?;
    // The tests run the real components.
    super::build::build(&app)?;
    for (what, words) in CHECKS {
        let line = format!("cargo {}", words.join(" "));
        eprintln!("Running {line}");
        let status = Command::new("cargo")
            .args(words)
            .current_dir(&app.dir)
            .status()
            .map_err(|error| format!("`{line}` can't be run: {error}"))?;
        if !status.success() {
            return Err(format!(
                "the {what} failed: `{line}` ({status}); what comes after was not run"
            ));
        }
    }
    eprintln!("All checks passed");
    Ok(())
}
