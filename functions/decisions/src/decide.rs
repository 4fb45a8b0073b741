use axum::extract::State;
use loom_api::{Caller, Error, IfMatch, Json, Path, Tagged};
use loom_domain::decision::Decision;
use loom_platform::{Database, Platform, Transaction};
use loom_store::{Change, decision};
use serde::Deserialize;

/// How long a rationale may be, in bytes.
const LONGEST: usize = 4096;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Input {
    /// `approve`, `deny`, `needs_more_info`, what people say for these, or one of the options.
    decision: String,
    /// Why, for whoever goes on from here.
    rationale: String,
}

/// Of any number of deciders one wins (409 `already_decided` for the others, with who decided what). A refusal changes
/// nothing.
pub(crate) async fn decide<P: Platform>(
    State(platform): State<P>,
    caller: Caller,
    Path(id): Path<String>,
    IfMatch(version): IfMatch,
    Json(input): Json<Input>,
) -> Result<Tagged<Json<Decision>>, Error> {
    let rationale = input.rationale.trim();
    if rationale.is_empty() || rationale.len() > LONGEST {
        return Err(Error::invalid_fields().field("rationale", "must be 1 byte to 4 KiB"));
    }
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), &caller.name).await?;
    let decided = decision::decide(&change, &id, &input.decision, rationale, version).await?;
    tx.commit().await?;
    loom_api::nudge(&platform);
    Ok(Tagged(decided.version, Json(decided)))
}
