//! The call to the model: opened, made, tried again, journalled.

use std::time::Duration;

use loom_api::Settings;
use loom_domain::{
    budget::{BudgetScope, reservation_tokens},
    conversation::{Message, Reply},
    model_failure::{ModelFailure, Response, response},
    provider::{Provider, cost_micro_usd},
    run::{EndReason, Hold},
};
use loom_platform::{Clock, Database, Platform, Transaction, Variables};
use loom_store::{
    Change,
    budget::Caps,
    provider,
    run::{self, NewStep, OpenedStep, StepReply},
};
use loom_tokenhub::{ChatReply, ChatRequest, Client};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{context::Context, keep_lease::keep_lease, stop::Stop};

/// The longest reply, in tokens.
pub(crate) const MAX_REPLY_TOKENS: u32 = 4_096;

/// The longest wait between two calls that is spent holding the run; a longer one is left to the tick.
const LONGEST_HELD_WAIT_MS: u64 = 10_000;

const TEMPERATURE: f64 = 0.2;

/// A request as it is kept until its reply is journalled: a repeated call must send the same bytes, or TokenHub would
/// not recognise it and be paid again.
#[derive(Debug, Serialize, Deserialize)]
struct StoredRequest {
    model: Option<String>,
    messages: Vec<Message>,
    tools: Vec<Value>,
}

/// The reply of a step: the journalled one if there is one, else the model's, journalled (invariants I7 and I11).
pub(crate) async fn reply<P: Platform>(
    platform: &P,
    settings: &Settings,
    hold: &Hold,
    number: i64,
) -> Result<Reply, Stop> {
    let opened = match reopen(platform, hold, number).await? {
        Some(opened) => opened,
        None => open(platform, settings, hold, number).await?,
    };
    match opened {
        OpenedStep::Replied(reply) => Ok(reply),
        OpenedStep::Call {
            request,
            provider_id,
            failures,
            key_number,
        } => {
            let request: StoredRequest =
                serde_json::from_str(&request).map_err(loom_api::Error::internal)?;
            let Some(provider) = provider::find(platform.database(), &provider_id).await? else {
                return Err(Stop::End(EndReason::Failed {
                    code: "provider_deleted".to_owned(),
                    message: format!("The provider {provider_id} was deleted while it was called."),
                }));
            };
            let call = Call {
                hold,
                number,
                request,
                provider,
                failures,
                key_number,
            };
            call.make(platform, settings).await
        }
        OpenedStep::BudgetExceeded(scope) => Err(Stop::End(EndReason::BudgetExceeded { scope })),
        OpenedStep::Ended => Ok(Reply {
            content: String::new(),
            tool_calls: Vec::new(),
            finish_reason: String::new(),
        }),
    }
}

async fn reopen<P: Platform>(
    platform: &P,
    hold: &Hold,
    number: i64,
) -> Result<Option<OpenedStep>, Stop> {
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), "agent-step").await?;
    let opened = run::reopen_step(&change, hold, number).await?;
    tx.commit().await?;
    Ok(opened)
}

async fn open<P: Platform>(
    platform: &P,
    settings: &Settings,
    hold: &Hold,
    number: i64,
) -> Result<OpenedStep, Stop> {
    let context = Context::load(platform, hold).await?;
    let Some(provider) = choose_provider(platform, &context).await? else {
        let why = "No provider is healthy.".to_owned();
        return Err(Stop::Park {
            after_ms: 10_000,
            why,
        });
    };
    let tools = context.tools();
    let window = usize::try_from(provider.context_window).unwrap_or(usize::MAX);
    let messages = context.messages(platform, settings, number, window).await?;
    let model = context
        .agent
        .model
        .clone()
        .or_else(|| provider.model.clone());
    let request = StoredRequest {
        model,
        messages,
        tools,
    };
    let text = serde_json::to_string(&request).map_err(loom_api::Error::internal)?;
    let (prompt, completion) = reservation_tokens(text.len(), i64::from(MAX_REPLY_TOKENS));
    let new = NewStep {
        number,
        request: &text,
        reservation_micro_usd: cost_micro_usd(&provider, prompt, completion),
        caps: Caps::new(&context.project, settings.daily_budget_micro_usd),
        provider_id: &provider.id,
        model_asked: request.model.as_deref(),
    };
    let actor = format!("agent:{}", context.agent.id);
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), &actor).await?;
    let opened = run::open_step(&change, hold, &new).await?;
    if let OpenedStep::BudgetExceeded(scope) = opened {
        // Not committed: the reservations made before the one that was refused go with the transaction.
        drop(tx);
        tell_budget(platform, &context, scope).await?;
        return Ok(OpenedStep::BudgetExceeded(scope));
    }
    context.mark_messages_read(&tx).await?;
    tx.commit().await?;
    Ok(opened)
}

async fn tell_budget<P: Platform>(
    platform: &P,
    context: &Context,
    scope: BudgetScope,
) -> Result<(), Stop> {
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), "agent-step").await?;
    let event = loom_domain::event::NewEvent::new(loom_domain::event::EventKind::BudgetExceeded)
        .project(&context.project.id)
        .bead(&context.bead.id)
        .run(&context.run.id)
        .with("scope", scope.as_str());
    change.event(event).await?;
    tx.commit().await?;
    Ok(())
}

async fn choose_provider<P: Platform>(
    platform: &P,
    context: &Context,
) -> Result<Option<Provider>, Stop> {
    let database = platform.database();
    if let Some(id) = &context.agent.provider_id
        && let Some(provider) = provider::find(database, id).await?
    {
        return Ok(Some(provider));
    }
    Ok(provider::first_healthy(database).await?)
}

/// An open call.
struct Call<'a> {
    hold: &'a Hold,
    number: i64,
    request: StoredRequest,
    provider: Provider,
    failures: i64,
    key_number: i64,
}

impl Call<'_> {
    async fn make<P: Platform>(mut self, platform: &P, settings: &Settings) -> Result<Reply, Stop> {
        let key = platform
            .variables()
            .get_optional("tokenhub_api_key")
            .await
            .ok()
            .flatten()
            .unwrap_or_default();
        let client = Client::new(platform.http().clone(), &self.provider.endpoint, &key);
        let mut request = ChatRequest {
            model: self.request.model.clone(),
            messages: std::mem::take(&mut self.request.messages),
            tools: std::mem::take(&mut self.request.tools),
            temperature: Some(TEMPERATURE),
            max_tokens: Some(MAX_REPLY_TOKENS),
            idempotency_key: String::new(),
            request_id: format!("{}-{}", self.hold.run_id, self.number),
        };
        loop {
            request.idempotency_key =
                format!("{}:{}:{}", self.hold.run_id, self.number, self.key_number);
            let answer = keep_lease(
                platform,
                self.hold,
                settings.lease_ms,
                client.complete(&request),
            )
            .await?;
            let failure = match answer {
                Ok(reply) => return self.journal(platform, reply).await,
                Err(failure) => failure,
            };
            self.failures += 1;
            match response(&failure, u32::try_from(self.failures).unwrap_or(u32::MAX)) {
                Response::Retry { after_ms, new_key } => {
                    self.wait(platform, settings, &failure, after_ms, new_key)
                        .await?
                }
                Response::Escalate => {
                    self.distrust_provider(platform, &failure).await?;
                    let (code, message) = (failure.code().to_owned(), failure.to_string());
                    return Err(Stop::End(EndReason::ProviderRefused { code, message }));
                }
                Response::Fail => {
                    let (code, message) = (failure.code().to_owned(), failure.to_string());
                    return Err(Stop::End(EndReason::Failed { code, message }));
                }
            }
        }
    }

    async fn wait<P: Platform>(
        &mut self,
        platform: &P,
        settings: &Settings,
        failure: &ModelFailure,
        after_ms: u64,
        new_key: bool,
    ) -> Result<(), Stop> {
        run::record_failed_call(platform.database(), self.hold, self.number, new_key).await?;
        self.key_number += i64::from(new_key);
        if after_ms > LONGEST_HELD_WAIT_MS {
            return Err(Stop::Park {
                after_ms: i64::try_from(after_ms).unwrap_or(i64::MAX),
                why: failure.to_string(),
            });
        }
        keep_lease(
            platform,
            self.hold,
            settings.lease_ms,
            platform.clock().sleep(Duration::from_millis(after_ms)),
        )
        .await
    }

    /// A provider that refuses for good is not given more work until a probe says otherwise, ten minutes from now.
    async fn distrust_provider<P: Platform>(
        &self,
        platform: &P,
        failure: &ModelFailure,
    ) -> Result<(), Stop> {
        let tx = platform.database().transaction().await?;
        let change = Change::new(&tx, platform.random(), "agent-step").await?;
        let failed = Provider {
            failures: 5,
            ..self.provider.clone()
        };
        provider::record_probe(
            &change,
            &failed,
            provider::Probe::Failed {
                error: failure.to_string(),
            },
        )
        .await?;
        tx.commit().await?;
        Ok(())
    }

    async fn journal<P: Platform>(&self, platform: &P, reply: ChatReply) -> Result<Reply, Stop> {
        let usage = reply.usage;
        let tokens = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let prompt_tokens = usage.map_or(0, |usage| tokens(usage.prompt_tokens));
        let completion_tokens = usage.map_or(0, |usage| tokens(usage.completion_tokens));
        let record = StepReply {
            number: self.number,
            reply: &reply.reply,
            model_given: &reply.model_given,
            prompt_tokens,
            completion_tokens,
            is_estimated: usage.is_none_or(|usage| usage.estimated),
            cost_micro_usd: cost_micro_usd(&self.provider, prompt_tokens, completion_tokens),
        };
        let tx = platform.database().transaction().await?;
        let change = Change::new(&tx, platform.random(), "agent-step").await?;
        run::record_reply(&change, self.hold, &record).await?;
        tx.commit().await?;
        Ok(reply.reply)
    }
}
