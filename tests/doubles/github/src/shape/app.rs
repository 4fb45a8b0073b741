use serde_json::{Value, json};

use super::node;
use crate::time;
use crate::world::World;

/// The id that GitHub Actions has as an App.
pub(crate) const ACTIONS: u64 = 15_368;

impl World {
    /// What the App may do.
    pub(crate) fn permissions_json(read_only: bool) -> Value {
        let access = if read_only { "read" } else { "write" };
        json!({
            "metadata": "read", "contents": access, "issues": access, "pull_requests": access,
            "checks": access, "statuses": access, "actions": access,
        })
    }

    fn integration_json(&self, id: u64, slug: &str, owner: &str, name: &str) -> Value {
        let born = time::rfc3339(1_525_000_000);
        json!({
            "id": id,
            "slug": slug,
            "node_id": node("A", id),
            "owner": self.user_json(owner),
            "name": name,
            "description": "",
            "external_url": format!("{}/apps/{slug}", self.address),
            "html_url": format!("{}/apps/{slug}", self.address),
            "created_at": born,
            "updated_at": born,
            "permissions": Self::permissions_json(false),
            "events": self.app.events,
        })
    }

    /// `integration` of the App.
    pub(crate) fn app_json(&self) -> Value {
        let mut value = self.integration_json(self.app.id, &self.app.slug, "ghost", &self.app.slug);
        value["installations_count"] = json!(self.installations.len());
        value
    }

    /// `integration` of GitHub Actions.
    pub(crate) fn actions_app_json(&self) -> Value {
        self.integration_json(ACTIONS, "github-actions", "github", "GitHub Actions")
    }

    /// `installation` of the App on an account.
    pub(crate) fn installation_json(&self, account: &str, id: u64) -> Value {
        let user = self.user_json(account);
        let born = time::rfc3339(1_525_000_000);
        json!({
            "id": id,
            "target_id": user["id"],
            "target_type": user["type"],
            "account": user,
            "repository_selection": "all",
            "access_tokens_url": format!("{}/app/installations/{id}/access_tokens", self.api),
            "repositories_url": format!("{}/installation/repositories", self.api),
            "html_url": format!("{}/settings/installations/{id}", self.address),
            "app_id": self.app.id,
            "app_slug": self.app.slug,
            "permissions": Self::permissions_json(false),
            "events": self.app.events,
            "created_at": born,
            "updated_at": born,
            "single_file_name": null,
            "has_multiple_single_files": false,
            "single_file_paths": [],
            "suspended_by": null,
            "suspended_at": null,
        })
    }
}
