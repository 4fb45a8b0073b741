use std::{pin::pin, time::Duration};

use futures_util::future::{Either, select};
use loom_domain::run::Hold;
use loom_platform::{Clock, Platform};
use loom_store::{StoreError, run};

use crate::stop::Stop;

/// Does `work` while renewing the lease, three times within its length (invariant I3).
///
/// When the lease turns out to be lost, `work` is dropped: its outcome could no longer be written.
pub(crate) async fn keep_lease<P: Platform, T>(
    platform: &P,
    hold: &Hold,
    lease_ms: i64,
    work: impl Future<Output = T> + Send,
) -> Result<T, Stop> {
    let mut work = pin!(work);
    let pause = Duration::from_millis(u64::try_from(lease_ms / 3).unwrap_or(1).max(1));
    loop {
        let rest = pin!(platform.clock().sleep(pause));
        match select(work.as_mut(), rest).await {
            Either::Left((done, _)) => return Ok(done),
            // A busy database is no reason to give up: there are two more chances before the lease runs out.
            Either::Right(_) => {
                if let Err(StoreError::Refused(_)) =
                    run::renew(platform.database(), hold, lease_ms).await
                {
                    return Err(Stop::Stale);
                }
            }
        }
    }
}
