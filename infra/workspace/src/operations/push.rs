use loom_workspace::{Outcome, WorkspaceError, branch};

use super::Task;
use crate::git::{failed, without_passwords};
use crate::journal::Answer;

pub(super) fn push(task: &Task<'_>) -> Answer {
    let (space, git) = (task.space, task.space.git());
    if branch::is_protected(&space.branch, &space.repository.base) {
        return Err(WorkspaceError::refused(
            "protected_branch",
            format!(
                "{} is protected; agents only publish branches of their own",
                space.branch
            ),
        ));
    }
    let commit = git.line(&["rev-parse", "HEAD"])?;
    let pushed = Outcome::Pushed {
        branch: space.branch.clone(),
        commit,
    };
    let remotes = git.ok(&["remote"])?;
    if !remotes.lines().any(|remote| remote == "origin") {
        // The repository itself is where everybody looks, and the branch is there.
        return Ok(pushed);
    }
    let refspec = format!("refs/heads/{0}:refs/heads/{0}", space.branch);
    let arguments = [
        "push",
        "--porcelain",
        "--no-verify",
        "--no-follow-tags",
        "origin",
        &refspec,
    ];
    let done = git.run(&arguments)?;
    match done.code {
        Some(0) => Ok(pushed),
        // Porcelain lines of refused references begin with `!`.
        _ if done.text().lines().any(|line| line.starts_with('!')) => {
            let reason: Vec<String> = done
                .text()
                .lines()
                .filter(|l| l.starts_with('!'))
                .map(without_passwords)
                .collect();
            Err(WorkspaceError::refused(
                "push_rejected",
                format!(
                    "the remote refused {}: {}; nothing is forced",
                    space.branch,
                    reason.join("; ")
                ),
            ))
        }
        _ => Err(failed(&arguments, &done)),
    }
}
