use serde_json::json;

use super::{Reply, Request};
use crate::time;
use crate::wire::{Answer, Failure};
use crate::world::{Repo, Token, World, random_hex};

/// These routes are the App's own.
pub(crate) fn only_app(r: &Request<'_>) -> Result<(), Failure> {
    if r.actor.app {
        return Ok(());
    }
    Err(Failure::new(401, "A JSON web token could not be decoded"))
}

/// `GET /app`.
pub(crate) fn app(r: &Request<'_>) -> Reply {
    only_app(r)?;
    Ok(Answer::ok(r.world.app_json()))
}

/// `GET /repos/{owner}/{repo}/installation`.
pub(crate) fn installation(r: &Request<'_>) -> Reply {
    only_app(r)?;
    let owner = r.repo()?.owner.clone();
    let id = r.world.installations.get(&owner.to_lowercase());
    let id = id.ok_or_else(Failure::not_found)?;
    Ok(Answer::ok(r.world.installation_json(&owner, *id)))
}

/// `POST /app/installations/{installation_id}/access_tokens`.
pub(crate) fn token(r: &mut Request<'_>, id: u64) -> Reply {
    only_app(r)?;
    let body = r.call.json()?;
    let account = r
        .world
        .installations
        .iter()
        .find(|(_, found)| **found == id)
        .map(|(account, _)| account.clone());
    let account = account.ok_or_else(Failure::not_found)?;
    let read_only = body["permissions"]["contents"] == "read";
    let expires = r.world.now() + r.world.app.token_lifetime;
    let token = new_token(r.world, &account, Some(expires), read_only);
    Ok(Answer::json(
        201,
        json!({
            "token": token,
            "expires_at": time::rfc3339(expires),
            "permissions": World::permissions_json(read_only),
            "repository_selection": "all",
        }),
    ))
}

/// A token of the installation on an account.
pub(crate) fn new_token(
    world: &mut World,
    account: &str,
    expires: Option<i64>,
    read_only: bool,
) -> String {
    let token = format!("ghs_{}", random_hex(18));
    let login = world.app.bot();
    world.tokens.insert(
        token.clone(),
        Token {
            login,
            account: Some(account.to_owned()),
            expires,
            read_only,
        },
    );
    token
}

/// `GET /installation/repositories`.
pub(crate) fn repositories(r: &Request<'_>) -> Reply {
    let Some(account) = &r.actor.account else {
        return Err(Failure::new(
            403,
            "You must authenticate with an installation access token in order to list repositories for an installation.",
        ));
    };
    let repos: Vec<&Repo> = r
        .world
        .repos
        .values()
        .filter(|repo| repo.owner.eq_ignore_ascii_case(account))
        .collect();
    Ok(r.counted("repositories", repos, World::repo_json))
}
