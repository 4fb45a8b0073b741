use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream::unfold;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use loom_api::{Error, Query};
use loom_domain::bead_file::jsonl;
use loom_platform::Platform;
use loom_store::bead;
use loom_store::{StoreError, project};
use serde::Deserialize;

/// How many beads are in memory at once.
const PAGE: i64 = 500;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Parameters {
    project_id: String,
}

/// One line a bead, by id. It is read a page at a time, so beads that change meanwhile may be shown before or after
/// their change.
pub(crate) async fn export<P: Platform>(
    State(platform): State<P>,
    Query(parameters): Query<Parameters>,
) -> Result<Response, Error> {
    let project = project::get(platform.database(), &parameters.project_id).await?;
    let name = format!("attachment; filename=\"{}.jsonl\"", project.bead_prefix);
    let pages = unfold(Some(String::new()), move |after| {
        let (platform, project_id) = (platform.clone(), project.id.clone());
        async move {
            let after = after?;
            match page(&platform, &project_id, &after).await {
                Ok(None) => None,
                Ok(Some((text, last))) => Some((Ok(Bytes::from(text)), Some(last))),
                Err(error) => Some((Err(error), None)),
            }
        }
    });
    let headers = [
        (CONTENT_TYPE, "application/x-ndjson".to_owned()),
        (CONTENT_DISPOSITION, name),
    ];
    Ok((headers, Body::from_stream(pages)).into_response())
}

/// The lines of the next beads after an id, and the last of them; `None` when there are no more.
async fn page<P: Platform>(
    platform: &P,
    project_id: &str,
    after: &str,
) -> Result<Option<(String, String)>, StoreError> {
    let beads = bead::export_files(platform.database(), project_id, after, PAGE).await?;
    let Some(last) = beads.last().map(|bead| bead.id.clone()) else {
        return Ok(None);
    };
    Ok(Some((beads.iter().map(jsonl::line).collect(), last)))
}
