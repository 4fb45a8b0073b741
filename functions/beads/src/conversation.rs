use axum::extract::State;
use loom_api::{Error, Json, Path, Query};
use loom_domain::{conversation::Message, run::RunStatus};
use loom_platform::Platform;
use loom_store::{bead, run};
use serde::{Deserialize, Serialize};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Filter {
    /// Only this run.
    run_id: Option<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Conversation {
    bead_id: String,
    runs: Vec<OfRun>,
}

#[derive(Debug, Serialize)]
struct OfRun {
    run_id: String,
    agent_id: String,
    attempt: i64,
    status: RunStatus,
    messages: Vec<Message>,
}

/// What was said in each run, oldest first.
pub(crate) async fn conversation<P: Platform>(
    State(platform): State<P>,
    Path(id): Path<String>,
    Query(filter): Query<Filter>,
) -> Result<Json<Conversation>, Error> {
    let database = platform.database();
    bead::get(database, &id).await?;
    let mut runs = Vec::new();
    for run in run::of_bead(database, &id).await? {
        if filter.run_id.as_ref().is_some_and(|only| *only != run.id) {
            continue;
        }
        runs.push(OfRun {
            messages: run::conversation(database, &run.id).await?,
            run_id: run.id,
            agent_id: run.agent_id,
            attempt: run.attempt,
            status: run.status,
        });
    }
    Ok(Json(Conversation { bead_id: id, runs }))
}
