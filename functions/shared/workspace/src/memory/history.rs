use std::collections::BTreeSet;

use super::files::command;
use super::{Commit, Files, Merge, State};
use crate::{Call, Outcome, WorkspaceError, message};

impl State {
    pub(super) fn commit(&mut self, call: &Call, text: &str) -> Result<Outcome, WorkspaceError> {
        let id = self.next_id();
        let Some(run) = self.runs.get_mut(&call.run.id) else {
            return Ok(Outcome::Done);
        };
        let files = changed(&run.committed, &run.files);
        if files.is_empty() {
            return Err(WorkspaceError::nothing_to_commit());
        }
        run.committed = run.files.clone();
        self.commits.push(Commit {
            id: id.clone(),
            run: call.run.id.clone(),
            key: call.key.clone(),
            bead: call.run.bead_id.clone(),
            fence: call.run.fence,
            message: message::compose(text, &call.run, &call.key),
            files: files.clone(),
        });
        Ok(Outcome::Committed { commit: id, files })
    }

    pub(super) fn merge(&mut self, call: &Call) -> Result<Outcome, WorkspaceError> {
        let id = self.next_id();
        let head = self
            .repositories
            .entry(call.project.repository.clone())
            .or_default();
        let Some(run) = self.runs.get_mut(&call.run.id) else {
            return Ok(Outcome::Done);
        };
        if run.committed == run.base {
            return Err(WorkspaceError::refused(
                "nothing_to_merge",
                "the branch has no commits of its own",
            ));
        }
        let merged = three_way(&run.base, &run.committed, head).map_err(|paths| {
            WorkspaceError::refused(
                "merge_conflict",
                format!(
                    "the base branch changed the same files: {}",
                    paths.join(", ")
                ),
            )
            .with("files", paths)
        })?;
        let (exit_code, output) = (self.commands)(
            &command(call.project.test_command.as_deref(), "test"),
            &merged,
        );
        if exit_code != 0 {
            return Err(WorkspaceError::refused(
                "merge_tests_failed",
                format!("the tests fail on the merged result:\n{output}"),
            ));
        }
        *head = merged;
        // As in git: the branch and its files stay as they are, and what both sides have in common is now the branch.
        run.base.clone_from(&run.committed);
        self.merges.push(Merge {
            id: id.clone(),
            run: call.run.id.clone(),
            key: call.key.clone(),
            bead: call.run.bead_id.clone(),
            fence: call.run.fence,
            repository: call.project.repository.clone(),
        });
        Ok(Outcome::Merged {
            commit: id,
            branch: call.project.branch.clone(),
        })
    }

    fn next_id(&self) -> String {
        format!("{:040x}", self.commits.len() + self.merges.len() + 1)
    }
}

/// The paths whose content differs, sorted.
pub(super) fn changed(before: &Files, after: &Files) -> Vec<String> {
    let paths: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    paths
        .into_iter()
        .filter(|path| before.get(*path) != after.get(*path))
        .cloned()
        .collect()
}

/// Both sides' changes since `base`, or the paths that both changed differently.
fn three_way(base: &Files, ours: &Files, theirs: &Files) -> Result<Files, Vec<String>> {
    let mut merged = theirs.clone();
    let mut conflicts = Vec::new();
    for path in changed(base, ours) {
        let (old, mine, other) = (base.get(&path), ours.get(&path), theirs.get(&path));
        if other != old && other != mine {
            conflicts.push(path);
        } else if let Some(content) = mine {
            merged.insert(path, content.clone());
        } else {
            merged.remove(&path);
        }
    }
    if conflicts.is_empty() {
        Ok(merged)
    } else {
        Err(conflicts)
    }
}
