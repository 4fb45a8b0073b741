//! What an investigation found: written into a comment on the bead, and read from there at the stages after it.

/// The finding that the next stages work from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Report {
    /// The file that is wrong.
    pub(super) path: String,
    /// Its line.
    pub(super) line: usize,
    /// What stands there, without the indentation.
    pub(super) mistake: String,
    /// What belongs there.
    pub(super) fix: String,
    /// The test that fails without the remedy, without its modules.
    pub(super) test: String,
}

impl Report {
    /// The comment, with what is worth knowing beside the finding itself.
    pub(super) fn comment(&self, because: &str, evidence: &str) -> String {
        let Self {
            path,
            line,
            mistake,
            fix,
            test,
        } = self;
        format!(
            "Cause: {path}:{line}: `{mistake}`\n{because}\n{evidence}\nRemedy: `{fix}` in its place, and nothing \
             else.\nTest: {test} fails without it and passes with it."
        )
    }

    /// The newest finding in a brief, if there is one.
    pub(super) fn newest(brief: &str) -> Option<Self> {
        let newest = |label: &str| {
            brief
                .lines()
                .rev()
                .find_map(|line| line.strip_prefix(label))
        };
        let mut cause = newest("Cause: ")?.splitn(3, ':');
        let path = cause.next()?.to_owned();
        let line = cause.next()?.parse().ok()?;
        Some(Self {
            path,
            line,
            mistake: quoted(cause.next()?)?,
            fix: quoted(newest("Remedy: ")?)?,
            test: newest("Test: ")?.split_once(' ')?.0.to_owned(),
        })
    }
}

/// What stands between the first and the last backtick.
fn quoted(text: &str) -> Option<String> {
    let (_, after) = text.split_once('`')?;
    let (inner, _) = after.rsplit_once('`')?;
    Some(inner.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let report = |line| Report {
            path: "src/a.rs".to_owned(),
            line,
            mistake: "let a: u8 = b;".to_owned(),
            fix: "let a: u8 = b + 1;".to_owned(),
            test: "it_adds".to_owned(),
        };
        let [first, second] =
            [7, 9].map(|line| report(line).comment("Because.", "Evidence: it fails."));
        let brief = format!("Cause: unknown\n{first}\n</data-1>\n{second}\n</data-1>\nMore.");
        assert_eq!(Report::newest(&brief), Some(report(9)));
        assert_eq!(Report::newest("Cause: somewhere\nTest: none"), None);
    }
}
