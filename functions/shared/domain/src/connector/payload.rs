//! Notices in the form that each kind of other side takes.

use serde_json::{Value, json};

use super::{Connector, ConnectorKind, Notice, Occurrence, Style};

/// What is sent, but for its signature.
#[derive(Debug, Clone, PartialEq)]
pub struct Outgoing {
    /// What is appended to the connector's URL.
    pub path: &'static str,
    /// The body, as JSON.
    pub body: Value,
}

/// The body for one delivery. `occurrence` is none for a test.
///
/// The forms: Slack's incoming webhooks (`text`), Discord's webhooks (`content`; `allowed_mentions` with an empty
/// `parse` lets nothing be a mention, flag 4 suppresses previews), OpenClaw's `POST /hooks/agent`.
pub fn request(
    connector: &Connector,
    delivery_id: &str,
    event: &str,
    notice: &Notice,
    occurrence: Option<&Occurrence>,
    loom_url: &str,
) -> Outgoing {
    let text = |style: Style| notice.text(style, loom_url);
    let priority = notice.priority.map(|priority| priority.to_string());
    let (path, body) = match connector.kind {
        ConnectorKind::Webhook => {
            let happened = occurrence.map(|occurrence| &occurrence.event);
            let body = json!({
                "id": delivery_id,
                "type": event,
                "text": text(Style::Plain),
                "url": format!("{}{}", loom_url.trim_end_matches('/'), notice.path),
                "priority": priority,
                "event": happened,
            });
            ("", body)
        }
        ConnectorKind::Slack => (
            "",
            json!({
                "text": text(Style::Slack),
                "link_names": false,
                "unfurl_links": false,
                "unfurl_media": false,
            }),
        ),
        ConnectorKind::Discord => (
            "",
            json!({
                "content": text(Style::Discord),
                "allowed_mentions": {"parse": []},
                "flags": 4,
            }),
        ),
        ConnectorKind::Openclaw => (
            "/hooks/agent",
            json!({
                "agent_id": connector.agent_id,
                "channel": connector.channel,
                "recipient": connector.recipient,
                "session_key": notice.session_key,
                "message": text(Style::Plain),
                "priority": priority,
            }),
        ),
    };
    Outgoing { path, body }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connector::{notice::tests::occurrence, tests_support::connector};

    #[test]
    fn the_four_forms() {
        let what = occurrence(
            "decision.created",
            json!({"decision_id": "d-1", "question": "Q?", "assignee": "human", "priority": "P0"}),
        );
        let notice = what.notice();
        let sent = |kind| {
            let mut to = connector();
            to.kind = kind;
            to.agent_id = Some("loom".into());
            to.channel = Some("signal".into());
            to.recipient = Some("+49".into());
            request(
                &to,
                "x-1",
                "decision.created",
                &notice,
                Some(&what),
                "https://l.example/",
            )
        };
        let webhook = sent(ConnectorKind::Webhook);
        assert_eq!(webhook.path, "");
        assert_eq!(webhook.body["id"], "x-1");
        assert_eq!(webhook.body["url"], "https://l.example/decisions/d-1");
        assert_eq!(webhook.body["event"]["type"], "decision.created");
        assert_eq!(webhook.body["event"]["sequence"], 7);
        assert_eq!(sent(ConnectorKind::Slack).body["unfurl_links"], false);
        let discord = sent(ConnectorKind::Discord).body;
        assert_eq!(discord["allowed_mentions"], json!({"parse": []}));
        let openclaw = sent(ConnectorKind::Openclaw);
        assert_eq!(openclaw.path, "/hooks/agent");
        let mut body = openclaw.body;
        let message = body["message"].take();
        assert!(message.as_str().unwrap().contains("Decision needed: Q?"));
        assert_eq!(
            body,
            json!({"agent_id": "loom", "channel": "signal", "recipient": "+49", "message": null,
                   "session_key": "loom:decision:d-1", "priority": "P0"})
        );
    }
}
