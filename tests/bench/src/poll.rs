//! Waiting for what another process does and does not tell of.

use std::time::{Duration, Instant};

use crate::Result;

/// Looks every so often until there is something to return, for at most `patience`: the measured programs are asked for
/// nothing meanwhile, and tell nobody when they are done. The first look is after `every`; none when patience ended.
pub(crate) async fn until<T>(
    every: Duration,
    patience: Duration,
    mut look: impl FnMut() -> Result<Option<T>>,
) -> Result<Option<T>> {
    let deadline = Instant::now() + patience;
    while Instant::now() < deadline {
        tokio::time::sleep(every).await;
        if let Some(found) = look()? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}
