//! What deliveries of GitHub's do, on the same SQL as in production: once, in any order and number, and nothing for
//! those who may not.

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a broken assumption of a test should stop it at once"
)]

mod builds;
mod comments;
#[path = "../common/mod.rs"]
mod common;
mod issues;
mod merges;
mod pull_requests;
mod reports;
mod repositories;

use common::World;
use loom_domain::{
    bead::Bead,
    event::EventKind,
    github::{
        GithubSettings,
        intent::{self, Known, Verdict},
    },
    project::{Project, ProjectInput},
    run::EndReason,
};
use loom_platform::Statements;
use loom_store::{
    github::{self, Applied, Facts},
    project, run,
};
use serde_json::{Value, json};

pub const SHA: &str = "1111111111111111111111111111111111111111";
pub const OTHER_SHA: &str = "2222222222222222222222222222222222222222";
const WRITERS: [&str; 2] = ["ann", "Maintainer"];

/// A project in acme/widget on GitHub.
pub struct Hub {
    pub world: World,
}

impl Hub {
    pub async fn new() -> Self {
        Self::with(GithubSettings::default()).await
    }

    pub async fn with(settings: GithubSettings) -> Self {
        let mut world = World::new().await;
        let input = ProjectInput {
            name: Some("Widget".into()),
            git_repo: Some("https://github.com/Acme/widget".into()),
            bead_prefix: Some("wi".into()),
            github: Some(settings),
            ..Default::default()
        };
        let registered = input.register().unwrap();
        world.project =
            write!(world, |change| project::register(&change, registered, true)).unwrap();
        Self { world }
    }

    pub async fn project(&self) -> Project {
        project::get(self.world.db(), &self.world.project.id)
            .await
            .unwrap()
    }

    /// Handles one delivery as the webhook function does, and says what became of it.
    pub async fn deliver(&self, event: &str, payload: &Value) -> Result<Applied, &'static str> {
        let names = intent::repositories(event, payload);
        let Some(project) = github::project_of(self.world.db(), &names).await.unwrap() else {
            return Err("unknown_repository");
        };
        let known = Known {
            settings: project.github.as_ref().unwrap(),
            own_login: Some("loom[bot]"),
            branch: &project.branch,
        };
        match intent::of(event, payload, known) {
            Verdict::Ignore(ignored) => Err(ignored.code),
            Verdict::Act(intents) => {
                let facts = Facts {
                    writers: intents
                        .iter()
                        .filter_map(intent::Intent::needs_permission)
                        .map(|need| need.login)
                        .filter(|login| WRITERS.contains(&login.as_str()))
                        .collect(),
                };
                let applied = write!(self.world, |change| github::apply(
                    &change, &project, &intents, &facts
                ));
                Ok(applied.unwrap())
            }
        }
    }

    pub async fn issue(&self, action: &str, at: u32, over: Value) -> Applied {
        self.deliver("issues", &issue(action, at, over))
            .await
            .unwrap()
    }

    /// The beads of the project, by the order of their filing.
    pub async fn beads(&self) -> Vec<Bead> {
        let sql = "SELECT id FROM bead WHERE project_id = ?1 AND deleted_at IS NULL ORDER BY created_at, rowid";
        let rows = self
            .world
            .db()
            .query(sql, vec![(&self.world.project.id).into()])
            .await
            .unwrap();
        let mut beads = Vec::new();
        for row in rows {
            beads.push(self.world.read(&row.text(0).unwrap()).await);
        }
        beads
    }

    pub async fn only_bead(&self) -> Bead {
        let mut beads = self.beads().await;
        assert_eq!(beads.len(), 1, "{beads:?}");
        beads.remove(0)
    }

    pub async fn comments(&self, bead: &Bead) -> Vec<(String, String)> {
        let comments = loom_store::bead::comments(self.world.db(), &bead.id, 100)
            .await
            .unwrap();
        comments
            .into_iter()
            .map(|comment| (comment.author, comment.content))
            .collect()
    }

    pub async fn events(&self, kind: EventKind) -> i64 {
        self.world
            .count(&format!(
                "SELECT COUNT(*) FROM event WHERE kind = '{}'",
                kind.as_str()
            ))
            .await
    }

    /// One run of an agent on a bead that has come to its end.
    pub async fn work(&self, bead: &Bead, agent: &str, reason: EndReason) {
        let claimed = self.world.claim(&bead.id, agent).await.unwrap();
        let leased = self.world.lease(&claimed.run_id).await.unwrap();
        let retry = common::RETRY;
        write!(self.world, |change| run::end(
            &change,
            &leased.hold,
            reason,
            retry,
            None
        ))
        .unwrap();
    }
}

/// `base` with what `over` says in its place.
pub fn merged(mut base: Value, over: Value) -> Value {
    fn put(base: &mut Value, over: Value) {
        match (base, over) {
            (Value::Object(base), Value::Object(over)) => {
                for (key, value) in over {
                    put(base.entry(key).or_insert(Value::Null), value);
                }
            }
            (base, over) => *base = over,
        }
    }
    put(&mut base, over);
    base
}

pub fn at(second: u32) -> String {
    format!("2026-11-24T10:{:02}:{:02}Z", second / 60, second % 60)
}

pub fn by(login: &str) -> Value {
    let kind = if login.ends_with("[bot]") {
        "Bot"
    } else {
        "User"
    };
    json!({"sender": {"login": login, "type": kind}})
}

fn home() -> Value {
    merged(
        by("ann"),
        json!({"repository": {"full_name": "acme/Widget", "html_url": "https://github.com/acme/Widget"}}),
    )
}

/// A delivery of the event `issues` about issue 7.
pub fn issue(action: &str, second: u32, over: Value) -> Value {
    let payload = json!({"action": action, "issue": {
        "number": 7, "title": "It breaks", "body": "Always.", "state": if action == "closed" { "closed" } else { "open" },
        "html_url": "https://github.com/acme/widget/issues/7", "user": {"login": "ann"},
        "labels": [], "updated_at": at(second)}});
    merged(merged(home(), payload), over)
}

/// A comment of `login` on issue 7.
pub fn comment(id: i64, login: &str, body: &str) -> Value {
    let said = json!({"comment": {"id": id, "body": body, "user": {"login": login}}});
    merged(merged(issue("created", 0, json!({})), by(login)), said)
}

/// A delivery of the event `pull_request` about pull request 9.
pub fn pull_request(action: &str, second: u32, over: Value) -> Value {
    let payload = json!({"action": action, "pull_request": {
        "number": 9, "title": "Mend it", "body": "It did break.", "draft": false, "merged": false,
        "state": if action == "closed" { "closed" } else { "open" },
        "html_url": "https://github.com/acme/widget/pull/9", "user": {"login": "ann"},
        "head": {"ref": "mend", "sha": SHA, "repo": {"full_name": "acme/widget"}},
        "base": {"ref": "main", "sha": OTHER_SHA}, "updated_at": at(second)}});
    merged(merged(home(), payload), over)
}

pub fn head(branch: &str) -> Value {
    json!({"pull_request": {"head": {"ref": branch}}})
}

/// Every order of `items`.
pub fn permutations<T: Clone>(items: &[T]) -> Vec<Vec<T>> {
    if items.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for index in 0..items.len() {
        let mut rest = items.to_vec();
        let first = rest.remove(index);
        for mut order in permutations(&rest) {
            order.insert(0, first.clone());
            all.push(order);
        }
    }
    all
}

pub fn codes(applied: &Applied) -> Vec<&'static str> {
    applied.notes.iter().map(|note| note.code).collect()
}
