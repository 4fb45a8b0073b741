use axum::extract::State;
use loom_api::{Caller, Created, Error, IfMatch, Json, Path, Tagged};
use loom_platform::{Database, Platform, Transaction};
use loom_store::{
    Change,
    workflow::definition::{self, Versioned},
};

use crate::body::Input;

/// Words that follow `/api/v1/workflows/` in other addresses than a workflow's own.
const RESERVED: [&str; 3] = ["analytics", "executions", "start"];

/// Puts a project's own workflow there; its id must be free.
pub(crate) async fn create<P: Platform>(
    State(platform): State<P>,
    caller: Caller,
    input: Input,
) -> Result<Tagged<Created<Versioned>>, Error> {
    let Some(project_id) = input.project_id else {
        let problem = "is missing: a workflow that you define belongs to a project";
        return Err(Error::invalid_fields().field("project_id", problem));
    };
    let id = input.definition.id.clone();
    if RESERVED.contains(&id.as_str()) {
        let problem = format!("of the workflow cannot be {id:?}, which is a word of this API");
        return Err(Error::invalid_fields().field("definition", problem));
    }
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), &caller.name).await?;
    if let Some(there) = definition::find(&tx, &id, None).await?
        && there.project_id.as_ref() == Some(&project_id)
    {
        return Err(Error::conflict(
            "workflow_exists",
            format!(
                "The project has a workflow {id} already. Change it with PUT /api/v1/workflows/{id}."
            ),
        ));
    }
    let stored = definition::put(&change, input.definition, &project_id).await?;
    tx.commit().await?;
    let place = format!("/api/v1/workflows/{id}");
    Ok(Tagged(stored.version, Created(place, stored)))
}

/// Replaces a project's own workflow by its next version. Executions that are under way stay with theirs.
pub(crate) async fn replace<P: Platform>(
    State(platform): State<P>,
    caller: Caller,
    Path(id): Path<String>,
    if_match: IfMatch,
    input: Input,
) -> Result<Tagged<Json<Versioned>>, Error> {
    if input.definition.id != id {
        let problem = format!(
            "has the id {:?}, but the request is for {id:?}; an id cannot change",
            input.definition.id
        );
        return Err(Error::invalid_fields().field("definition", problem));
    }
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), &caller.name).await?;
    let before = definition::get(&tx, &id, None).await?;
    if_match.check(before.version)?;
    let owner = before.project_id.unwrap_or_default();
    let project_id = input.project_id.unwrap_or(owner);
    let stored = definition::put(&change, input.definition, &project_id).await?;
    tx.commit().await?;
    Ok(Tagged(stored.version, Json(stored)))
}
