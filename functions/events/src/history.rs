use loom_api::{Error, Json};
use loom_domain::event::Event;
use loom_platform::Platform;
use loom_store::event;
use serde::Serialize;

use crate::filter::Parameters;

const DEFAULT_LIMIT: i64 = 100;
const LARGEST_LIMIT: i64 = 1000;

#[derive(Debug, Serialize)]
pub(crate) struct History {
    /// Oldest first with `after`, else newest first.
    events: Vec<Event>,
    /// The sequence number of the newest event of all, 0 when there is none.
    newest: i64,
}

pub(crate) async fn page<P: Platform>(
    platform: &P,
    parameters: Parameters,
) -> Result<Json<History>, Error> {
    let filter = parameters.filter()?;
    let limit = parameters.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=LARGEST_LIMIT).contains(&limit) {
        let problem = format!("must be a whole number, 1 to {LARGEST_LIMIT}");
        return Err(Error::invalid_fields().field("limit", problem));
    }
    let database = platform.database();
    let events = match (parameters.after, parameters.before) {
        (Some(_), Some(_)) => {
            let problem = "cannot be given together with after: history goes one way or the other";
            return Err(Error::invalid_fields().field("before", problem));
        }
        (Some(after), None) => event::list_after(database, after, &filter, limit).await?,
        (None, before) => {
            event::list_before(database, before.unwrap_or(i64::MAX), &filter, limit).await?
        }
    };
    // Read last, so that it is never older than what is shown.
    let newest = event::newest(database).await?;
    Ok(Json(History { events, newest }))
}
