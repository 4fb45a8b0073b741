//! What a bead brings into the repository with it: its documents, committed on the branch of its first run.

use loom_platform::Platform;
use loom_store::document;
use loom_workspace::{Operation, Outcome, WorkspaceError};

use crate::{context::Context, stop::Stop};

const MESSAGE: &str = "docs: the product requirements as they were given";

/// Writes and commits the documents of a run's bead, unless the run goes on with the branch of an earlier one, which
/// has them.
///
/// `perform` does an operation in the run's working copy under a key, of which this gives one to each: whoever takes
/// the run up after a crash does only what is missing (invariant I7).
pub(super) async fn write<P, F>(
    platform: &P,
    context: &Context,
    perform: impl Fn(String, Operation) -> F,
) -> Result<Result<(), WorkspaceError>, Stop>
where
    P: Platform,
    F: Future<Output = Result<Result<Outcome, WorkspaceError>, Stop>>,
{
    let stage = context.stage.as_ref();
    if stage.is_some_and(|stage| stage.continues.is_some()) {
        return Ok(Ok(()));
    }
    let (run_id, bead_id) = (&context.run.id, &context.bead.id);
    let mut position = 0;
    while let Some(document) = document::at(platform.database(), bead_id, position).await? {
        let operation = Operation::WriteFile {
            path: document.path,
            content: document.content,
        };
        if let Err(error) = perform(format!("{run_id}:document:{position}"), operation).await? {
            return Ok(Err(error));
        }
        position += 1;
    }
    if position == 0 {
        return Ok(Ok(()));
    }
    let operation = Operation::Commit {
        message: MESSAGE.to_owned(),
    };
    match perform(format!("{run_id}:documents"), operation).await? {
        // They are in the base branch already, as they are here.
        Err(error) if error.code == "nothing_to_commit" => Ok(Ok(())),
        other => Ok(other.map(|_| ())),
    }
}
