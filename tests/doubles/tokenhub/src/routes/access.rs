//! Who may come in.

use super::outgoing::{Outgoing, address_limited, budget_exceeded, key_limited};
use super::{Incoming, header};
use crate::config::Key;
use crate::keys::Denied;
use crate::state::State;

/// Limits and authentication.
pub(super) fn admitted(state: &State, request: &Incoming) -> Result<Key, Outgoing> {
    let now_ms = state.now_ms();
    let mut changing = state.lock();
    if let Some(limit) = state.config.address_limit
        && !changing
            .limiter
            .allow(&address(request), limit.rps, limit.burst, now_ms)
    {
        return Err(address_limited());
    }
    let key = changing
        .keys
        .check(&request.headers, &request.path, now_ms)
        .map_err(|denied| match denied {
            Denied::Missing => Outgoing::text(401, "authorization required"),
            Denied::Malformed => Outgoing::text(401, "invalid api key format"),
            Denied::Unknown => Outgoing::text(401, "invalid api key"),
            Denied::Scope => Outgoing::text(403, "insufficient scope"),
            Denied::Budget {
                budget_usd,
                spent_usd,
            } => budget_exceeded(budget_usd, spent_usd),
        })?;
    let rps = match key.rate_limit_rps {
        0 => state.config.key_rps,
        own => u32::try_from(own).ok(),
    };
    if let Some(rps) = rps
        && !changing.limiter.allow(
            &format!("apikey:{}", key.id),
            rps,
            rps.saturating_mul(2),
            now_ms,
        )
    {
        return Err(key_limited());
    }
    Ok(key)
}

/// The caller's address: without a proxy's header it includes the port, so each connection has its own bucket.
fn address(request: &Incoming) -> String {
    let forwarded = header(&request.headers, "x-forwarded-for")
        .and_then(|all| all.split(',').next().map(str::to_owned));
    header(&request.headers, "x-real-ip")
        .or_else(|| header(&request.headers, "true-client-ip"))
        .or(forwarded)
        .unwrap_or_else(|| request.peer.clone())
}
