use futures_util::future::join;
use loom_domain::{model_failure::ModelFailure, provider::Provider};
use loom_platform::HttpClient;
use loom_store::provider::Probe;
use loom_tokenhub::{Client, Health, Model};

/// Asks a provider how it is and which models it has, each with a limit of ten seconds.
///
/// Healthy is one that lists at least one model. TokenHub's own verdict is heard too, but a provider without
/// `/healthz` may be healthy all the same.
pub(crate) async fn probe<H: HttpClient>(http: &H, provider: &Provider, api_key: &str) -> Probe {
    let client = Client::new(http.clone(), &provider.endpoint, api_key);
    let (health, models) = join(client.health(), client.models()).await;
    judge(provider, health, models)
}

fn judge(
    provider: &Provider,
    health: Result<Health, ModelFailure>,
    models: Result<Vec<Model>, ModelFailure>,
) -> Probe {
    let failed = |error: String| Probe::Failed { error };
    let models = match models {
        Ok(models) => models,
        Err(failure) => return failed(failure.to_string()),
    };
    if let Ok(health) = health
        && !health.is_healthy()
    {
        return failed(format!(
            "It runs, but has {} provider adapter(s) and {} model(s): add both there.",
            health.adapters, health.models
        ));
    }
    if models.is_empty() {
        return failed("It runs, but lists no model: add one there.".to_owned());
    }
    Probe::Healthy {
        context_window: window(provider, &models),
    }
}

/// The window of the provider's model, or the smallest that is known: whichever model answers, the prompt must fit.
fn window(provider: &Provider, models: &[Model]) -> Option<i64> {
    let own = provider
        .model
        .as_ref()
        .and_then(|id| models.iter().find(|model| model.id == *id))
        .and_then(|model| model.context_length);
    let smallest = || models.iter().filter_map(|model| model.context_length).min();
    own.or_else(smallest).map(i64::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use loom_domain::provider::ProviderInput;

    fn provider(model: Option<&str>) -> Provider {
        let input = ProviderInput {
            name: Some("T".into()),
            endpoint: Some("http://t".into()),
            model: model.map(str::to_owned),
            ..ProviderInput::default()
        };
        input.register().unwrap()
    }

    fn model(id: &str, context_length: Option<u32>) -> Model {
        Model {
            id: id.into(),
            context_length,
        }
    }

    #[test]
    fn the_window_is_that_of_the_model_or_the_smallest() {
        let models = [
            model("a", Some(8_000)),
            model("b", Some(32_000)),
            model("c", None),
        ];
        for (wanted, window_is) in [
            (Some("b"), Some(32_000)),
            (Some("c"), Some(8_000)),
            (Some("gone"), Some(8_000)),
            (None, Some(8_000)),
        ] {
            assert_eq!(window(&provider(wanted), &models), window_is, "{wanted:?}");
        }
        assert_eq!(window(&provider(None), &[model("c", None)]), None);
    }

    #[test]
    fn only_models_make_it_healthy() {
        let well = || {
            Ok(Health {
                adapters: 1,
                models: 1,
            })
        };
        let one = || Ok(vec![model("a", None)]);
        let refused = || {
            Err(ModelFailure::CannotConnect {
                detail: "refused".into(),
            })
        };
        let healthy = Probe::Healthy {
            context_window: None,
        };
        let p = provider(None);
        assert_eq!(judge(&p, well(), one()), healthy);
        assert_eq!(
            judge(&p, Err(ModelFailure::EndpointNotFound), one()),
            healthy
        );
        let nothing = Health {
            adapters: 0,
            models: 0,
        };
        for (health, models) in [
            (well(), Ok(vec![])),
            (well(), refused()),
            (Ok(nothing), one()),
        ] {
            assert!(
                matches!(judge(&p, health, models), Probe::Failed { error } if !error.is_empty())
            );
        }
    }
}
