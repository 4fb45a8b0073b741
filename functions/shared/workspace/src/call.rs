use loom_domain::github::GithubSettings;
use serde::{Deserialize, Serialize};

use crate::{Operation, WorkspaceError};

/// One operation asked of a workspace, with everything the workspace needs to know: it keeps no registry of projects
/// or runs of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The project whose repository it is about.
    pub project: Project,
    /// The run on whose behalf it is done.
    pub run: Run,
    /// The idempotency key, unique within the run, such as `<run>:<step>:<action index>` (invariant I7). At most 200
    /// printable ASCII characters. A repeated key answers with the recorded outcome and changes nothing.
    pub key: String,
    /// What to do.
    pub operation: Operation,
}

impl Call {
    /// Refuses a call whose ids can't be used as file names and trailers.
    pub fn check(&self) -> Result<(), WorkspaceError> {
        let run = &self.run.id;
        let usable = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if run.is_empty() || run.len() > 100 || run.starts_with('.') || !run.chars().all(usable) {
            return Err(WorkspaceError::refused(
                "invalid_run",
                format!(
                    "{run:?} can't be the id of a run: it has 1 to 100 letters, digits, `-`, `_` and `.`"
                ),
            ));
        }
        let key = &self.key;
        if key.is_empty() || key.len() > 200 || !key.chars().all(|c| c.is_ascii_graphic()) {
            return Err(WorkspaceError::refused(
                "invalid_key",
                "an idempotency key has 1 to 200 printable ASCII characters and no spaces",
            ));
        }
        Ok(())
    }
}

/// What a workspace needs to know about a project.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Project {
    /// The project's id.
    pub id: String,
    /// Where its repository is: an absolute path, a `file://` URL, or a repository on GitHub
    /// ([`loom_domain::github::Repository`]).
    pub repository: String,
    /// The base branch, from which runs start and into which they are merged.
    pub branch: String,
    /// The command for [`Operation::Build`]; found by the kind of project when absent. Split into words as a shell
    /// would, but never given to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build_command: Option<String>,
    /// The command for [`Operation::Test`], also run before a merge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_command: Option<String>,
    /// The command for [`Operation::Lint`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lint_command: Option<String>,
    /// Programs that [`Operation::RunCommand`] may start in addition to the default list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_commands: Vec<String>,
    /// How a repository on GitHub is worked with; the defaults when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub github: Option<GithubSettings>,
}

/// The run on whose behalf something is done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// The run's id.
    pub id: String,
    /// The bead it works on.
    pub bead_id: String,
    /// The bead's title, from which the branch gets its readable part.
    pub bead_title: String,
    /// The agent that works, as it appears in commits.
    pub agent: String,
    /// The lease's fence (invariant I2). The workspace remembers the highest one it has seen for the run and refuses
    /// anything lower.
    pub fence: i64,
    /// The branch of an earlier run of the bead whose work this one goes on with. Its own branch then starts there;
    /// without it, or when there is no such branch, at the base branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continues: Option<String>,
}
