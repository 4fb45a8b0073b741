//! The work after the answer: by a few handlers at once, each of which goes on until nothing is due.

use loom_api::Error;
use loom_platform::{Platform, Tasks};
use loom_store::delivery;

use crate::process;

/// How many deliveries are handled at once, by all hosts on the database. SQLite has one writer: more handlers would not
/// get more done, but the answers to new deliveries would wait behind them.
const AT_ONCE: i64 = 2;
/// How many deliveries one handler takes before the sweep goes on.
const MOST: usize = 200;
/// After how many of them the dispatcher hears of the work, at the latest.
const NUDGE_AFTER: usize = 20;

/// Has what is due handled without waiting for it. Should the host die meanwhile, the sweep finds it.
///
/// Nothing is missed where enough is in hand already: whoever handles a delivery looks for what is due when it has
/// finished, and what came before it was counted here is there by then.
pub(crate) fn handle<P: Platform>(platform: &P) {
    let own = platform.clone();
    platform.tasks().spawn(async move {
        if let Err(error) = work_off(&own, AT_ONCE, MOST).await {
            tell(&error);
        }
    });
}

/// Handles what was left over, for a sweep. It may begin where the others may not: one of those may just have died.
pub(crate) async fn left_over<P: Platform>(platform: &P, most: usize) -> Result<usize, Error> {
    work_off(platform, 2 * AT_ONCE, most).await
}

/// Handles what is due, the oldest first, up to `most` deliveries, unless `at_once` are in hand already; returns how many
/// it were. One that fails stands in no other's way.
async fn work_off<P: Platform>(platform: &P, at_once: i64, most: usize) -> Result<usize, Error> {
    if delivery::in_hand(platform.database()).await? >= at_once {
        return Ok(0);
    }
    let mut nudge = false;
    for handled in 0..most {
        let Some(claimed) = delivery::claim_next(platform.database()).await? else {
            if nudge {
                loom_api::nudge(platform);
            }
            return Ok(handled);
        };
        match process::one(platform, claimed).await {
            Ok(is_work) => nudge |= is_work,
            // Its lease brings it back.
            Err(error) => tell(&error),
        }
        if nudge && (handled + 1) % NUDGE_AFTER == 0 {
            nudge = false;
            loom_api::nudge(platform);
        }
    }
    // The tick asks for the sweep if more is due.
    loom_api::nudge(platform);
    Ok(most)
}

fn tell(error: &Error) {
    let cause = format!("{error:?}");
    let message = "a delivery could not be handled; the sweep will";
    loom_api::log("warn", message, [("cause", &cause)]);
}
