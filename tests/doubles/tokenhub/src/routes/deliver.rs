//! The answer to a call, with what goes wrong with it, and what it costs.

use bytes::Bytes;
use serde_json::Value;

use super::call::Call;
use super::outgoing::{Delivery, Outgoing};
use super::stored::keep;
use crate::answer::{Answer, Content, Misbehaviour, Usage};
use crate::config::Model;
use crate::ledger::LedgerEntry;
use crate::models::{self, Route};
use crate::{json, upstream, wire};

impl Call<'_> {
    /// Makes the answer. No awaits in here: what is paid is also stored, whatever becomes of the caller.
    pub(super) fn deliver(
        &self,
        answer: &Answer,
        misbehaviour: Option<Misbehaviour>,
        route: &Route,
        turn: usize,
    ) -> Outgoing {
        if let Some(canned) = misbehaviour.as_ref().and_then(|kind| self.canned(kind)) {
            return canned;
        }
        let now_ms = self.state.now_ms();
        let tried = self
            .state
            .lock()
            .registry
            .try_each(&route.candidates, now_ms);
        let mut model = match tried {
            Ok(model) => model,
            Err((status, body)) => return self.all_failed(status, &body),
        };
        if let Some(Misbehaviour::Substitute { model: other }) = &misbehaviour {
            model.id.clone_from(other);
        }
        if self.decoded.stream {
            return self.stream(answer, misbehaviour.as_ref(), &model, route, turn);
        }

        let mut answer = answer.clone();
        if let (Some(Misbehaviour::HugeReply { bytes }), Content::Message { text, .. }) =
            (&misbehaviour, &mut answer.content)
        {
            text.get_or_insert_default().push_str(&" ".repeat(*bytes));
        }
        let usage = self.usage(&answer);
        let (raw, paid) = match &misbehaviour {
            Some(Misbehaviour::NotModelOutput) => (
                String::from(r#"{"error":{"message":"The upstream is overloaded","code":529}}"#),
                false,
            ),
            Some(Misbehaviour::NoChoices) => (String::from(r#"{"choices":[]}"#), false),
            Some(Misbehaviour::ErrorInStream { .. }) => return self.all_failed(500, ""),
            _ => (upstream::body(&answer, turn, &model.id, usage), true),
        };
        let mut whole = if self.native {
            self.native_answer(&raw, &model, usage)
        } else {
            Outgoing::json(
                200,
                upstream::rebuilt(&raw, &self.request_id, &model.id, now_ms / 1_000),
            )
        };
        whole = whole.header("X-Negotiated-Model", &model.id);
        if let Some(alias) = &route.alias {
            whole = whole.header("X-Alias-From", alias);
        }
        if paid {
            self.pay(&model, usage, turn);
        }
        keep(self.state, self.scoped.as_deref(), &whole);
        match (misbehaviour, whole.delivery) {
            (Some(Misbehaviour::ReplyLost), _) => Outgoing::closed(),
            (Some(Misbehaviour::ReplyCut), Delivery::Whole(body)) => Outgoing {
                delivery: Delivery::Cut(body),
                status: whole.status,
                headers: whole.headers,
            },
            (_, delivery) => Outgoing {
                delivery,
                status: whole.status,
                headers: whole.headers,
            },
        }
    }

    fn stream(
        &self,
        answer: &Answer,
        misbehaviour: Option<&Misbehaviour>,
        model: &Model,
        route: &Route,
        turn: usize,
    ) -> Outgoing {
        let mut chunks = upstream::chunks(answer, turn, &model.id);
        let mut abort = false;
        match misbehaviour {
            Some(Misbehaviour::CutStream { after_chunks }) => chunks.truncate(*after_chunks),
            Some(Misbehaviour::AbortStream { after_chunks }) => {
                chunks.truncate(*after_chunks);
                abort = true;
            }
            Some(Misbehaviour::ReplyCut) => {
                chunks.truncate(chunks.len() / 2);
                abort = true;
            }
            Some(Misbehaviour::ErrorInStream { after_chunks }) => {
                chunks.truncate(*after_chunks);
                chunks.push(upstream::error_chunk());
            }
            Some(Misbehaviour::NotModelOutput) => {
                chunks = vec![String::from(
                    r#"{"error":{"message":"The upstream is overloaded","code":529}}"#,
                )];
            }
            Some(Misbehaviour::NoChoices) => chunks = vec![String::from("data: [DONE]\n\n")],
            _ => {}
        }
        self.pay(model, self.usage(answer), turn);
        if misbehaviour == Some(&Misbehaviour::ReplyLost) {
            return Outgoing::closed();
        }
        let mut outgoing = Outgoing::new(200, "text/event-stream", Bytes::new())
            .header("Cache-Control", "no-cache")
            .header("Connection", "keep-alive")
            .header("X-Negotiated-Model", &model.id);
        if let Some(alias) = &route.alias {
            outgoing = outgoing.header("X-Alias-From", alias);
        }
        outgoing.delivery = Delivery::Chunks { chunks, abort };
        outgoing
    }

    /// `/v1/chat` wraps the provider's body as it is, and forgets to say that it is JSON.
    fn native_answer(&self, raw: &str, model: &Model, usage: Usage) -> Outgoing {
        let cost = json::float(call_cost(model, usage));
        let model = json::string(&model.id);
        let raw = match serde_json::from_str::<Value>(raw) {
            Ok(value) => json::value(&value),
            Err(_) => json::string(raw),
        };
        Outgoing::new(
            200,
            "text/plain; charset=utf-8",
            format!(
                "{{\"negotiated_model\":{model},\"estimated_cost_usd\":{cost},\"routing_reason\":\"routed-hint-boost\",\"response\":{raw}}}\n"
            ),
        )
    }

    fn usage(&self, answer: &Answer) -> Usage {
        let prompt: usize = self
            .decoded
            .messages
            .iter()
            .map(|message| message.content.chars().count())
            .sum();
        upstream::usage(answer, prompt)
    }

    fn pay(&self, model: &Model, usage: Usage, turn: usize) {
        let tokens = wire::estimated_tokens(&self.decoded.messages);
        let cost_usd = if self.decoded.stream {
            models::cost(model, tokens, models::ASSUMED_REPLY_TOKENS)
        } else {
            call_cost(model, usage)
        };
        let mut changing = self.state.lock();
        *changing
            .keys
            .spent_usd
            .entry(self.key.id.clone())
            .or_default() += cost_usd;
        changing.ledger.add(LedgerEntry {
            idempotency_key: self.idempotency_key.clone().unwrap_or_default(),
            request_id: self.request_id.clone(),
            key_id: self.key.id.clone(),
            model: model.id.clone(),
            turn,
            prompt_tokens: usage.prompt_tokens,
            completion_tokens: usage.completion_tokens,
            cost_usd,
            stream: self.decoded.stream,
        });
        drop(changing);
        self.state.amend(self.number, |seen| seen.paid = true);
    }

    pub(super) fn error(&self, status: u16, message: &str) -> Outgoing {
        if self.native {
            Outgoing::plain_error(status, message)
        } else {
            Outgoing::openai_error(status, message)
        }
    }
}

#[allow(clippy::cast_precision_loss)]
fn call_cost(model: &Model, usage: Usage) -> f64 {
    models::cost(model, usage.prompt_tokens, usage.completion_tokens as f64)
}
