//! Packages of npm that tests read: GitHub's example payloads and its description of its API.

use std::path::PathBuf;
use std::process::Command;

use crate::built::root;

/// The folder with the unpacked package `name` (such as `@octokit/webhooks-examples`) in exactly this version.
///
/// Fetched once into `target/npm` with `npm pack`, which runs nothing of the package; npm's own configuration says from
/// which registry. Fails with what to do when there is no npm or no such package.
pub fn npm_package(name: &str, version: &str) -> PathBuf {
    let wanted = format!("{name}@{version}");
    let all = root().join("target/npm");
    let place = all.join(wanted.trim_start_matches('@').replace('/', "+"));
    if place.is_dir() {
        return place;
    }
    std::fs::create_dir_all(&all).unwrap();
    let fetched = tempfile::tempdir_in(&all).unwrap();
    let mut npm = Command::new("npm");
    npm.args(["pack", "--silent", "--pack-destination"])
        .arg(fetched.path())
        .arg(&wanted);
    run(
        &mut npm,
        &format!(
            "install npm (it comes with Node.js), or unpack the package {wanted} into {}",
            place.display()
        ),
    );
    let archive = std::fs::read_dir(fetched.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|extension| extension == "tgz"))
        .unwrap_or_else(|| panic!("npm packed no archive of {wanted}"));
    let mut tar = Command::new("tar");
    tar.arg("-xzf").arg(&archive).arg("-C").arg(fetched.path());
    run(&mut tar, "install tar");
    // Another test may have been faster: theirs is as good.
    if std::fs::rename(fetched.path().join("package"), &place).is_err() {
        assert!(
            place.is_dir(),
            "{wanted} cannot be put into {}",
            place.display()
        );
    }
    place
}

fn run(command: &mut Command, advice: &str) {
    let output = command
        .current_dir(root().join("target/npm"))
        .output()
        .unwrap_or_else(|error| panic!("{command:?} can't be run ({error}): {advice}"));
    assert!(
        output.status.success(),
        "{command:?} failed: {}{}; {advice}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
