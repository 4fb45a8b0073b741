//! Who may ask what, and how often.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::wire::{Answer, Call, Failure};
use crate::world::{Actor, Permission, World};

/// The token of a request, if it has one.
fn token(call: &Call) -> Option<String> {
    let (scheme, rest) = call.header("authorization")?.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("basic") {
        let text = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
        return text
            .split_once(':')
            .map(|(_, password)| password.to_owned());
    }
    Some(rest.trim().to_owned())
}

/// Whose primary limit a request counts against.
pub(crate) fn bucket(call: &Call) -> String {
    match token(call) {
        // Each JWT is another text; all are the App's.
        Some(token) if token.starts_with("ey") => String::from("app"),
        Some(token) => token,
        None => String::new(),
    }
}

/// Who a request is from; 401 for credentials that are none.
pub(crate) fn caller(world: &World, call: &Call, now: i64) -> Result<Actor, Failure> {
    if call.header("authorization").is_none() {
        return Ok(Actor::nobody());
    }
    let bad = || Failure::new(401, "Bad credentials");
    let token = token(call).ok_or_else(bad)?;
    if token.starts_with("ey") && token.matches('.').count() == 2 {
        world.app.verify(&token, now)?;
        return Ok(Actor {
            login: world.app.slug.clone(),
            account: None,
            app: true,
            read_only: false,
        });
    }
    let known = world.tokens.get(&token).ok_or_else(bad)?;
    if known.expires.is_some_and(|expires| expires <= now) {
        return Err(bad());
    }
    Ok(Actor {
        login: known.login.clone(),
        account: known.account.clone(),
        app: false,
        read_only: known.read_only,
    })
}

/// What somebody may do with a repository.
pub(crate) fn permission(world: &World, actor: &Actor, repo: &str) -> Permission {
    let Some(repo) = world.repo(repo) else {
        return Permission::None;
    };
    let stranger = if repo.private {
        Permission::None
    } else {
        Permission::Read
    };
    match &actor.account {
        _ if actor.app => stranger,
        // What an App may do goes further than pushing: it was granted statuses, checks and hooks as well.
        Some(account) if account.eq_ignore_ascii_case(&repo.owner) => {
            if actor.read_only {
                Permission::Read
            } else {
                Permission::Maintain
            }
        }
        Some(_) => stranger,
        None => repo.permission(&actor.login),
    }
}

/// What GitHub refuses before it looks at the path.
pub(crate) fn well_formed(call: &Call) -> Result<(), Failure> {
    if call.header("user-agent").is_none_or(str::is_empty) {
        return Err(Failure::new(
            403,
            "Request forbidden by administrative rules. Please make sure your request has a User-Agent header",
        ));
    }
    if let Some(accept) = call.header("accept") {
        let good = accept.split(',').any(|kind| {
            let kind = kind.trim();
            kind.starts_with("*/*")
                || kind.starts_with("application/json")
                || kind.starts_with("application/*")
                || kind.starts_with("application/vnd.github")
                || kind.starts_with("text/")
        });
        if !good {
            return Err(Failure::new(
                415,
                format!("Unsupported 'Accept' header: '{accept}'. Must accept 'application/json'."),
            ));
        }
    }
    if let Some(version) = call.header("x-github-api-version")
        && !matches!(version, "2022-11-28" | "2026-03-10")
    {
        return Err(Failure::new(
            400,
            format!("'{version}' is not a supported version"),
        ));
    }
    Ok(())
}

/// The answer to somebody who has no requests left.
pub(crate) fn primary_limit(world: &World) -> Answer {
    let who = world.app.slug.clone();
    Failure::new(
        403,
        format!(
            "API rate limit exceeded for {who}. If you reach out to GitHub Support for help, please include the request ID."
        ),
    )
    .answer()
}

/// The answer to somebody who asks too fast.
pub(crate) fn secondary_limit(status: u16, retry_after: Option<u64>) -> Answer {
    let message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again. If you reach out to GitHub Support for help, please include the request ID.";
    let mut answer = Answer::json(
        status,
        json!({
            "message": message,
            "documentation_url":
                "https://docs.github.com/free-pro-team@latest/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits",
            "status": status.to_string(),
        }),
    );
    if let Some(seconds) = retry_after {
        answer = answer.with("Retry-After", seconds.to_string());
    }
    answer
}
