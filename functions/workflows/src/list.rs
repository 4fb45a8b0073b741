use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use loom_api::{Error, Json, Paged, Path, Query, Slice, Tagged};
use loom_domain::workflow::mermaid;
use loom_platform::Platform;
use loom_store::workflow::{
    self,
    definition::{self, Versioned},
};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Filter {
    #[serde(rename = "type")]
    workflow_type: Option<String>,
    /// Those that this project may use: its own, and those for every project.
    project_id: Option<String>,
}

/// The current version of each, by id.
pub(crate) async fn list<P: Platform>(
    State(platform): State<P>,
    Paged { page, filter }: Paged<Filter>,
) -> Result<Slice<Versioned>, Error> {
    let after = page.cursor::<String>()?.unwrap_or_default();
    let found = definition::list(
        platform.database(),
        filter.workflow_type.as_deref(),
        filter.project_id.as_deref(),
        &after,
        page.fetch(),
    )
    .await?;
    Ok(page.answer(found, |one| one.definition.id.clone()))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    /// Another version than the current one.
    version: Option<i64>,
}

pub(crate) async fn read<P: Platform>(
    State(platform): State<P>,
    Path(id): Path<String>,
    Query(which): Query<Which>,
) -> Result<Tagged<Json<Versioned>>, Error> {
    let found = definition::get(platform.database(), &id, which.version).await?;
    Ok(Tagged(found.version, Json(found)))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Shown {
    version: Option<i64>,
    /// Shows the version that this execution follows, and where it is.
    execution: Option<String>,
}

/// The graph as a Mermaid flowchart.
pub(crate) async fn graph<P: Platform>(
    State(platform): State<P>,
    Path(id): Path<String>,
    Query(shown): Query<Shown>,
) -> Result<Response, Error> {
    let mut version = shown.version;
    let mut current = None;
    if let Some(execution_id) = shown.execution {
        let execution = workflow::get(platform.database(), &execution_id).await?;
        if execution.workflow_id != id {
            let problem = format!("follows the workflow {}, not {id}", execution.workflow_id);
            return Err(Error::invalid_fields().field("execution", problem));
        }
        if version.is_some_and(|version| version != execution.workflow_version) {
            let problem = format!(
                "must be {}, which the execution follows; leave it out",
                execution.workflow_version
            );
            return Err(Error::invalid_fields().field("version", problem));
        }
        version = Some(execution.workflow_version);
        current = Some(execution.node);
    }
    let found = definition::get(platform.database(), &id, version).await?;
    let text = mermaid(&found.definition, current.as_deref());
    Ok(([(CONTENT_TYPE, "text/vnd.mermaid; charset=utf-8")], text).into_response())
}
