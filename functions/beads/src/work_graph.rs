use axum::extract::State;
use http::StatusCode;
use loom_api::{Error, Json, Query};
use loom_domain::{bead::Bead, time::Timestamp};
use loom_platform::Platform;
use loom_store::bead::{self, BeadFilter, Edge};
use loom_store::project;
use serde::{Deserialize, Serialize, Serializer};

/// A graph of more is of no use to anybody, and would not fit into the memory of a function.
const MOST_BEADS: usize = 10_000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Filter {
    project_id: Option<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct WorkGraph {
    beads: ById,
    edges: Vec<Edge>,
    /// When one of the beads last changed.
    updated_at: Option<Timestamp>,
}

/// Beads as one object with their ids as names.
#[derive(Debug)]
struct ById(Vec<Bead>);

impl Serialize for ById {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|bead| (&bead.id, bead)))
    }
}

/// All beads and the links between them. A link may name a bead that is not there: one that is unknown, deleted, or of
/// another project.
pub(crate) async fn work_graph<P: Platform>(
    State(platform): State<P>,
    Query(filter): Query<Filter>,
) -> Result<Json<WorkGraph>, Error> {
    let database = platform.database();
    if let Some(project_id) = &filter.project_id {
        project::get(database, project_id).await?;
    }
    let wanted = BeadFilter {
        project_id: filter.project_id.clone(),
        ..BeadFilter::default()
    };
    let limit = i64::try_from(MOST_BEADS).unwrap_or(i64::MAX);
    let beads = bead::list(database, &wanted, None, limit + 1).await?;
    if beads.len() > MOST_BEADS {
        let advice = match filter.project_id {
            None => "Ask for one project with ?project_id=…, or list beads with GET /api/v1/beads.",
            Some(_) => "List them with GET /api/v1/beads, which has pages and filters.",
        };
        let message =
            format!("There are more than {MOST_BEADS} beads, too many for one graph. {advice}");
        return Err(
            Error::new(StatusCode::UNPROCESSABLE_ENTITY, "graph_too_large", message)
                .detail("limit", MOST_BEADS),
        );
    }
    let edges = bead::work_graph(database, filter.project_id.as_deref()).await?;
    Ok(Json(WorkGraph {
        updated_at: beads.iter().map(|bead| bead.updated_at).max(),
        beads: ById(beads),
        edges,
    }))
}
