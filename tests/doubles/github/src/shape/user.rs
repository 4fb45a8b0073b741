use serde_json::{Value, json};

use super::node;
use crate::world::{User, UserKind, World};

impl World {
    /// `simple-user`; somebody unknown is the ghost that GitHub shows instead of deleted accounts.
    pub(crate) fn user_json(&self, login: &str) -> Value {
        match self.users.get(&login.to_lowercase()) {
            Some(user) => self.account_json(user),
            None => self.account_json(&User::new(10_137, "ghost", UserKind::Person, 0)),
        }
    }

    /// `null` for nobody.
    pub(crate) fn user_or_null(&self, login: Option<&str>) -> Value {
        login.map_or(Value::Null, |login| self.user_json(login))
    }

    fn account_json(&self, user: &User) -> Value {
        let login = user.login.replace('[', "%5B").replace(']', "%5D");
        let api = format!("{}/users/{login}", self.api);
        let kind = match user.kind {
            UserKind::Person => "User",
            UserKind::Bot => "Bot",
            UserKind::Organization => "Organization",
        };
        let page = match user.login.strip_suffix("[bot]") {
            Some(slug) => format!("{}/apps/{slug}", self.address),
            None => format!("{}/{login}", self.address),
        };
        json!({
            "login": user.login,
            "id": user.id,
            "node_id": node("U", user.id),
            "avatar_url": format!("{}/avatars/u/{}", self.address, user.id),
            "gravatar_id": "",
            "url": api,
            "html_url": page,
            "followers_url": format!("{api}/followers"),
            "following_url": format!("{api}/following{{/other_user}}"),
            "gists_url": format!("{api}/gists{{/gist_id}}"),
            "starred_url": format!("{api}/starred{{/owner}}{{/repo}}"),
            "subscriptions_url": format!("{api}/subscriptions"),
            "organizations_url": format!("{api}/orgs"),
            "repos_url": format!("{api}/repos"),
            "events_url": format!("{api}/events{{/privacy}}"),
            "received_events_url": format!("{api}/received_events"),
            "type": kind,
            "site_admin": false,
        })
    }

    /// `public-user`.
    pub(crate) fn whole_user_json(&self, login: &str) -> Value {
        let mut value = self.user_json(login);
        let created = self
            .users
            .get(&login.to_lowercase())
            .map(|user| user.created_at.clone());
        if let Some(fields) = value.as_object_mut() {
            for name in [
                "company",
                "location",
                "hireable",
                "bio",
                "twitter_username",
                "email",
            ] {
                fields.insert(name.to_owned(), Value::Null);
            }
            fields.insert(String::from("name"), json!(login));
            fields.insert(String::from("blog"), json!(""));
            for name in ["public_repos", "public_gists", "followers", "following"] {
                fields.insert(name.to_owned(), json!(0));
            }
            fields.insert(String::from("created_at"), json!(created));
            fields.insert(String::from("updated_at"), json!(created));
        }
        value
    }
}
