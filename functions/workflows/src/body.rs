use axum::extract::{FromRequest, Request};
use http::header::CONTENT_TYPE;
use http_body_util::BodyExt;
use loom_api::{Error, Json, Query};
use loom_domain::workflow::{Definition, Problem, yaml};
use serde::Deserialize;
use serde_json::Value;

/// A definition that somebody sends: as JSON around a YAML text, or as the YAML itself.
#[derive(Debug)]
pub(crate) struct Input {
    /// Whose it is to be; of one that is there already it may be left out.
    pub(crate) project_id: Option<String>,
    pub(crate) definition: Definition,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    project_id: Option<String>,
    /// The YAML as a text, or the definition as an object.
    definition: Value,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    project_id: Option<String>,
}

impl<S: Sync> FromRequest<S> for Input {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        if !is_yaml(&request) {
            let Json(envelope) = Json::<Envelope>::from_request(request, state).await?;
            let text = match envelope.definition {
                Value::String(text) => text,
                other => serde_json::to_string_pretty(&other).map_err(Error::internal)?,
            };
            return Self::parse(envelope.project_id, &text);
        }
        let (mut parts, body) = request.into_parts();
        let Query(parameters) =
            <Query<Parameters> as axum::extract::FromRequestParts<S>>::from_request_parts(
                &mut parts, state,
            )
            .await?;
        let body = body.collect().await.map_err(Error::internal)?.to_bytes();
        let text = std::str::from_utf8(&body).map_err(|error| {
            let message = format!(
                "The body is not UTF-8: byte {} is not part of a character.",
                error.valid_up_to()
            );
            Error::unreadable("invalid_utf8", message)
        })?;
        Self::parse(parameters.project_id, text)
    }
}

impl Input {
    fn parse(project_id: Option<String>, text: &str) -> Result<Self, Error> {
        let definition = yaml::parse(text).map_err(|problems| Problem::refusal(&problems))?;
        Ok(Self {
            project_id,
            definition,
        })
    }
}

/// RFC 9512, and the names that were in use before it.
fn is_yaml(request: &Request) -> bool {
    let given = request.headers().get(CONTENT_TYPE);
    let essence = given
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .unwrap_or_default()
        .trim();
    ["application/yaml", "application/x-yaml", "text/yaml"]
        .iter()
        .any(|name| essence.eq_ignore_ascii_case(name))
}
