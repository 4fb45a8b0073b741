//! Replies from messengers, through an OpenClaw gateway.
//!
//! The signature says that a message comes from the gateway, the list of senders who may decide, its time that it is no
//! replay, its id that it is handled once. It is answered where every decision is: in the store.

use axum::extract::State;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use loom_api::{Error, Json};
use loom_domain::{
    RefusalKind,
    connector::{ConnectorKind, Message, REPLAY_WINDOW, Senders, decision_of_session, read_answer},
    decision::{Decision, DecisionStatus},
    hex,
    time::{MINUTE, Timestamp},
};
use loom_platform::{Database, Platform, Random, Statements, Transaction, Variables};
use loom_store::{
    Change, StoreError,
    connector::{self, Reply},
    decision,
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{list::View, settings::Settings, sign::is_signed};

const SIGNATURE: &str = "x-openclaw-signature";

/// Answers the decision that a message replies to. What it cannot be about is 200 with `processed: false`, because sending
/// it again would help nobody; a text that is no answer is 422 and tells the possible ones.
pub(crate) async fn receive<P: Platform>(
    State(platform): State<P>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Error> {
    let Some(secret) = platform.variables().get_optional("openclaw_secret").await? else {
        return Err(not_configured());
    };
    check_signature(&secret, &headers, &body)?;
    let Json(message) = Json::<Message>::parse(&body)?;
    message.check()?;
    let list = platform
        .variables()
        .get_optional("openclaw_senders")
        .await?;
    if !Senders::parse(&list.unwrap_or_default()).allow(&message) {
        return Err(Error::forbidden(
            "sender_not_allowed",
            "This sender may not answer decisions. An admin can add it to the variable openclaw_senders.",
        ));
    }
    let now = loom_store::now(platform.database()).await?;
    if !message.is_fresh(now) {
        let message = format!(
            "The message was written at {} and is not accepted any more, or not yet: its time must be within {} minutes \
             of {}.",
            message.timestamp.to_rfc3339(),
            REPLAY_WINDOW / MINUTE,
            now.to_rfc3339()
        );
        return Err(refused("message_outside_window", message));
    }
    let actor = format!("openclaw:{}", message.sender);
    let body_sha256 = hex::sha256(&body);
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), &actor).await?;
    if let Some(known) = connector::find_reply(&tx, &message).await? {
        return repeated(known, &body_sha256);
    }
    let answer = answer(&change, &message).await?;
    let reply = Reply {
        body_sha256,
        answer: answer.clone(),
    };
    connector::keep_reply(&change, &message, &reply).await?;
    tx.commit().await?;
    loom_api::nudge(&platform);
    Ok(Json(answer))
}

fn not_configured() -> Error {
    Error::not_found(
        "openclaw_not_configured",
        "Replies from OpenClaw are not configured: an admin sets the variables openclaw_secret and openclaw_senders.",
    )
}

fn refused(code: &'static str, message: impl Into<String>) -> Error {
    Error::new(StatusCode::UNAUTHORIZED, code, message)
}

fn check_signature(secret: &str, headers: &HeaderMap, body: &[u8]) -> Result<(), Error> {
    let Some(given) = headers.get(SIGNATURE) else {
        let message = "The header X-OpenClaw-Signature is missing: the HMAC-SHA-256 of the body, in hexadecimal.";
        return Err(refused("signature_missing", message));
    };
    if is_signed(secret, body, given.to_str().unwrap_or_default())? {
        return Ok(());
    }
    loom_api::log("warn", "a reply with a wrong signature was refused", []);
    let message = "The signature is not that of this body. Gateway and Loom must have the same openclaw_secret.";
    Err(refused("signature_invalid", message))
}

/// The same message again gets the same answer; another one under its id is refused.
fn repeated(known: Reply, body_sha256: &str) -> Result<Json<Value>, Error> {
    if known.body_sha256 != body_sha256 {
        let message = "Another message of this sender had the same message_id, and was handled. Nothing was changed.";
        return Err(Error::conflict("message_id_reused", message));
    }
    let mut answer = known.answer;
    if let Value::Object(fields) = &mut answer {
        fields.insert("duplicate".to_owned(), json!(true));
    }
    Ok(Json(answer))
}

async fn answer<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    message: &Message,
) -> Result<Value, Error> {
    let Some(id) = decision_of_session(&message.session_key) else {
        return Ok(json!({"processed": false, "code": "unknown_session_key"}));
    };
    let open = match decision::get(change.tx, id).await {
        Ok(open) => open,
        Err(StoreError::Refused(refusal)) if refusal.kind == RefusalKind::NotFound => {
            return Ok(json!({"processed": false, "code": refusal.code, "decision_id": id}));
        }
        Err(error) => return Err(error.into()),
    };
    match open.status {
        DecisionStatus::Open => {}
        DecisionStatus::Decided => return Ok(late("already_decided", &open)),
        DecisionStatus::Expired => return Ok(late("decision_expired", &open)),
    }
    let (said, rationale) = read_answer(&message.text, &open.options)?;
    let decided = decision::decide(change, id, said.as_str(), &rationale, None).await?;
    Ok(json!({
        "processed": true,
        "status": "resolved",
        "decision_id": decided.id,
        "decision": decided.decision,
    }))
}

fn late(code: &str, ended: &Decision) -> Value {
    json!({
        "processed": false,
        "code": code,
        "decision_id": ended.id,
        "decision": ended.decision,
        "decider": ended.decider,
        "decided_at": ended.decided_at,
    })
}

/// Whether replies are possible, and through which connectors people are asked.
#[derive(Debug, Serialize)]
pub(crate) struct Status {
    /// Whether there is a key for signatures.
    enabled: bool,
    /// How many senders may reply.
    senders: usize,
    /// The connectors of the kind `openclaw`.
    connectors: Vec<Told>,
    /// When the last reply was handled.
    last_reply_at: Option<Timestamp>,
}

/// What everybody may know of a connector.
#[derive(Debug, Serialize)]
struct Told {
    name: String,
    status: &'static str,
    escalations_only: bool,
    is_usable: bool,
}

pub(crate) async fn status<P: Platform>(State(platform): State<P>) -> Result<Json<Status>, Error> {
    let settings = Settings::load(&platform).await?;
    let variables = platform.variables();
    let list = variables.get_optional("openclaw_senders").await?;
    let all = connector::list(
        platform.database(),
        "",
        loom_domain::connector::MOST_CONNECTORS,
    )
    .await?;
    let connectors = all
        .into_iter()
        .filter(|connector| connector.kind == ConnectorKind::Openclaw)
        .map(|connector| Told {
            name: connector.name.clone(),
            status: connector.status.as_str(),
            escalations_only: connector.escalations_only,
            is_usable: View::new(connector, &settings).is_usable(),
        })
        .collect();
    Ok(Json(Status {
        enabled: variables.get_optional("openclaw_secret").await?.is_some(),
        senders: Senders::parse(&list.unwrap_or_default()).count(),
        connectors,
        last_reply_at: connector::last_reply_at(platform.database()).await?,
    }))
}
