//! A Loom with a project, connectors' variables, and other sides that note what they get.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http::HeaderMap;
use loom_api::testing::{self, Answer, Call, builder, call, count, execute, play, rows, token};
use loom_domain::{
    account::Role, decision::NewDecision, event::EventKind, event::NewEvent, project::ProjectInput,
};
use loom_platform::native::{NativePlatform, handler};
use loom_platform::{Database, Platform, Random, Statements, Transaction, body_from};
use loom_store::{Change, bead, decision};
use serde_json::{Value, json};

pub(crate) const BASE: &str = "/api/v1/connectors";
pub(crate) const LOOM: &str = "https://loom.example";

/// What somebody was sent.
#[derive(Debug, Clone)]
pub(crate) struct Got {
    pub(crate) uri: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Got {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> String {
        let value = self.headers.get(name).map(|value| value.to_str().unwrap());
        value.unwrap_or_default().to_owned()
    }
}

/// A status and headers.
type Prepared = (u16, Vec<(&'static str, String)>);

/// The other side: it answers as it was told, 204 when nothing is left.
#[derive(Clone, Default)]
pub(crate) struct Receiver {
    got: Arc<Mutex<Vec<Got>>>,
    answers: Arc<Mutex<VecDeque<Prepared>>>,
}

impl Receiver {
    pub(crate) fn will(&self, status: u16, headers: &[(&'static str, &str)]) {
        let headers = headers
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect();
        self.answers.lock().unwrap().push_back((status, headers));
    }

    pub(crate) fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }

    pub(crate) fn ids(&self) -> Vec<String> {
        let got = self.got();
        got.iter()
            .map(|one| one.header("x-loom-delivery"))
            .collect()
    }
}

/// What no response, log line or row may hold: made anew for each test.
pub(crate) struct Secrets {
    pub(crate) path: String,
    pub(crate) signing: String,
    pub(crate) token: String,
    pub(crate) replies: String,
}

pub(crate) struct World {
    pub(crate) platform: NativePlatform,
    pub(crate) project: String,
    pub(crate) receiver: Receiver,
    pub(crate) secrets: Secrets,
    pub(crate) admin: String,
}

impl World {
    pub(crate) async fn new() -> Self {
        let platform = builder().variable("loom_url", LOOM).build().unwrap();
        let fake = |what: &str| {
            format!(
                "fake-{what}-{:032x}",
                u128::from_be_bytes(platform.random().bytes())
            )
        };
        let secrets = Secrets {
            path: fake("path"),
            signing: fake("signing"),
            token: fake("token"),
            replies: fake("replies"),
        };
        let given = json!({
            "team": format!("https://hooks.example.com/T/{}", secrets.path),
            "part": secrets.path,
            "sign": secrets.signing,
            "token": secrets.token,
        });
        for (name, value) in [
            ("connector_secrets", given.to_string().as_str()),
            ("connector_host_1", "https://hooks.example.com"),
            ("connector_host_2", "http://127.0.0.1:18789"),
            ("connector_host_3", "https://none.invalid"),
            ("openclaw_secret", secrets.replies.as_str()),
            ("openclaw_senders", "ann, signal:bob"),
        ] {
            platform.variables().set(name, value);
        }
        let receiver = Receiver::default();
        for host in ["hooks.example.com", "127.0.0.1", "elsewhere.example.com"] {
            let (got, answers) = (Arc::clone(&receiver.got), Arc::clone(&receiver.answers));
            let answer = handler(move |request: http::Request<Bytes>| {
                let (parts, body) = request.into_parts();
                got.lock().unwrap().push(Got {
                    uri: parts.uri.to_string(),
                    headers: parts.headers,
                    body,
                });
                let (status, headers) =
                    answers.lock().unwrap().pop_front().unwrap_or((204, vec![]));
                let mut response = http::Response::builder().status(status);
                for (name, value) in headers {
                    response = response.header(name, value);
                }
                async move { response.body(body_from("")).unwrap() }
            });
            platform.http().route(host, answer);
        }
        play(&platform, "dispatch-tick");
        let admin = token(&platform, Role::Admin).await;
        let project = testing::project(&platform, ProjectInput::default()).await;
        Self {
            platform,
            project: project.id,
            receiver,
            secrets,
            admin,
        }
    }

    pub(crate) async fn send(&self, request: Call) -> Answer {
        request
            .token(&self.admin)
            .send(&self.platform, loom_connectors::handle)
            .await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(call("GET", path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(call("POST", path).json(body)).await
    }

    /// Makes a connector: a webhook that wants decisions and new beads, but for what `change` says.
    pub(crate) async fn create(&self, change: Value) -> Answer {
        let mut body = json!({"name": "Team", "kind": "webhook", "url": "{{secret:team}}", "secret": "sign",
            "events": ["decision.created", "bead.created"]});
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        self.post(BASE, body).await
    }

    /// The id of a new connector.
    pub(crate) async fn connect(&self, change: Value) -> String {
        let answer = self.create(change).await;
        assert_eq!(answer.status, 201, "{}", answer.json());
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn sweep(&self) -> Value {
        let sweep = call("POST", "/internal/sweep");
        let answer = sweep.send(&self.platform, loom_connectors::handle).await;
        assert_eq!(answer.status, 200, "{}", answer.json());
        answer.json()
    }

    /// The log of a connector, newest first.
    pub(crate) async fn log(&self, id: &str) -> Vec<Value> {
        let answer = self.get(&format!("{BASE}/{id}/deliveries")).await;
        answer.json().as_array().unwrap().clone()
    }

    /// Has everything that waits be due now.
    pub(crate) async fn hurry(&self) {
        self.sql("UPDATE connector_delivery SET next_attempt_at = 0 WHERE status = 'pending'")
            .await;
    }

    pub(crate) async fn sql(&self, sql: &str) {
        execute(&self.platform, sql).await;
    }

    pub(crate) async fn event(&self, kind: EventKind) {
        let tx = self.platform.database().transaction().await.unwrap();
        let change = Change::new(&tx, self.platform.random(), "ann")
            .await
            .unwrap();
        let event = NewEvent::new(kind).project(&self.project);
        change.event(event).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub(crate) async fn bead(&self, title: &str) -> String {
        let bead = testing::bead(&self.platform, &self.project, title).await;
        bead.id
    }

    /// Puts a question about a new bead.
    pub(crate) async fn ask(&self, new: NewDecision) -> String {
        let id = self.bead("Fix it").await;
        let tx = self.platform.database().transaction().await.unwrap();
        let change = Change::new(&tx, self.platform.random(), "ann")
            .await
            .unwrap();
        let bead = bead::get(&tx, &id).await.unwrap();
        let asked = decision::ask(&change, &bead, &new, "").await.unwrap();
        tx.commit().await.unwrap();
        asked.unwrap()
    }

    pub(crate) async fn decision(&self, id: &str) -> loom_domain::decision::Decision {
        decision::get(self.platform.database(), id).await.unwrap()
    }

    pub(crate) async fn count(&self, sql: &str) -> i64 {
        count(&self.platform, sql).await
    }

    /// Every row of every table.
    pub(crate) async fn everything(&self) -> Vec<String> {
        let database = self.platform.database();
        let sql = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name";
        let tables = database.query(sql, vec![]).await.unwrap();
        let tables: Vec<String> = tables.iter().map(|row| row.text(0).unwrap()).collect();
        let tables: Vec<&str> = tables.iter().map(String::as_str).collect();
        rows(&self.platform, &tables).await
    }
}
