use axum::extract::State;
use loom_api::{Caller, Error, IfMatch, Json, Path, Tagged, version_of};
use loom_domain::org_chart::PositionInput;
use loom_platform::{Database, Platform, Transaction};
use loom_store::{
    Change,
    org_chart::{self, OrgChart},
};
use serde::Deserialize;

/// The most positions that are looked at; a chart has at most one a role.
const MOST: usize = 64;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Input {
    /// All positions that the chart is to have.
    positions: Vec<PositionInput>,
}

/// The chart of a project; one that is older than charts gets the default one now.
pub(crate) async fn read<P: Platform>(
    State(platform): State<P>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Tagged<Json<OrgChart>>, Error> {
    if let Some(chart) = org_chart::find(platform.database(), &id).await? {
        return Ok(tagged(org_chart::filled(platform.database(), chart).await?));
    }
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), &caller.name).await?;
    let chart = org_chart::get_or_make(&change, &id).await?;
    let chart = org_chart::filled(&tx, chart).await?;
    tx.commit().await?;
    Ok(tagged(chart))
}

/// Replaces the positions. It spawns and stops nobody.
pub(crate) async fn change<P: Platform>(
    State(platform): State<P>,
    caller: Caller,
    Path(id): Path<String>,
    if_match: IfMatch,
    Json(input): Json<Input>,
) -> Result<Tagged<Json<OrgChart>>, Error> {
    if input.positions.len() > MOST {
        let problem = format!("must be at most {MOST}");
        return Err(Error::invalid_fields().field("positions", problem));
    }
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), &caller.name).await?;
    let chart = org_chart::get_or_make(&change, &id).await?;
    let before = org_chart::filled(&tx, chart.clone()).await?;
    if_match.check(version_of(&before))?;
    let chart = org_chart::change_positions(&change, chart, &input.positions).await?;
    let after = org_chart::filled(&tx, chart).await?;
    tx.commit().await?;
    Ok(tagged(after))
}

/// Its version counts changes of the positions only, and the answer also tells who fills them, so the `ETag` is of the
/// content.
fn tagged(chart: OrgChart) -> Tagged<Json<OrgChart>> {
    Tagged(version_of(&chart), Json(chart))
}
