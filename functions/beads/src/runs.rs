use std::collections::HashMap;

use axum::extract::State;
use loom_api::{Error, Json, Path};
use loom_domain::{
    Refusal,
    run::{Run, Wait},
};
use loom_platform::Platform;
use loom_store::{
    bead,
    run::{self, ActionCount, ActionRecord, RunUsage, StepRecord},
};
use serde::Serialize;

/// A run in a list: what it used, and which actions it took how often.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    #[serde(flatten)]
    run: Run,
    /// What it waits for, while its status is `waiting`.
    waits_for: Vec<Wait>,
    usage: RunUsage,
    actions: Vec<ActionCount>,
}

/// One run with everything that is journalled about it.
#[derive(Debug, Serialize)]
pub(crate) struct Detail {
    run: Run,
    /// What it waits for, while its status is `waiting`.
    waits_for: Vec<Wait>,
    steps: Vec<Step>,
}

#[derive(Debug, Serialize)]
struct Step {
    #[serde(flatten)]
    step: StepRecord,
    actions: Vec<ActionRecord>,
}

/// All runs of a bead, oldest first: there are at most twenty between two looks of a person.
pub(crate) async fn list<P: Platform>(
    State(platform): State<P>,
    Path(id): Path<String>,
) -> Result<Json<Vec<Summary>>, Error> {
    let database = platform.database();
    bead::get(database, &id).await?;
    let runs = run::of_bead(database, &id).await?;
    let mut usage: HashMap<String, RunUsage> = run::usage_of_bead(database, &id)
        .await?
        .into_iter()
        .collect();
    let mut actions: HashMap<String, Vec<ActionCount>> = HashMap::new();
    for (run_id, count) in run::action_counts_of_bead(database, &id).await? {
        actions.entry(run_id).or_default().push(count);
    }
    let mut waits = run::wait::of_bead(database, &id).await?;
    let summaries = runs.into_iter().map(|run| Summary {
        waits_for: waits.remove(&run.id).unwrap_or_default(),
        usage: usage.remove(&run.id).unwrap_or_default(),
        actions: actions.remove(&run.id).unwrap_or_default(),
        run,
    });
    Ok(Json(summaries.collect()))
}

pub(crate) async fn read<P: Platform>(
    State(platform): State<P>,
    Path((id, run_id)): Path<(String, String)>,
) -> Result<Json<Detail>, Error> {
    let database = platform.database();
    let run = run::get(database, &run_id).await?;
    if run.bead_id != id {
        let message =
            format!("Bead {id} has no run {run_id}. GET /api/v1/beads/{id}/runs lists them.");
        return Err(Refusal::not_found("run_not_found", message).into());
    }
    let mut actions: HashMap<i64, Vec<ActionRecord>> = HashMap::new();
    for action in run::action_log(database, &run_id).await? {
        actions.entry(action.step).or_default().push(action);
    }
    let steps = run::steps(database, &run_id).await?;
    let steps = steps.into_iter().map(|step| Step {
        actions: actions.remove(&step.number).unwrap_or_default(),
        step,
    });
    Ok(Json(Detail {
        waits_for: run::wait::of_run(database, &run_id).await?,
        run,
        steps: steps.collect(),
    }))
}
