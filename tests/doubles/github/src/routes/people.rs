use serde_json::json;

use super::{Reply, Request};
use crate::wire::{Answer, Failure};
use crate::world::Permission;

/// `GET /users/{login}`.
pub(crate) fn user(r: &Request<'_>, login: &str) -> Reply {
    if !r.world.users.contains_key(&login.to_lowercase()) {
        return Err(Failure::not_found());
    }
    Ok(Answer::ok(r.world.whole_user_json(login)))
}

/// `GET /repos/{owner}/{repo}/collaborators/{username}/permission`.
pub(crate) fn permission(r: &Request<'_>, login: &str) -> Reply {
    r.need(Permission::Write)?;
    if !r.world.users.contains_key(&login.to_lowercase()) {
        return Err(Failure::new(404, format!("{login} is not a user")));
    }
    let permission = r.repo()?.permission(login);
    let mut user = r.world.user_json(login);
    let may = |least| permission >= least;
    user["role_name"] = json!(permission.role());
    user["permissions"] = json!({
        "admin": may(Permission::Admin), "maintain": may(Permission::Maintain),
        "push": may(Permission::Write), "triage": may(Permission::Triage),
        "pull": may(Permission::Read),
    });
    Ok(Answer::ok(json!({
        "permission": permission.legacy(), "role_name": permission.role(), "user": user,
    })))
}
