//! TokenHub as far as a step sees it: answers from scripts, keeps a ledger of what was paid, and misbehaves as the real
//! one does.
//!
//! As there, an answer below 500 is kept for five minutes under its key and body, and there is no lock: a request that
//! comes while the same one is still being answered is paid again.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use loom_platform::{
    Body, Clock, Platform, Statements, body_from, native::simulation::SimPlatform, read_body,
};
use serde_json::{Value, json};

use crate::{
    draw::Draw,
    flow::{
        plan::Temper,
        script::{self as flow_script, Place, Talk},
    },
    mutation::Mutation,
    plan::HubTroubles,
    script::{self, Answer, Script},
};

/// How long TokenHub remembers an answer.
const MEMORY_MS: i64 = 5 * 60 * 1_000;

/// Why a call was paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Because {
    /// It was the first of its key.
    First,
    /// The one before it was still being answered.
    InFlight,
    /// The answer to the one before it had been forgotten.
    Forgotten,
    /// Against the rules: only a broken TokenHub pays then.
    Broken,
}

/// A call that was paid.
#[derive(Debug, Clone)]
pub(crate) struct Payment {
    pub(crate) run: String,
    pub(crate) step: i64,
    /// The whole idempotency key.
    pub(crate) key: String,
    pub(crate) body: Bytes,
    pub(crate) because: Because,
    /// Whether the answer was a reply of the model.
    pub(crate) is_reply: bool,
    answered_at: Option<i64>,
    answer: (StatusCode, Bytes),
}

/// A call that arrived.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) run: String,
    pub(crate) key: String,
    /// Whether an earlier answer was given again.
    pub(crate) replayed: bool,
}

pub(crate) struct Hub {
    state: Mutex<State>,
}

struct State {
    draw: Draw,
    troubles: HubTroubles,
    /// By title of the bead.
    scripts: Vec<(String, Script)>,
    /// In the second kind of schedule: the seed, and how agents conclude.
    flow: Option<(u64, Temper)>,
    mutation: Option<Mutation>,
    payments: Vec<Payment>,
    calls: Vec<Call>,
}

/// What is in store for one call.
struct Fate {
    refusal: Option<Response<Body>>,
    is_garbage: bool,
    is_lost: bool,
    takes: Duration,
}

impl Hub {
    pub(crate) fn new(
        seed: u64,
        troubles: HubTroubles,
        scripts: Vec<(String, Script)>,
        flow: Option<Temper>,
        mutation: Option<Mutation>,
    ) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                draw: Draw::new(seed, "hub"),
                troubles,
                scripts,
                flow: flow.map(|temper| (seed, temper)),
                mutation,
                payments: Vec::new(),
                calls: Vec::new(),
            }),
        })
    }

    pub(crate) fn payments(&self) -> Vec<Payment> {
        self.lock().payments.clone()
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.lock().calls.clone()
    }

    /// From now on everything works.
    pub(crate) fn calm_down(&self) {
        let mut state = self.lock();
        state.troubles = HubTroubles::default();
        if let Some((_, temper)) = &mut state.flow {
            *temper = Temper::GOOD;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers a request. `observer` looks up whose conversation it is.
    pub(crate) async fn handle(
        self: Arc<Self>,
        platform: SimPlatform,
        observer: SimPlatform,
        request: Request<Body>,
    ) -> Response<Body> {
        match request.uri().path() {
            "/v1/models" => return listed(r#"{"object":"list","data":[{"id":"scripted"}]}"#),
            "/healthz" => return listed(r#"{"adapters":1,"models":1,"status":"ok"}"#),
            _ => {}
        }
        let key = request
            .headers()
            .get("idempotency-key")
            .map(|key| key.to_str().unwrap().to_owned())
            .expect("every call has a key");
        let body = read_body(request.into_body(), usize::MAX).await.unwrap();
        let mut parts = key.split(':');
        let run = parts.next().unwrap().to_owned();
        let step: i64 = parts.next().unwrap().parse().unwrap();

        let fate = self.lock().fate();
        let call = |replayed| Call {
            run: run.clone(),
            key: key.clone(),
            replayed,
        };
        if let Some(refusal) = fate.refusal {
            self.lock().calls.push(call(false));
            return refusal;
        }
        let now = now(&observer).await;
        let known = self.lock().known(&key, &body, now);
        if let Ok((status, answer)) = known {
            self.lock().calls.push(call(true));
            return answered(status, answer, true);
        }
        let because = known.err().unwrap_or(Because::First);
        let answer = if fate.is_garbage {
            self.lock().garbage()
        } else {
            let (title, bead, attempt) = conversation(&observer, &run).await;
            (
                StatusCode::OK,
                self.lock().reply(&run, &title, &bead, attempt, &body),
            )
        };
        let index = {
            let mut state = self.lock();
            state.calls.push(call(false));
            state.payments.push(Payment {
                run,
                step,
                key,
                body,
                because,
                is_reply: !fate.is_garbage,
                answered_at: None,
                answer: answer.clone(),
            });
            state.payments.len() - 1
        };
        if !fate.takes.is_zero() {
            platform.clock().sleep(fate.takes).await;
        }
        let finished = self::now(&observer).await;
        self.lock().payments[index].answered_at = Some(finished);
        if fate.is_lost {
            // Longer than any client waits.
            platform.clock().sleep(Duration::from_secs(200)).await;
        }
        answered(answer.0, answer.1, false)
    }
}

fn listed(body: &'static str) -> Response<Body> {
    Response::new(body_from(body))
}

async fn now(observer: &SimPlatform) -> i64 {
    loom_store::now(observer.database()).await.unwrap().0
}

/// The title and id of the run's bead, and which attempt it is.
async fn conversation(observer: &SimPlatform, run: &str) -> (String, String, i64) {
    let sql = "SELECT bead.title, bead.id, run.attempt FROM run JOIN bead ON bead.id = run.bead_id WHERE run.id = ?1";
    let row = observer
        .database()
        .query_one(sql, vec![run.into()])
        .await
        .unwrap()
        .expect("a call is made for a run that exists");
    (
        row.text(0).unwrap(),
        row.text(1).unwrap(),
        row.integer(2).unwrap(),
    )
}

fn answered(status: StatusCode, body: Bytes, replayed: bool) -> Response<Body> {
    let mut response = Response::builder()
        .status(status)
        .header("x-negotiated-model", "scripted");
    if replayed {
        response = response.header("idempotency-replay", "true");
    }
    response.body(body_from(body)).unwrap()
}

impl State {
    fn fate(&mut self) -> Fate {
        let troubles = self.troubles;
        let refusal = if self.draw.per_mille(troubles.bad_gateway) {
            let body = json!({"error": {"message": "all providers failed: 503", "type": "upstream_error"}});
            Some(refused(502, body.to_string()))
        } else if self.draw.per_mille(troubles.too_many) {
            let mut response = refused(429, "api key rate limit exceeded\n".to_owned());
            response
                .headers_mut()
                .insert("retry-after", http::HeaderValue::from_static("1"));
            Some(response)
        } else if self.draw.per_mille(troubles.key_budget) {
            let body =
                json!({"budget_usd": 1.0, "error": "monthly budget exceeded", "spent_usd": 1.5});
            Some(refused(429, body.to_string()))
        } else {
            None
        };
        let longest = if self.draw.per_mille(troubles.slow) {
            130_000
        } else {
            2_000
        };
        Fate {
            refusal,
            is_garbage: self.draw.per_mille(troubles.garbage),
            is_lost: self.draw.per_mille(troubles.lost),
            takes: Duration::from_millis(self.draw.below(longest)),
        }
    }

    /// The answer that is remembered for this key and body, or why there is none.
    fn known(&self, key: &str, body: &Bytes, now: i64) -> Result<(StatusCode, Bytes), Because> {
        let same = self
            .payments
            .iter()
            .filter(|paid| paid.key == key && paid.body == body);
        let mut because = Because::First;
        for paid in same {
            because = match paid.answered_at {
                Some(at) if now - at < MEMORY_MS => {
                    if self.mutation == Some(Mutation::HubForgetsKeys) {
                        Because::Broken
                    } else {
                        return Ok(paid.answer.clone());
                    }
                }
                Some(_) => Because::Forgotten,
                None => Because::InFlight,
            };
        }
        Err(because)
    }

    /// A 200 with something else than a reply, as providers' errors come through TokenHub.
    fn garbage(&mut self) -> (StatusCode, Bytes) {
        let body = self.draw.pick(&[
            "<html><body>It works!</body></html>",
            r#"{"error":{"message":"overloaded"}}"#,
            r#"{"id":"x","object":"chat.completion","choices":[]}"#,
            r#"{"choices":[{"message":{"role":"assistant","content":"{\"error\":\"quota\"}"}}]}"#,
        ]);
        (StatusCode::OK, Bytes::from_static(body.as_bytes()))
    }

    fn reply(&self, run: &str, title: &str, bead: &str, attempt: i64, request: &Bytes) -> Bytes {
        let request_json: Value = serde_json::from_slice(request).unwrap();
        let turn = request_json["messages"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|message| message["role"] == "assistant")
            .count();
        // What agents file by themselves is plain work.
        let script = self
            .scripts
            .iter()
            .find(|(known, _)| known == title)
            .map_or_else(
                || match title.starts_with("[decision-maker]") {
                    true => Script::Decides,
                    false => Script::WorksAtOnce,
                },
                |(_, script)| *script,
            );
        let answer = match self.flow {
            None => script::answer(script, bead, attempt, turn),
            Some((seed, temper)) => {
                let text = String::from_utf8_lossy(request);
                let talk = Talk {
                    seed,
                    run,
                    bead,
                    title,
                    turn,
                    temper,
                };
                flow_script::answer(&talk, Place::of(title, &text))
            }
        };
        let message = match answer {
            Answer::Text(text) => json!({"role": "assistant", "content": text}),
            Answer::Tools(tools) => {
                let calls: Vec<Value> = tools
                    .into_iter()
                    .enumerate()
                    .map(|(index, (name, arguments))| {
                        json!({"id": format!("call_{turn}_{index}"), "type": "function",
                               "function": {"name": name, "arguments": arguments.to_string()}})
                    })
                    .collect();
                json!({"role": "assistant", "content": null, "tool_calls": calls})
            }
        };
        // Never more than Loom has reserved for it.
        let usage = json!({"prompt_tokens": request.len() / 5, "completion_tokens": 60});
        let body = json!({"id": "x", "object": "chat.completion", "model": "scripted", "usage": usage,
                          "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]});
        Bytes::from(body.to_string())
    }
}

fn refused(status: u16, body: String) -> Response<Body> {
    Response::builder()
        .status(status)
        .body(body_from(body))
        .unwrap()
}
