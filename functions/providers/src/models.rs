use axum::extract::State;
use loom_api::{Error, Json, Path};
use loom_domain::model_failure::ModelFailure;
use loom_platform::{Platform, Variables};
use loom_store::provider;
use loom_tokenhub::Client;
use serde::Serialize;

#[derive(Debug, Serialize)]
pub(crate) struct Models {
    models: Vec<Model>,
}

#[derive(Debug, Serialize)]
struct Model {
    id: String,
    /// In tokens, when the provider tells.
    context_window: Option<u32>,
}

/// What the provider itself says, asked now.
pub(crate) async fn models<P: Platform>(
    State(platform): State<P>,
    Path(id): Path<String>,
) -> Result<Json<Models>, Error> {
    let provider = provider::get(platform.database(), &id).await?;
    let key = platform
        .variables()
        .get_optional("tokenhub_api_key")
        .await?
        .unwrap_or_default();
    let client = Client::new(platform.http().clone(), &provider.endpoint, &key);
    let models = client
        .models()
        .await
        .map_err(|failure| behind(&id, &failure))?;
    Ok(Json(Models {
        models: models
            .into_iter()
            .map(|model| Model {
                id: model.id,
                context_window: model.context_length,
            })
            .collect(),
    }))
}

/// A provider's failure as this API's own.
fn behind(id: &str, failure: &ModelFailure) -> Error {
    let message = format!("The provider {id} did not list its models: {failure}");
    let error = match failure {
        ModelFailure::TimedOut { .. } => Error::gateway_timeout("provider_timeout", message),
        ModelFailure::HostDenied { .. } => Error::bad_gateway(
            "provider_host_denied",
            format!(
                "{message} Add the host to allowed_outbound_hosts of the component providers in spin.toml."
            ),
        ),
        _ => Error::bad_gateway("provider_failed", message),
    };
    error.detail("failure", failure.code())
}
