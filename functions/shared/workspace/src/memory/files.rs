use super::history::changed;
use super::{Commands, Files, RunState};
use crate::{
    EntryKind, Operation, Outcome, Project, SearchMatch, TreeEntry, WorkspaceError, edit,
    file::missing, path, search,
};

impl RunState {
    /// Everything but commits and merges, which concern more than this run.
    pub(super) fn act(
        &mut self,
        project: &Project,
        operation: &Operation,
        commands: &Commands,
    ) -> Result<Outcome, WorkspaceError> {
        match operation {
            Operation::Open => Ok(Outcome::Opened {
                branch: self.branch.clone(),
                base: project.branch.clone(),
                base_commit: "0".repeat(40),
            }),
            Operation::ReadTree { path, limit, .. } => {
                self.tree(&path::normalize(path)?, search::entries(*limit))
            }
            Operation::ReadFile {
                path,
                first_line,
                last_line,
            } => {
                let path = path::normalize_file(path)?;
                Ok(lines_of(&path, self.file(&path)?, *first_line, *last_line))
            }
            Operation::Instructions => {
                let text = self.files.get("AGENTS.md").cloned().unwrap_or_default();
                Ok(Outcome::Text {
                    text,
                    truncated: false,
                })
            }
            Operation::Search {
                pattern,
                path,
                limit,
                regex: false,
            } => {
                let path = path::normalize(path.as_deref().unwrap_or_default())?;
                Ok(self.search(pattern, &path, search::matches(*limit)))
            }
            Operation::Search { .. } => Err(WorkspaceError::refused(
                "invalid_pattern",
                "the workspace in memory knows no regular expressions; search for plain text",
            )),
            Operation::EditFile {
                path,
                old_text,
                new_text,
            } => {
                let path = path::normalize_file(path)?;
                let edit = edit::apply(self.file(&path)?, old_text, new_text)
                    .map_err(|p| p.refusal(&path))?;
                self.files.insert(path.clone(), edit.content);
                Ok(Outcome::Edited {
                    path,
                    matched_by: edit.matched_by,
                    first_line: edit.first_line,
                    last_line: edit.last_line,
                })
            }
            Operation::WriteFile { path, content } => {
                let path = path::normalize_file(path)?;
                let created = self.files.insert(path.clone(), content.clone()).is_none();
                Ok(Outcome::Written {
                    path,
                    created,
                    bytes: content.len() as u64,
                })
            }
            Operation::DeleteFile { path } => {
                let path = path::normalize_file(path)?;
                self.files
                    .remove(&path)
                    .map(|_| Outcome::Deleted { path: path.clone() })
                    .ok_or_else(|| missing(&path))
            }
            Operation::MoveFile { from, to } => {
                let (from, to) = (path::normalize_file(from)?, path::normalize_file(to)?);
                if self.files.contains_key(&to) {
                    return Err(WorkspaceError::refused(
                        "file_exists",
                        format!("there is already a file {to}"),
                    ));
                }
                let content = self.files.remove(&from).ok_or_else(|| missing(&from))?;
                self.files.insert(to.clone(), content);
                Ok(Outcome::Moved { from, to })
            }
            Operation::RunCommand { argv, .. } => Ok(run(argv.clone(), &self.files, commands)),
            Operation::Build => Ok(run(
                command(project.build_command.as_deref(), "build"),
                &self.files,
                commands,
            )),
            Operation::Test { .. } => Ok(run(
                command(project.test_command.as_deref(), "test"),
                &self.files,
                commands,
            )),
            Operation::Lint => Ok(run(
                command(project.lint_command.as_deref(), "lint"),
                &self.files,
                commands,
            )),
            Operation::Status => Ok(text(&changed(&self.committed, &self.files))),
            Operation::Diff => Ok(text(&changed(&self.base, &self.files))),
            Operation::Log { .. } => Ok(text(&[])),
            Operation::Push => Ok(Outcome::Pushed {
                branch: self.branch.clone(),
                commit: "0".repeat(40),
            }),
            Operation::OpenPullRequest { .. } | Operation::Review { .. } => {
                Err(WorkspaceError::no_pull_requests())
            }
            Operation::Checks { .. } => Err(WorkspaceError::no_checks()),
            Operation::Commit { .. }
            | Operation::Merge
            | Operation::ListFiles { .. }
            | Operation::ReadFiles { .. }
            | Operation::CommitFiles { .. }
            | Operation::Close => Ok(Outcome::Done),
        }
    }

    fn file(&self, path: &str) -> Result<&str, WorkspaceError> {
        self.files
            .get(path)
            .map(String::as_str)
            .ok_or_else(|| missing(path))
    }

    fn tree(&self, root: &str, limit: usize) -> Result<Outcome, WorkspaceError> {
        let below = |path: &&String| root.is_empty() || path.starts_with(&format!("{root}/"));
        let entry = |path: &String| TreeEntry {
            path: path.clone(),
            kind: EntryKind::File,
            bytes: self
                .files
                .get(path)
                .map_or(0, |content| content.len() as u64),
        };
        let entries: Vec<TreeEntry> = self.files.keys().filter(below).map(entry).collect();
        if entries.is_empty() && !root.is_empty() {
            return Err(missing(root));
        }
        let truncated = entries.len() > limit;
        Ok(Outcome::Tree {
            entries: entries.into_iter().take(limit).collect(),
            truncated,
        })
    }

    fn search(&self, pattern: &str, root: &str, limit: usize) -> Outcome {
        let inside =
            |path: &str| root.is_empty() || path == root || path.starts_with(&format!("{root}/"));
        let mut matches = Vec::new();
        for (path, content) in self.files.iter().filter(|(path, _)| inside(path)) {
            for (number, line) in (1..)
                .zip(content.lines())
                .filter(|(_, line)| line.contains(pattern))
            {
                let text = search::shown(line);
                matches.push(SearchMatch {
                    path: path.clone(),
                    line: number,
                    text,
                });
            }
        }
        let truncated = matches.len() > limit;
        matches.truncate(limit);
        Outcome::Matches {
            matches,
            truncated,
            unsearched: 0,
        }
    }
}

/// What a project's command is, or the one word that stands for it.
pub(super) fn command(own: Option<&str>, word: &str) -> Vec<String> {
    own.map_or_else(
        || vec![word.to_owned()],
        |own| own.split_whitespace().map(str::to_owned).collect(),
    )
}

fn run(argv: Vec<String>, files: &Files, commands: &Commands) -> Outcome {
    let (exit_code, output) = commands(&argv, files);
    Outcome::Command {
        argv,
        exit_code: Some(exit_code),
        timed_out: false,
        output,
        cut_bytes: 0,
        duration_ms: 0,
    }
}

fn lines_of(path: &str, content: &str, first: Option<u32>, last: Option<u32>) -> Outcome {
    let lines: Vec<&str> = content.split_inclusive('\n').collect();
    let total = u32::try_from(lines.len()).unwrap_or(u32::MAX);
    let first = first.unwrap_or(1).max(1);
    let last = last.unwrap_or(total).min(total);
    let chosen: String = (1u32..)
        .zip(&lines)
        .filter(|(n, _)| (first..=last).contains(n))
        .map(|(_, l)| *l)
        .collect();
    let empty = chosen.is_empty();
    Outcome::File {
        path: path.to_owned(),
        content: chosen,
        first_line: if empty { 0 } else { first },
        last_line: if empty { 0 } else { last },
        total_lines: total,
        truncated: last < total,
    }
}

fn text(lines: &[String]) -> Outcome {
    Outcome::Text {
        text: lines.iter().map(|line| format!("{line}\n")).collect(),
        truncated: false,
    }
}
