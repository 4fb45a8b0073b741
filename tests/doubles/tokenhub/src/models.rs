//! Which model answers.

use std::collections::HashMap;

use crate::config::{Model, Provider};

/// Tokens that TokenHub assumes a reply to have before it knows.
pub(crate) const ASSUMED_REPLY_TOKENS: f64 = 512.0;

const ERRORS_UNTIL_DOWN: u32 = 5;
const COOLDOWN_MS: i64 = 30_000;

/// The registry and the providers' health.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    pub(crate) models: Vec<Model>,
    pub(crate) providers: Vec<Provider>,
    pub(crate) aliases: Vec<(String, String)>,
    pub(crate) max_call_usd: f64,
    health: HashMap<String, Health>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Health {
    errors_in_a_row: u32,
    down_until_ms: i64,
}

/// What routing came to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Route {
    /// The models to try, in order.
    pub(crate) candidates: Vec<Model>,
    /// The alias that was applied.
    pub(crate) alias: Option<String>,
}

impl Registry {
    pub(crate) fn new(
        models: Vec<Model>,
        providers: Vec<Provider>,
        aliases: Vec<(String, String)>,
        max_call_usd: f64,
    ) -> Self {
        Self {
            models,
            providers,
            aliases,
            max_call_usd,
            health: HashMap::new(),
        }
    }

    fn has_adapter(&self, model: &Model) -> bool {
        self.providers
            .iter()
            .any(|provider| provider.id == model.provider)
    }

    /// The models to try for a request of about `tokens` tokens that asks for `hint`.
    pub(crate) fn route(&self, hint: &str, tokens: u64, now_ms: i64) -> Route {
        let (hint, alias) = self.resolve(hint.trim());
        let usable = |model: &&Model| model.enabled && self.has_adapter(model);
        let mut candidates: Vec<Model> = self
            .models
            .iter()
            .filter(usable)
            .filter(|model| self.is_eligible(model, tokens, now_ms))
            .cloned()
            .collect();
        if candidates.is_empty() {
            // The last resort ignores context, price and cooldown.
            candidates = self.models.iter().filter(usable).cloned().collect();
        }
        candidates.sort_by(|a, b| {
            (a.id != hint, b.weight)
                .cmp(&(b.id != hint, a.weight))
                .then(a.input_per_1k.total_cmp(&b.input_per_1k))
        });
        Route { candidates, alias }
    }

    /// The model meant by what the client wrote, and the alias if it was one.
    fn resolve(&self, hint: &str) -> (String, Option<String>) {
        if let Some((first, bare)) = hint.split_once('/')
            && !first.is_empty()
            && self.models.iter().any(|model| model.id == bare)
        {
            return (bare.to_owned(), None);
        }
        match self.aliases.iter().find(|(alias, _)| alias == hint) {
            Some((alias, model)) => (model.clone(), Some(alias.clone())),
            None => (hint.to_owned(), None),
        }
    }

    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss
    )]
    fn is_eligible(&self, model: &Model, tokens: u64, now_ms: i64) -> bool {
        let with_headroom = (tokens as f64 * 1.15) as u64;
        let fits = model.max_context_tokens == 0 || with_headroom <= model.max_context_tokens;
        let cheap = self.max_call_usd == 0.0
            || cost(model, tokens, ASSUMED_REPLY_TOKENS) <= self.max_call_usd;
        let up = self
            .health
            .get(&model.provider)
            .is_none_or(|health| health.down_until_ms <= now_ms);
        fits && cheap && up
    }

    /// Tries the candidates in order and returns the first whose provider works, or the last provider's error.
    pub(crate) fn try_each(
        &mut self,
        candidates: &[Model],
        now_ms: i64,
    ) -> Result<Model, (u16, String)> {
        let mut last = (502, String::new());
        for model in candidates {
            let failing = self
                .providers
                .iter()
                .find(|provider| provider.id == model.provider)
                .and_then(|p| p.failing.clone());
            let health = self.health.entry(model.provider.clone()).or_default();
            match failing {
                None => {
                    *health = Health::default();
                    return Ok(model.clone());
                }
                Some(error) => {
                    health.errors_in_a_row += 1;
                    if health.errors_in_a_row >= ERRORS_UNTIL_DOWN {
                        health.down_until_ms = now_ms + COOLDOWN_MS;
                    }
                    last = error;
                }
            }
        }
        Err(last)
    }
}

/// US dollars for so many tokens.
#[allow(clippy::cast_precision_loss)]
pub(crate) fn cost(model: &Model, prompt_tokens: u64, completion_tokens: f64) -> f64 {
    prompt_tokens as f64 / 1_000.0 * model.input_per_1k
        + completion_tokens / 1_000.0 * model.output_per_1k
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registry() -> Registry {
        let model = |id: &str, context, input, output, weight| Model {
            weight,
            max_context_tokens: context,
            input_per_1k: input,
            output_per_1k: output,
            ..Model::new(id, "p")
        };
        Registry::new(
            vec![
                model("dear", 200_000, 0.015, 0.075, 9),
                model("small", 1_000, 0.0, 0.0, 8),
                model("good", 0, 0.0, 0.0, 5),
                Model {
                    enabled: false,
                    ..model("off", 0, 0.0, 0.0, 10)
                },
            ],
            vec![Provider::new("p")],
            vec![(String::from("house"), String::from("good"))],
            0.05,
        )
    }

    fn first(hint: &str, tokens: u64) -> String {
        registry()
            .route(hint, tokens, 0)
            .candidates
            .swap_remove(0)
            .id
    }

    #[test]
    fn a_model_is_replaced_when_its_estimate_exceeds_the_cap() {
        assert_eq!(first("dear", 750), "dear");
        assert_eq!(first("dear", 800), "small");
    }

    #[test]
    fn a_model_is_replaced_when_its_context_is_too_small() {
        assert_eq!(first("small", 869), "small");
        assert_eq!(first("small", 1_000), "good");
    }

    #[test]
    fn unknown_and_disabled_models_are_replaced() {
        assert_eq!(first("nope", 10), "dear");
        assert_eq!(first("off", 10), "dear");
    }

    #[test]
    fn a_prefix_and_an_alias_are_understood() {
        assert_eq!(first("any/good", 10), "good");
        let route = registry().route("house", 10, 0);
        assert_eq!(
            (route.candidates[0].id.as_str(), route.alias.as_deref()),
            ("good", Some("house"))
        );
    }

    #[test]
    fn when_nothing_is_eligible_everything_is_tried() {
        let mut registry = registry();
        registry.models.retain(|model| model.id == "dear");
        assert_eq!(registry.route("", 1_000_000, 0).candidates.len(), 1);
        registry.providers.clear();
        assert_eq!(registry.route("", 1, 0).candidates.len(), 0);
    }

    #[test]
    fn five_errors_in_a_row_cool_a_provider_down() {
        let mut registry = registry();
        registry.providers[0].failing = Some((500, String::from("x")));
        registry.models.push(Model {
            weight: 0,
            ..Model::new("other", "q")
        });
        registry.providers.push(Provider::new("q"));
        let route = registry.route("good", 10, 0);
        assert_eq!(registry.try_each(&route.candidates, 0).unwrap().id, "other");
        let again = registry.route("good", 10, 0);
        registry.try_each(&again.candidates, 0).unwrap();
        assert_eq!(registry.route("good", 10, 0).candidates.len(), 1);
        assert_eq!(registry.route("good", 10, 30_000).candidates.len(), 4);
    }
}
