//! `loom build`: the components' own build commands, with those that only differ in the package joined into one.

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

/// The commands that build everything. `cargo build … -p a` and `cargo build … -p b` become one, since cargo compiles
/// what they share once and keeps all cores busy.
fn plan<'a>(builds: impl Iterator<Item = &'a Build>) -> Vec<Step> {
    struct Joined {
        words: Vec<String>,
        packages: Vec<String>,
        workdir: PathBuf,
    }
    let mut joined: Vec<Joined> = Vec::new();
    for build in builds {
        for command in &build.commands {
            let (words, packages) = split(command);
            let same = joined.iter_mut().find(|known| {
                known.words == words
                    && known.workdir == build.workdir
                    && known.packages.is_empty() == packages.is_empty()
            });
            match same {
                Some(known) => {
                    let new = packages
                        .into_iter()
                        .filter(|package| !known.packages.contains(package));
                    known.packages.extend(new.collect::<Vec<_>>());
                }
                None => joined.push(Joined {
                    words,
                    packages,
                    workdir: build.workdir.clone(),
                }),
            }
        }
    }
    joined
        .into_iter()
        .map(
            |Joined {
                 mut words,
                 packages,
                 workdir,
             }| {
                words.extend(
                    packages
                        .into_iter()
                        .flat_map(|package| ["-p".to_owned(), package]),
                );
                Step { words, workdir }
            },
        )
        .collect()
}

/// The words of a command, and apart from them the packages if it is a cargo build.
fn split(command: &str) -> (Vec<String>, Vec<String>) {
    let mut words = Vec::new();
    let mut packages = Vec::new();
    let mut rest = command.split_whitespace().map(str::to_owned);
    while let Some(word) = rest.next() {
        let is_cargo = words.first().is_some_and(|first| first == "cargo");
        if is_cargo && matches!(word.as_str(), "-p" | "--package") {
            packages.extend(rest.next());
        } else {
            words.push(word);
        }
    }
    (words, packages)
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
    fn cargo_builds_are_joined_and_others_kept() {
        let build = |command: &str| Build {
            commands: vec![command.to_owned()],
            workdir: PathBuf::from("."),
        };
        let builds = [
            build("cargo build --target wasm32-wasip2 -p a"),
            build("cargo build --target wasm32-wasip2 --package b"),
            build("cargo build --target wasm32-wasip2 -p a"),
            build("cargo build --target wasm32-wasip2 --release -p c"),
            build("make x"),
        ];
        let lines: Vec<String> = plan(builds.iter())
            .iter()
            .map(|step| step.words.join(" "))
            .collect();
        assert_eq!(
            lines,
            [
                "cargo build --target wasm32-wasip2 -p a -p b",
                "cargo build --target wasm32-wasip2 --release -p c",
                "make x",
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
