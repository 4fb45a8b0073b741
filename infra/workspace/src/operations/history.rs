use loom_workspace::excerpt;

use crate::error::{Context, Result};
use crate::git::Git;
use crate::journal::Answer;
use crate::space::Space;

/// Options for a diff that shows what is there and starts no program.
pub(super) const PLAIN_DIFF: [&str; 6] = [
    "--no-color",
    "--no-ext-diff",
    "--no-textconv",
    "--ignore-submodules=all",
    "--src-prefix=a/",
    "--dst-prefix=b/",
];

pub(super) fn status(space: &Space) -> Answer {
    let text = reader(space).ok(&[
        "status",
        "--short",
        "--untracked-files=all",
        "--ignore-submodules=all",
    ])?;
    Ok(excerpt::answer(&text))
}

pub(super) fn diff(space: &Space) -> Answer {
    let git = reader(space);
    let fork = fork_point(space, &git)?;
    // In an index of its own: marking new files as such must not disturb a commit that is being made.
    let directory =
        tempfile::tempdir_in(&space.places.staging).doing("make a temporary directory")?;
    let index = directory.path().join("index");
    std::fs::copy(space.git_file("index"), &index).doing("copy git's index")?;
    let git = Git {
        index: Some(index),
        ..git
    };
    git.ok(&["add", "--intent-to-add", "--all", "."])?;
    let mut arguments = vec!["diff"];
    arguments.extend(PLAIN_DIFF);
    arguments.push(&fork);
    Ok(excerpt::answer(&git.ok(&arguments)?))
}

pub(super) fn log(space: &Space, limit: u32) -> Answer {
    let count = format!("--max-count={}", excerpt::commits(limit));
    let text = reader(space).ok(&[
        "log",
        &count,
        "--no-color",
        "--date=iso-strict",
        "--format=%h %ad %an: %s",
    ])?;
    Ok(excerpt::answer(&text))
}

/// The commit of the base branch that the run's branch builds on.
fn fork_point(space: &Space, git: &Git) -> Result<String> {
    let base = format!("refs/heads/{}", space.repository.base);
    let done = git.run(&["merge-base", "HEAD", &base])?;
    Ok(if done.code == Some(0) {
        done.text().trim_end().to_owned()
    } else {
        space.base_commit.clone()
    })
}

fn reader(space: &Space) -> Git {
    Git {
        lock: None,
        ..space.git()
    }
}
