use std::hash::{DefaultHasher, Hash, Hasher};

use super::{Files, State};
use crate::{
    BranchFile, Call, FileChange, FileContent, Operation, Outcome, WorkspaceError,
    branch_files::{RECENT, no_commit},
    path,
};

impl State {
    /// The files of a branch, if it exists. The base branch always does.
    pub(super) fn files_of(&self, repository: &str, base: &str, branch: &str) -> Option<&Files> {
        if branch == base {
            return self.repositories.get(repository);
        }
        self.branches
            .get(&(repository.to_owned(), branch.to_owned()))
    }

    /// The operations on branches that belong to no run.
    pub(super) fn branch_files(&mut self, call: &Call) -> Result<Outcome, WorkspaceError> {
        let (repository, base) = (&call.project.repository, &call.project.branch);
        match &call.operation {
            Operation::ListFiles {
                branch,
                prefix,
                trailers,
            } => {
                let prefix = format!("{}/", path::normalize(prefix)?);
                let files = self.files_of(repository, base, branch);
                let listed = files.into_iter().flatten();
                let listed = listed.filter(|(path, _)| prefix == "/" || path.starts_with(&prefix));
                let key = (repository.clone(), branch.clone());
                let messages = self.messages.get(&key).map_or(&[][..], Vec::as_slice);
                let landed = |line: &&String| {
                    messages
                        .iter()
                        .rev()
                        .take(RECENT)
                        .any(|message| message.lines().any(|other| other == line.as_str()))
                };
                Ok(Outcome::Listed {
                    head: files.map(id),
                    files: listed.map(|(path, content)| entry(path, content)).collect(),
                    landed: trailers.iter().filter(landed).cloned().collect(),
                })
            }
            Operation::ReadFiles { commit, paths } => {
                let mut all = self.repositories.values().chain(self.branches.values());
                let files = all
                    .find(|files| id(files) == *commit)
                    .ok_or_else(|| no_commit(commit))?;
                let read = |path: &String| FileContent {
                    path: path.clone(),
                    content: files.get(path).cloned(),
                };
                Ok(Outcome::Contents {
                    files: paths.iter().map(read).collect(),
                })
            }
            Operation::CommitFiles {
                branch,
                expected_head,
                files,
                message,
            } => {
                let head = self.files_of(repository, base, branch).map(id);
                if head != *expected_head {
                    return Err(WorkspaceError::head_moved(branch, head.as_deref()));
                }
                let changed = if branch == base {
                    self.repositories.entry(repository.clone()).or_default()
                } else {
                    self.branches
                        .entry((repository.clone(), branch.clone()))
                        .or_default()
                };
                let mut written = Vec::new();
                for FileChange { path, content } in files {
                    let path = path::normalize_file(path)?;
                    match content {
                        Some(content) => {
                            written.push(entry(&path, content));
                            changed.insert(path, content.clone());
                        }
                        None => {
                            changed.remove(&path);
                        }
                    }
                }
                written.sort();
                let commit = id(changed);
                self.messages
                    .entry((repository.clone(), branch.clone()))
                    .or_default()
                    .push(message.clone());
                Ok(Outcome::FilesCommitted {
                    commit,
                    files: written,
                })
            }
            _ => Ok(Outcome::Done),
        }
    }
}

fn entry(path: &str, content: &str) -> BranchFile {
    BranchFile {
        path: path.to_owned(),
        blob: id(content),
        bytes: content.len() as u64,
    }
}

/// An id by content, 40 hexadecimal digits.
fn id<T: Hash + ?Sized>(content: &T) -> String {
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    format!("{:040x}", hasher.finish())
}
