use axum::extract::State;
use loom_api::{Error, Json};
use loom_platform::{Database, Platform, Transaction};
use loom_store::{Change, delivery, github, project};
use serde::Serialize;

use crate::{ACTOR, afterwards, merge, redeliver, report};

/// How many deliveries one sweep handles; more wait for the next.
const DELIVERIES: usize = 50;
/// How many issues get their beads belatedly in one sweep.
const ISSUES: i64 = 20;
/// How many payloads, and as many deliveries, one sweep forgets.
const FORGOTTEN: i64 = 500;

/// What a sweep did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Deliveries that were handled, or tried in vain: those whose handler died, or that were to be tried again.
    pub handled: usize,
    /// Issues whose beads were filed that a cap had kept from it.
    pub filed: usize,
    /// Status comments that were brought up to date.
    pub reported: usize,
    /// Approved pull requests that were merged.
    pub merged: usize,
    /// Deliveries that GitHub was asked to send again.
    pub redelivered: usize,
    /// Payloads that were forgotten.
    pub payloads_forgotten: u64,
    /// Deliveries that were forgotten.
    pub deliveries_forgotten: u64,
}

pub(crate) async fn answer<P: Platform>(State(platform): State<P>) -> Result<Json<Report>, Error> {
    Ok(Json(sweep(&platform).await?))
}

/// One sweep (invariant I12). Any number may run at once: whatever one of them takes, it takes with one conditional
/// statement. What fails is told in the log and stands in no other's way.
pub async fn sweep<P: Platform>(platform: &P) -> Result<Report, Error> {
    let database = platform.database();
    let handled = afterwards::left_over(platform, DELIVERIES).await;
    let mut done = Report {
        handled: or_later("deliveries", handled),
        filed: or_later("an issue without a bead", file(platform).await),
        ..Report::default()
    };
    let forgotten = delivery::forget(database, FORGOTTEN).await?;
    done.payloads_forgotten = forgotten.payloads;
    done.deliveries_forgotten = forgotten.deliveries;
    done.merged = or_later("an approved pull request", merge::due(platform).await);
    done.reported = or_later("a status comment", report::due(platform).await);
    done.redelivered = or_later("lost deliveries", redeliver::lost(platform).await);
    Ok(done)
}

fn or_later<T: Default>(what: &str, outcome: Result<T, Error>) -> T {
    outcome.unwrap_or_else(|error| {
        let cause = format!("{error:?}");
        let message = "a part of the sweep failed; the next one tries again";
        loom_api::log("error", message, [("what", what), ("cause", &cause)]);
        T::default()
    })
}

/// Files the beads of issues that wanted one when a cap or the project's state did not allow it.
async fn file<P: Platform>(platform: &P) -> Result<usize, Error> {
    let database = platform.database();
    let mut filed = 0;
    for (project_id, number) in github::unfiled_issues(database, ISSUES).await? {
        let tx = database.transaction().await?;
        let change = Change::new(&tx, platform.random(), ACTOR).await?;
        let project = project::get(&tx, &project_id).await?;
        let is_filed = github::file_issue(&change, &project, number).await?;
        tx.commit().await?;
        filed += usize::from(is_filed);
    }
    if filed > 0 {
        loom_api::nudge(platform);
    }
    Ok(filed)
}
