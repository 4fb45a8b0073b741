use super::{Git, GitResult};

impl Git {
    /// The commits reachable from one, newest first, perhaps only those that touch a path.
    pub(crate) fn log(&self, sha: &str, path: Option<&str>) -> GitResult<Vec<String>> {
        let mut arguments = vec![String::from("rev-list"), sha.to_owned()];
        if let Some(path) = path {
            arguments.extend([String::from("--"), format!(":(literal){path}")]);
        }
        Ok(lines(&self.text(arguments)?))
    }

    /// The commits of `head` that `base` lacks, oldest first.
    pub(crate) fn between(&self, base: &str, head: &str) -> GitResult<Vec<String>> {
        let range = format!("{base}..{head}");
        Ok(lines(&self.text([
            "rev-list",
            "--reverse",
            "--topo-order",
            &range,
        ])?))
    }

    /// The best common ancestor; `None` if the histories have nothing in common.
    pub(crate) fn merge_base(&self, one: &str, other: &str) -> Option<String> {
        self.text(["merge-base", one, other]).ok()
    }
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}
