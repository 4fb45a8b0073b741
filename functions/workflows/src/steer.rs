//! What people do to an execution on its way: signal, pause, resume, cancel, restart from a node.

use axum::extract::State;
use loom_api::{Caller, Error, IfMatch, Json, Path, Tagged};
use loom_domain::workflow::{Command, Execution};
use loom_platform::{Database, Platform, Transaction};
use loom_store::{Change, workflow};
use serde::Deserialize;
use serde_json::Value;

const LONGEST_NOTE: usize = 4096;
const LONGEST_NAME: usize = 64;
const LONGEST_DATA: usize = 64 * 1024;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Signal {
    name: String,
    #[serde(default)]
    data: Value,
}

/// Tells an execution that something happened outside. It moves on when its node waits for that, and keeps it for the
/// node that will otherwise.
pub(crate) async fn signal<P: Platform>(
    State(platform): State<P>,
    caller: Caller,
    Path(id): Path<String>,
    if_match: IfMatch,
    Json(input): Json<Signal>,
) -> Result<Tagged<Json<Execution>>, Error> {
    if input.name.is_empty() || input.name.len() > LONGEST_NAME {
        let problem = format!("must be 1 to {LONGEST_NAME} bytes");
        return Err(Error::invalid_fields().field("name", problem));
    }
    if input.data.to_string().len() > LONGEST_DATA {
        return Err(Error::invalid_fields().field("data", "must be at most 64 KiB of JSON"));
    }
    let command = Command::Signal {
        name: input.name,
        data: input.data,
    };
    steer(&platform, &caller, &id, if_match, command).await
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Note {
    reason: String,
}

impl Note {
    fn checked(self) -> Result<String, Error> {
        if self.reason.len() > LONGEST_NOTE {
            return Err(Error::invalid_fields().field("reason", "must be at most 4 KiB"));
        }
        Ok(self.reason)
    }
}

/// Holds an execution where it is. A run at work ends first, and what it came to is kept.
pub(crate) async fn pause<P: Platform>(
    State(platform): State<P>,
    caller: Caller,
    Path(id): Path<String>,
    if_match: IfMatch,
    Json(input): Json<Note>,
) -> Result<Tagged<Json<Execution>>, Error> {
    input.checked()?;
    steer(&platform, &caller, &id, if_match, Command::Pause).await
}

/// Lets an execution go on that is paused or escalated.
pub(crate) async fn resume<P: Platform>(
    State(platform): State<P>,
    caller: Caller,
    Path(id): Path<String>,
    if_match: IfMatch,
    Json(input): Json<Note>,
) -> Result<Tagged<Json<Execution>>, Error> {
    let command = Command::Resume {
        note: input.checked()?,
    };
    steer(&platform, &caller, &id, if_match, command).await
}

/// Stops an execution for good; its bead is blocked until a person opens it, closes it, or starts another workflow.
pub(crate) async fn cancel<P: Platform>(
    State(platform): State<P>,
    caller: Caller,
    Path(id): Path<String>,
    if_match: IfMatch,
    Json(input): Json<Note>,
) -> Result<Tagged<Json<Execution>>, Error> {
    let reason = match input.checked()? {
        reason if reason.is_empty() => format!("{} cancelled it.", caller.name),
        reason => reason,
    };
    steer(
        &platform,
        &caller,
        &id,
        if_match,
        Command::Cancel { reason },
    )
    .await
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Restart {
    node: String,
}

/// Puts an execution to a node, with limits that begin anew; a run at work is stopped.
pub(crate) async fn restart<P: Platform>(
    State(platform): State<P>,
    caller: Caller,
    Path(id): Path<String>,
    if_match: IfMatch,
    Json(input): Json<Restart>,
) -> Result<Tagged<Json<Execution>>, Error> {
    let command = Command::Restart { node: input.node };
    steer(&platform, &caller, &id, if_match, command).await
}

async fn steer<P: Platform>(
    platform: &P,
    caller: &Caller,
    id: &str,
    if_match: IfMatch,
    command: Command,
) -> Result<Tagged<Json<Execution>>, Error> {
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), &caller.name).await?;
    if_match.check(workflow::get(&tx, id).await?.version)?;
    let execution = workflow::steer(&change, id, command).await?;
    tx.commit().await?;
    loom_api::nudge(platform);
    Ok(Tagged(execution.version, Json(execution)))
}
