use axum::extract::{FromRequest, Request};
use http_body_util::BodyExt;
use loom_api::{Error, Json};
use loom_domain::provider::ProviderInput;
use serde_json::Value;

/// A [`ProviderInput`], with an answer of its own to whoever sends a key along.
#[derive(Debug)]
pub(crate) struct Input(pub(crate) ProviderInput);

impl<S: Sync> FromRequest<S> for Input {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map_err(Error::internal)?.to_bytes();
        if let Ok(Value::Object(fields)) = serde_json::from_slice::<Value>(&body)
            && fields.contains_key("api_key")
        {
            let problem = "is not kept here: secrets are never in the database. Set the variable \
                           SPIN_VARIABLE_TOKENHUB_API_KEY where Loom is started, and leave this out";
            return Err(Error::invalid_fields().field("api_key", problem));
        }
        let request = Request::from_parts(parts, axum::body::Body::from(body));
        let Json(input) = Json::from_request(request, state).await?;
        Ok(Self(input))
    }
}
