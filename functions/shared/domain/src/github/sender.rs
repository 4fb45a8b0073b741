//! Who caused an event: what Loom itself or a bot does starts nothing (invariant I8).

use serde_json::Value;

use super::{GithubSettings, payload::text};

/// What every comment that Loom writes begins with, hidden from readers: such a comment starts nothing.
pub const MARKER: &str = "<!-- loom:";

/// Who caused an event, as far as it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sender {
    /// A person, or a bot that the project lists.
    Person,
    /// A bot: what it changed is followed, and nothing is started.
    Bot,
    /// Loom itself, which knows already: it is noted, and nothing else.
    Own,
}

/// Who sent a delivery. Without a sender it is taken for a bot's.
pub(super) fn sender(payload: &Value, settings: &GithubSettings, own: Option<&str>) -> Sender {
    who(
        text(payload, "/sender/login").unwrap_or_default(),
        text(payload, "/sender/type").unwrap_or_default(),
        settings,
        own,
    )
}

/// As [`sender`], for the login and type of any user in a payload.
pub(super) fn who(login: &str, kind: &str, settings: &GithubSettings, own: Option<&str>) -> Sender {
    let is = |other: &str| bare(login).eq_ignore_ascii_case(bare(other));
    let is_bot = kind.eq_ignore_ascii_case("bot") || bare(login).len() < login.len();
    if own.is_some_and(|own| !own.is_empty() && is(own)) {
        Sender::Own
    } else if login.is_empty() || (is_bot && !settings.allowed_bots.iter().any(|bot| is(bot))) {
        Sender::Bot
    } else {
        Sender::Person
    }
}

/// The login of an app without the `[bot]` that GitHub puts after it in some places and not in others.
fn bare(login: &str) -> &str {
    login
        .len()
        .checked_sub(5)
        .and_then(|at| login.split_at_checked(at))
        .filter(|(_, end)| end.eq_ignore_ascii_case("[bot]"))
        .map_or(login, |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_who() {
        let settings = GithubSettings {
            allowed_bots: vec!["Dependabot[bot]".to_owned()],
            ..GithubSettings::default()
        };
        for (login, kind, own, expected) in [
            ("ann", "User", None, Sender::Person),
            ("ann", "", Some("loom"), Sender::Person),
            ("Loom", "User", Some("loom"), Sender::Own),
            ("loom[bot]", "Bot", Some("loom"), Sender::Own),
            ("loom", "Bot", Some("loom[bot]"), Sender::Own),
            ("stale[bot]", "Bot", Some("loom"), Sender::Bot),
            ("stale[BOT]", "User", None, Sender::Bot),
            ("ci", "bot", None, Sender::Bot),
            ("dependabot[bot]", "Bot", None, Sender::Person),
            ("", "User", Some(""), Sender::Bot),
            ("日本[bot]", "", None, Sender::Bot),
        ] {
            assert_eq!(
                who(login, kind, &settings, own),
                expected,
                "{login} {kind} {own:?}"
            );
        }
    }
}
