use axum::extract::State;
use loom_api::{Caller, Error, IfMatch, Json, Path, Tagged, version_of};
use loom_platform::{Database, Platform, Transaction};
use loom_store::{
    Change, StoreError,
    catalogue::{self, Entry},
    persona,
};
use serde::Deserialize;

use crate::read::tagged;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Input {
    /// The whole text: front matter and body, as in a `SKILL.md`.
    content: String,
}

/// Puts a text in force in place of the shipped one, or for a name of one's own. Runs that begin from now on use it.
pub(crate) async fn replace<P: Platform>(
    State(platform): State<P>,
    caller: Caller,
    Path(name): Path<String>,
    if_match: IfMatch,
    Json(input): Json<Input>,
) -> Result<Tagged<Json<Entry>>, Error> {
    if !catalogue::is_name(&name) {
        let problem = "must be one to four parts of a-z, 0-9, - and _, with / between them";
        return Err(Error::invalid_fields().field("name", problem));
    }
    if let Err(problem) = catalogue::parse(&name, &input.content) {
        let sentence = format!("line {}: {}", problem.line, problem.reason);
        return Err(Error::invalid_fields()
            .field("content", sentence)
            .detail("line", problem.line));
    }
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), &caller.name).await?;
    let before = match catalogue::find(platform.files(), &tx, &name).await {
        // What is malformed may always be put right, whatever its version.
        Err(StoreError::Refused(_)) => None,
        other => other?,
    };
    if let Some(before) = &before {
        if_match.check(version_of(before))?;
        if before.content == input.content {
            return Ok(tagged(before.clone()));
        }
    }
    persona::put(&change, &name, &input.content).await?;
    let after = catalogue::find(platform.files(), &tx, &name).await?;
    let after = after.ok_or_else(|| Error::internal("the persona was put, and is not there"))?;
    tx.commit().await?;
    Ok(tagged(after))
}
