use serde_json::{Map, Value, json};

use crate::world::{Delivery, Hook, Repo, World};

impl World {
    /// `hook`.
    pub(crate) fn hook_json(&self, repo: &Repo, hook: &Hook) -> Value {
        let url = format!("{}/hooks/{}", self.repo_api(repo), hook.id);
        let last = self
            .hooks
            .deliveries
            .iter()
            .rfind(|delivery| delivery.hook == Some(hook.id) && delivery.done());
        let response = match last {
            None => json!({"code": null, "status": "unused", "message": null}),
            Some(delivery) if delivery.taken() => {
                json!({"code": delivery.status_code, "status": "active", "message": "OK"})
            }
            Some(delivery) => json!({
                "code": delivery.status_code, "status": "misconfigured", "message": delivery.status,
            }),
        };
        json!({
            "type": "Repository",
            "id": hook.id,
            "name": "web",
            "active": hook.active,
            "events": hook.events,
            "config": {
                "content_type": "json", "insecure_ssl": "0", "url": hook.url, "secret": "********",
            },
            "updated_at": hook.created_at,
            "created_at": hook.created_at,
            "url": url,
            "test_url": format!("{url}/test"),
            "ping_url": format!("{url}/pings"),
            "deliveries_url": format!("{url}/deliveries"),
            "last_response": response,
        })
    }

    /// `hook-delivery-item`.
    pub(crate) fn delivery_json(&self, delivery: &Delivery) -> Value {
        json!({
            "id": delivery.id,
            "guid": delivery.guid,
            "delivered_at": delivery.delivered_at,
            "redelivery": delivery.redelivery,
            "duration": delivery.seconds,
            "status": delivery.status,
            "status_code": delivery.status_code,
            "event": delivery.event,
            "action": delivery.action,
            "installation_id": delivery.installation,
            "repository_id": delivery.repository,
            "throttled_at": null,
        })
    }

    /// `hook-delivery`.
    pub(crate) fn whole_delivery_json(&self, delivery: &Delivery) -> Value {
        let headers = |list: &[(String, String)]| -> Map<String, Value> {
            list.iter()
                .map(|(name, value)| (name.clone(), json!(value)))
                .collect()
        };
        let mut value = self.delivery_json(delivery);
        value["url"] = json!(delivery.url);
        value["request"] = json!({
            "headers": headers(&delivery.request_headers), "payload": delivery.payload,
        });
        value["response"] = json!({
            "headers": headers(&delivery.response_headers), "payload": delivery.response,
        });
        value
    }
}
