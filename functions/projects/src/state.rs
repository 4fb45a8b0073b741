use std::collections::BTreeMap;

use axum::extract::State;
use loom_api::{Error, Json, Path};
use loom_domain::{bead::BeadStatus, budget::BudgetScope, project::ProjectStatus, time::Timestamp};
use loom_platform::Platform;
use loom_store::{
    budget::{self, Balance},
    project, run,
};
use serde::Serialize;

#[derive(Debug, Serialize)]
pub(crate) struct ProjectState {
    id: String,
    name: String,
    status: ProjectStatus,
    is_perpetual: bool,
    /// How many beads have each status.
    beads: BTreeMap<&'static str, i64>,
    /// Beads that are not closed.
    open_beads: i64,
    /// Whether it could be closed without `force`.
    can_close: bool,
    /// Runs that take up its capacity.
    running_runs: i64,
    max_concurrent: i64,
    budget: Budget,
    created_at: Timestamp,
    updated_at: Timestamp,
    closed_at: Option<Timestamp>,
}

/// In micro-US-dollars, over the project's life.
#[derive(Debug, Serialize)]
struct Budget {
    cap_micro_usd: Option<i64>,
    #[serde(flatten)]
    balance: Balance,
}

pub(crate) async fn state<P: Platform>(
    State(platform): State<P>,
    Path(id): Path<String>,
) -> Result<Json<ProjectState>, Error> {
    let database = platform.database();
    let project = project::get(database, &id).await?;
    let counted: BTreeMap<String, i64> = project::bead_counts(database, &id)
        .await?
        .into_iter()
        .collect();
    let beads: BTreeMap<&'static str, i64> = BeadStatus::ALL
        .into_iter()
        .map(|status| {
            let count = counted.get(status.as_str()).copied().unwrap_or_default();
            (status.as_str(), count)
        })
        .collect();
    let open_beads = beads
        .iter()
        .filter(|(status, _)| **status != BeadStatus::Closed.as_str())
        .map(|(_, count)| count)
        .sum();
    let working = run::working(database).await?;
    let running_runs = working
        .iter()
        .find(|(project_id, _)| *project_id == id)
        .map_or(0, |(_, runs)| *runs);
    let balance = budget::balance(database, BudgetScope::Project, &id).await?;
    Ok(Json(ProjectState {
        can_close: project.status == ProjectStatus::Open
            && !project.is_perpetual
            && open_beads == 0,
        budget: Budget {
            cap_micro_usd: project.budget_micro_usd,
            balance,
        },
        id: project.id,
        name: project.name,
        status: project.status,
        is_perpetual: project.is_perpetual,
        beads,
        open_beads,
        running_runs,
        max_concurrent: project.max_concurrent,
        created_at: project.created_at,
        updated_at: project.updated_at,
        closed_at: project.closed_at,
    }))
}
