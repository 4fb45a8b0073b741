use super::{Git, GitError, GitResult, Signature, line};

/// How two commits merge.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Merged {
    /// Into this tree.
    Clean(String),
    /// Not without somebody's decision.
    Conflict,
}

impl Git {
    /// Merges two commits without storing a commit; with a base of the caller's if there is one.
    pub(crate) fn merge(&self, ours: &str, theirs: &str, base: Option<&str>) -> GitResult<Merged> {
        let mut arguments = vec![String::from("merge-tree"), String::from("--write-tree")];
        if let Some(base) = base {
            arguments.push(format!("--merge-base={base}"));
        }
        arguments.extend([ours.to_owned(), theirs.to_owned()]);
        let output = self.command(arguments).output().map_err(|error| GitError {
            message: error.to_string(),
        })?;
        match output.status.code() {
            Some(0) => Ok(Merged::Clean(
                line(&output.stdout)
                    .lines()
                    .next()
                    .unwrap_or_default()
                    .to_owned(),
            )),
            Some(1) => Ok(Merged::Conflict),
            _ => Err(GitError {
                message: String::from_utf8_lossy(&output.stderr).into_owned(),
            }),
        }
    }

    /// The commits of `head` that `base` lacks, one after the other on top of `base`; `None` if one conflicts.
    pub(crate) fn rebase(
        &self,
        base: &str,
        head: &str,
        committer: &Signature,
    ) -> GitResult<Option<String>> {
        let mut onto = base.to_owned();
        for sha in self.between(base, head)? {
            let commit = self.commit(&sha)?;
            let [parent] = commit.parents.as_slice() else {
                continue;
            };
            let Merged::Clean(tree) = self.merge(&onto, &sha, Some(parent))? else {
                return Ok(None);
            };
            let parents = [onto];
            onto =
                self.write_commit(&tree, &parents, &commit.author, committer, &commit.message)?;
        }
        Ok(Some(onto))
    }
}
