//! `loom build`: the components' own build commands, each once.

use crate::manifest::{App, Build};
use std::path::{Path, PathBuf};
use std::process::Command;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The manifest.
    #[arg(long, default_value = "spin.toml", value_name = "FILE")]
    manifest: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), String> {
    let app = crate::manifest::load(&arguments.manifest).map_err(|error| error.to_string())?;
    build(&app)
}

/// Builds all components of `app`. The tools' own output, cargo's progress included, goes to standard error.
pub(super) fn build(app: &App) -> Result<(), String> {
    let steps = plan(
        app.components
            .values()
            .filter_map(|component| component.build.as_ref()),
    );
    let total = app
        .components
        .values()
        .map(|component| &component.source)
        .collect::<std::collections::BTreeSet<_>>();
    eprintln!("Building {} components", total.len());
    for step in &steps {
        step.run()?;
    }
    Ok(())
}

/// One command to run.
#[derive(Debug, PartialEq, Eq)]
struct Step {
    words: Vec<String>,
    workdir: PathBuf,
}

impl Step {
    fn run(&self) -> Result<(), String> {
        let line = self.words.join(" ");
        let Some((program, arguments)) = self.words.split_first() else {
            return Ok(());
        };
        let status = Command::new(program)
            .args(arguments)
            .current_dir(&self.workdir)
            // Standard output belongs to this command's own result.
            .stdout(std::io::stderr())
            .status()
            .map_err(|error| format!("`{line}` can't be run: {error}"))?;
        if status.success() {
            Ok(())
        } else {
            Err(format!("`{line}` failed ({status}); its output is above"))
        }
    }
}

/// The commands that build everything, in the manifest's order. Two components made of one file share its command.
fn plan<'a>(builds: impl Iterator<Item = &'a Build>) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for build in builds {
        for command in &build.commands {
            let step = Step {
                words: command.split_whitespace().map(str::to_owned).collect(),
                workdir: build.workdir.clone(),
            };
            if !steps.contains(&step) {
                steps.push(step);
            }
        }
    }
    steps
}

/// Whether the toolchain can build components, or what to do so that it can.
pub(super) fn check_target() -> Result<(), String> {
    let output = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", "wasm32-wasip2"])
        .output()
        .map_err(|error| format!("rustc can't be run: {error}"))?;
    let dir = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if output.status.success() && Path::new(&dir).is_dir() {
        return Ok(());
    }
    Err(
        "the target wasm32-wasip2 is not installed; run `rustup target add wasm32-wasip2`"
            .to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_runs_once() {
        let build = |command: &str, workdir: &str| Build {
            commands: vec![command.to_owned()],
            workdir: PathBuf::from(workdir),
        };
        let builds = [
            build("cargo build -p a", "."),
            build("make x", "."),
            build("cargo build  -p a", "."),
            build("make x", "elsewhere"),
        ];
        let lines: Vec<String> = plan(builds.iter())
            .iter()
            .map(|step| format!("{} in {}", step.words.join(" "), step.workdir.display()))
            .collect();
        assert_eq!(
            lines,
            [
                "cargo build -p a in .",
                "make x in .",
                "make x in elsewhere"
            ]
        );
    }

    #[test]
    fn a_command_that_fails_is_named() {
        let step = Step {
            words: vec!["false".to_owned()],
            workdir: PathBuf::from("."),
        };
        assert!(step.run().unwrap_err().contains("`false` failed"));
        let step = Step {
            words: vec!["no-such-program".to_owned()],
            workdir: PathBuf::from("."),
        };
        assert!(step.run().unwrap_err().contains("can't be run"));
    }
}
