use axum::extract::State;
use loom_api::{Caller, Error, Json, Path, Settings};
use loom_domain::time::Timestamp;
use loom_platform::{Database, Platform, Transaction};
use loom_store::{
    Change,
    run::{self, Claim},
};
use serde::{Deserialize, Serialize};

use crate::work::start_run;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Input {
    agent_id: String,
}

/// The proof of a claim that won.
#[derive(Debug, Serialize)]
pub(crate) struct Won {
    status: &'static str,
    bead_id: String,
    agent_id: String,
    run_id: String,
    fence: i64,
    lease_until: Timestamp,
}

/// One of any number of concurrent callers wins (invariant I1). A refusal ends here: nothing was written, and nobody
/// is called.
pub(crate) async fn claim<P: Platform>(
    State(platform): State<P>,
    caller: Caller,
    Path(bead_id): Path<String>,
    Json(input): Json<Input>,
) -> Result<Json<Won>, Error> {
    let settings = Settings::load(&platform).await?;
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), &caller.name).await?;
    let claim = Claim {
        bead_id: &bead_id,
        agent_id: &input.agent_id,
        hand_over_ms: settings.hand_over_ms(),
    };
    let claimed = run::claim(&change, claim).await?;
    tx.commit().await?;
    start_run(&platform, &claimed.run_id);
    Ok(Json(Won {
        status: "claimed",
        bead_id,
        agent_id: input.agent_id,
        run_id: claimed.run_id,
        fence: claimed.fence,
        lease_until: Timestamp(claimed.lease_until),
    }))
}
