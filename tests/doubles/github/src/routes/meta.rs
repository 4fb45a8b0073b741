use serde_json::json;

use super::{Reply, Request};
use crate::wire::{Answer, Failure};

/// `GET /user`.
pub(crate) fn user(r: &Request<'_>) -> Reply {
    if r.actor.login.is_empty() {
        return Err(Failure::new(401, "Requires authentication"));
    }
    if r.actor.account.is_some() || r.actor.app {
        return Err(Failure::new(403, "Resource not accessible by integration"));
    }
    Ok(Answer::ok(r.world.whole_user_json(&r.actor.login)))
}

/// `GET /rate_limit`, which costs nothing.
pub(crate) fn rate_limit(r: &Request<'_>) -> Reply {
    let (limit, used, remaining, reset) = r.world.limits.state(r.world.now());
    let core = json!({"limit": limit, "used": used, "remaining": remaining, "reset": reset});
    let search = json!({"limit": 30, "used": 0, "remaining": 30, "reset": reset});
    Ok(Answer::ok(json!({
        "resources": {"core": core, "search": search}, "rate": core,
    })))
}

/// `GET /repos/{owner}/{repo}`.
pub(crate) fn repository(r: &Request<'_>) -> Reply {
    Ok(Answer::ok(
        r.world.repo_seen_json(r.repo()?, r.permission()),
    ))
}
