use super::{Git, GitResult};

/// A reference.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ref {
    /// As in `refs/heads/main`.
    pub(crate) name: String,
    pub(crate) sha: String,
    /// `commit` or `tag`.
    pub(crate) kind: String,
}

impl Git {
    /// The references whose full names begin with a text, in the order of their names.
    pub(crate) fn refs(&self, prefix: &str) -> GitResult<Vec<Ref>> {
        let output = self.text([
            "for-each-ref",
            "--format=%(refname) %(objectname) %(objecttype)",
        ])?;
        Ok(output
            .lines()
            .filter(|line| line.starts_with(prefix))
            .filter_map(|line| {
                let mut parts = line.split(' ');
                Some(Ref {
                    name: parts.next()?.to_owned(),
                    sha: parts.next()?.to_owned(),
                    kind: parts.next()?.to_owned(),
                })
            })
            .collect())
    }

    /// One reference by its full name.
    pub(crate) fn find_ref(&self, name: &str) -> GitResult<Option<Ref>> {
        Ok(self
            .refs(name)?
            .into_iter()
            .find(|found| found.name == name))
    }

    /// The commit a branch points at.
    pub(crate) fn branch(&self, branch: &str) -> Option<String> {
        self.find_ref(&format!("refs/heads/{branch}"))
            .ok()
            .flatten()
            .map(|found| found.sha)
    }

    /// Whether Git takes this as a reference's full name.
    pub(crate) fn valid_ref(&self, name: &str) -> bool {
        name.starts_with("refs/")
            && name.matches('/').count() >= 2
            && self.text(["check-ref-format", name]).is_ok()
    }

    /// Moves a reference if it still is where the caller saw it; an empty `old` means that it must not exist.
    pub(crate) fn update_ref(&self, name: &str, new: &str, old: &str) -> GitResult<()> {
        let zero = "0".repeat(40);
        let old = if old.is_empty() { &zero } else { old };
        self.text(["update-ref", name, new, old]).map(drop)
    }

    /// Deletes a reference that still is where the caller saw it.
    pub(crate) fn delete_ref(&self, name: &str, old: &str) -> GitResult<()> {
        self.text(["update-ref", "-d", name, old]).map(drop)
    }

    /// Whether one commit is reachable from another (or the same).
    pub(crate) fn is_ancestor(&self, ancestor: &str, of: &str) -> bool {
        self.text(["merge-base", "--is-ancestor", ancestor, of])
            .is_ok()
    }
}
