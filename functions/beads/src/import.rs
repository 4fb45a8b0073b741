use axum::extract::{FromRequest, Request, State};
use bytes::Bytes;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use http_body_util::BodyExt;
use loom_api::{Caller, Error, Json, Query};
use loom_domain::bead_file::jsonl::{self, Line};
use loom_platform::{Database, Platform, Transaction};
use loom_store::bead::{self, Imported, ImportedBead, Skipped, refuse_file};
use loom_store::{Change, project};
use serde::{Deserialize, Serialize};

/// The largest file, in bytes.
pub(crate) const LARGEST: usize = 10 * 1024 * 1024;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Parameters {
    project_id: String,
    /// Do everything but keep it.
    #[serde(default)]
    dry_run: bool,
}

#[derive(Debug, Serialize)]
pub(crate) struct Report {
    dry_run: bool,
    #[serde(flatten)]
    imported: Imported,
}

/// Lines of JSON, as bytes.
pub(crate) struct Lines(Bytes);

impl<S: Sync> FromRequest<S> for Lines {
    type Rejection = Error;

    async fn from_request(request: Request, _: &S) -> Result<Self, Error> {
        let (parts, body) = request.into_parts();
        let given = parts
            .headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let essence = given.split(';').next().unwrap_or_default().trim();
        let accepted = [
            "",
            "application/x-ndjson",
            "application/jsonl",
            "application/jsonlines",
            "application/octet-stream",
            "text/plain",
        ];
        if !accepted.contains(&essence.to_ascii_lowercase().as_str()) {
            let message = format!("The Content-Type is {essence}; send application/x-ndjson.");
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            return Err(Error::new(status, "unsupported_media_type", message));
        }
        // `serve` has read it within the route's limit; this only takes it.
        let body = body.collect().await.map_err(Error::internal)?.to_bytes();
        Ok(Self(body))
    }
}

/// All lines or none: with one mistake in the file, nothing of it is imported, and every mistake's line is told.
pub(crate) async fn import<P: Platform>(
    State(platform): State<P>,
    caller: Caller,
    Query(parameters): Query<Parameters>,
    Lines(body): Lines,
) -> Result<Json<Report>, Error> {
    let text = std::str::from_utf8(&body).map_err(|error| {
        let at = error.valid_up_to();
        let message = format!("The body is not UTF-8: byte {at} is not part of a character.");
        Error::unreadable("invalid_utf8", message)
    })?;
    let (mut beads, mut deleted, mut errors) = (Vec::new(), Vec::new(), Vec::new());
    for (index, line) in text.lines().enumerate() {
        match jsonl::parse(index + 1, line) {
            Ok(Line::Bead(file)) => beads.push(ImportedBead::of(index + 1, *file)),
            Ok(Line::Deleted(id)) => deleted.push(Skipped::deleted(index + 1, id)),
            Ok(Line::Empty) => {}
            Err(mistakes) => errors.extend(mistakes),
        }
    }
    if !errors.is_empty() {
        return Err(refuse_file(errors).into());
    }
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), &caller.name).await?;
    let project = project::get(&tx, &parameters.project_id).await?;
    let mut imported = bead::import(&change, &project, beads).await?;
    imported.skipped.extend(deleted);
    // A dry run has met every rule of the database too; without a commit nothing of it stays.
    if !parameters.dry_run {
        tx.commit().await?;
        loom_api::nudge(&platform);
    }
    Ok(Json(Report {
        dry_run: parameters.dry_run,
        imported,
    }))
}
