//! The routes that need no key.

use super::outgoing::Outgoing;
use crate::json;
use crate::state::State;

pub(super) fn health(state: &State) -> Outgoing {
    let changing = state.lock();
    let (adapters, models) = (
        changing.registry.providers.len(),
        changing.registry.models.len(),
    );
    let (status, word) = if adapters > 0 && models > 0 {
        (200, "ok")
    } else {
        (503, "unhealthy")
    };
    Outgoing::json(
        status,
        format!("{{\"adapters\":{adapters},\"models\":{models},\"status\":\"{word}\"}}\n"),
    )
}

pub(super) fn models_list(state: &State) -> Outgoing {
    let mut changing = state.lock();
    let mut listed: Vec<String> = changing
        .registry
        .models
        .iter()
        .filter(|model| model.enabled)
        .map(|model| {
            let (id, provider) = (json::string(&model.id), json::string(&model.provider));
            let length = model.max_context_tokens;
            let context = if length > 0 {
                format!(r#","context_length":{length},"max_model_len":{length}"#)
            } else {
                String::new()
            };
            format!(r#"{{"id":{id},"object":"model","owned_by":{provider}{context}}}"#)
        })
        .collect();
    if listed.is_empty() {
        return Outgoing::json(200, String::from("{\"data\":null,\"object\":\"list\"}\n"));
    }
    // The real one's order is random; here each call begins with another model.
    let first = changing.listed % listed.len();
    changing.listed += 1;
    listed.rotate_left(first);
    Outgoing::json(
        200,
        format!("{{\"data\":[{}],\"object\":\"list\"}}\n", listed.join(",")),
    )
}
