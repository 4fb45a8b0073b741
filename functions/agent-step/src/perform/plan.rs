//! The plan that a breakdown into epics and stories brings, judged before the breakdown may end with success.

use loom_domain::plan;
use loom_platform::Platform;
use loom_store::workflow;

use super::Worker;
use crate::stop::Stop;

/// What is wrong with the plan, for the model; `None` when it is sound, or when no plan is asked for here.
pub(super) async fn problems<P: Platform>(worker: &Worker<'_, P>) -> Result<Option<String>, Stop> {
    let asked = worker
        .context
        .stage
        .as_ref()
        .is_some_and(|stage| stage.node().is_set("validates_plan"));
    if !asked {
        return Ok(None);
    }
    let root = &worker.context.bead.id;
    let beads = workflow::beads_of_plan(worker.platform.database(), root).await?;
    let problems = plan::problems(root, &beads);
    Ok((!problems.is_empty()).then(|| {
        format!(
            "The plan is not sound yet:\n- {}\nMend it, then conclude again.",
            problems.join("\n- ")
        )
    }))
}
