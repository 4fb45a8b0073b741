use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The repository's root.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("this crate is in tests/support")
}

/// The `loom` program, with the components built: once per test program, and in no time when nothing has changed.
pub(crate) fn loom() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let loom = host();
        if std::env::var_os("LOOM_NO_BUILD").is_none() {
            run(Command::new(&loom).arg("build"));
        }
        loom
    })
}

/// Cargo's own word on where the program is, which holds for any target folder.
fn host() -> PathBuf {
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--release", "-p", "loom-host", "--bin", "loom"]);
    if std::env::var_os("LOOM_NO_BUILD").is_some() {
        return root().join("target/release/loom");
    }
    cargo.arg("--message-format=json-render-diagnostics");
    let output = run(&mut cargo);
    String::from_utf8_lossy(&output)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["target"]["name"] == "loom")
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .expect("cargo names the program that it built")
}

fn run(command: &mut Command) -> Vec<u8> {
    // What cargo sets for the test program is not meant for another cargo, and would make it build again.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    let output = command
        .current_dir(root())
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .unwrap_or_else(|error| panic!("{command:?} can't be run: {error}"));
    assert!(
        output.status.success(),
        "{command:?} failed; its output is above"
    );
    output.stdout
}
