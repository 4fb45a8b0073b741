use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http_body_util::BodyExt;
use loom_api::{Error, Json};
use loom_domain::project::ProjectInput;
use serde_json::Value;

/// The body of a registration: a [`ProjectInput`], and beside it the roles of the team.
///
/// Serde cannot both flatten and refuse unknown fields, so `team` is taken out before the rest is read.
#[derive(Debug)]
pub(crate) struct Registration {
    pub(crate) project: ProjectInput,
    /// The roles as they were given; `None` = the default team.
    pub(crate) team: Option<Vec<String>>,
}

impl<S: Sync> FromRequest<S> for Registration {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map_err(Error::internal)?.to_bytes();
        let (rest, team) = without_team(&body)?;
        let request = Request::from_parts(parts, axum::body::Body::from(rest));
        let Json(project) = Json::from_request(request, state).await?;
        Ok(Self { project, team })
    }
}

fn without_team(body: &Bytes) -> Result<(Bytes, Option<Vec<String>>), Error> {
    // What is no JSON object is left for the JSON extractor, which says where it breaks off.
    let Ok(Value::Object(mut fields)) = serde_json::from_slice::<Value>(body) else {
        return Ok((body.clone(), None));
    };
    let Some(team) = fields.remove("team") else {
        return Ok((body.clone(), None));
    };
    let team = serde_json::from_value(team).map_err(|_| {
        let problem = "must be a list of roles, such as [\"engineering-manager\"]";
        Error::invalid_fields().field("team", problem)
    })?;
    let rest = Value::Object(fields).to_string();
    Ok((Bytes::from(rest), Some(team)))
}
