//! One accepted call for a completion, until it is known what to answer.

use loom_double_server::answer_late;
use serde_json::Value;

use super::outgoing::Outgoing;
use crate::answer::{Answer, Misbehaviour};
use crate::config::{Key, Source};
use crate::request::ChatRequestSeen;
use crate::state::State;
use crate::wire::{self, Decoded};

/// One accepted call for a completion.
pub(super) struct Call<'a> {
    pub(super) state: &'a State,
    pub(super) key: &'a Key,
    pub(super) decoded: Decoded,
    pub(super) request_id: String,
    pub(super) idempotency_key: Option<String>,
    /// What a storable answer is stored under.
    pub(super) scoped: Option<String>,
    pub(super) number: usize,
    /// Whether it came by `/v1/chat`.
    pub(super) native: bool,
}

impl Call<'_> {
    pub(super) async fn answer(&self) -> Outgoing {
        let now_ms = self.state.now_ms();
        let tokens = wire::estimated_tokens(&self.decoded.messages);
        let route = self
            .state
            .lock()
            .registry
            .route(&self.decoded.model, tokens, now_ms);
        let Some(first) = route.candidates.first() else {
            return self.error(502, "no eligible models registered");
        };
        let payload = wire::forwarded(&self.decoded, &first.id);
        self.state
            .amend(self.number, |seen| seen.forwarded = Some(payload));

        let seen = self.seen();
        let answer = match &self.state.config.source {
            Source::Respond(respond) => respond(&seen),
            Source::Script(script) => script.answer(&seen).unwrap_or_else(|| {
                Answer::text("The script of the TokenHub double has no conversation that matches this request.")
            }),
        };
        let misbehaviour = self.misbehaviour(&answer, &seen);
        answer_late(answer.delay).await;
        if let Some(gate) = &answer.gate {
            gate.pass().await;
        }
        if misbehaviour == Some(Misbehaviour::Hang) {
            self.state.hung.pass().await;
        }
        self.deliver(&answer, misbehaviour, &route, seen.turn)
    }

    fn seen(&self) -> ChatRequestSeen {
        let tools = self
            .decoded
            .parameters
            .get("tools")
            .and_then(Value::as_array);
        let mut seen = ChatRequestSeen {
            messages: self.decoded.messages.clone(),
            tools: tools
                .into_iter()
                .flatten()
                .filter_map(|tool| {
                    tool.pointer("/function/name")
                        .and_then(Value::as_str)
                        .map(str::to_owned)
                })
                .collect(),
            model: self.decoded.model.clone(),
            stream: self.decoded.stream,
            key_id: self.key.id.clone(),
            request_id: self.request_id.clone(),
            idempotency_key: self.idempotency_key.clone(),
            turn: self
                .decoded
                .messages
                .iter()
                .filter(|message| message.role == "assistant")
                .count(),
            attempt: 0,
        };
        let mut changing = self.state.lock();
        let attempts = changing.attempts.entry(seen.fingerprint()).or_default();
        seen.attempt = *attempts;
        *attempts += 1;
        seen
    }

    fn misbehaviour(&self, answer: &Answer, seen: &ChatRequestSeen) -> Option<Misbehaviour> {
        let own = answer
            .misbehave
            .as_ref()
            .filter(|rule| rule.times.is_none_or(|times| seen.attempt < times))
            .map(|rule| rule.kind.clone());
        let by_chance = || {
            self.state
                .config
                .faults
                .as_ref()?
                .roll(&seen.fingerprint(), seen.attempt)
        };
        own.or_else(by_chance)
    }
}
