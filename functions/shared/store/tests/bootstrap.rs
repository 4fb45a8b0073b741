//! The workflow project-bootstrap from the document to the demonstration, on the same SQL as in production.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a helper of tests fails the test"
)]

mod common;

use std::collections::BTreeMap;

use common::{RETRY, World};
use loom_domain::{
    agent::{Agent, AgentStatus},
    bead::{Bead, BeadInput, BeadStatus, Priority},
    plan,
    run::EndReason,
    time::Timestamp,
    workflow::{Execution, Outcome},
};
use loom_store::{agent, bead, decision, document, run, workflow};

const ROLES: [&str; 3] = ["product-manager", "project-manager", "engineering-manager"];

/// A project whose bootstrap has begun.
struct Begun {
    world: World,
    ids: BTreeMap<&'static str, String>,
    root: String,
}

impl Begun {
    async fn new() -> Self {
        let world = World::new().await;
        let mut ids = BTreeMap::new();
        for role in ROLES {
            let agent = Agent {
                id: String::new(),
                name: role.into(),
                role: role.into(),
                persona: format!("default/{role}"),
                project_id: None,
                provider_id: None,
                model: None,
                status: AgentStatus::Idle,
                status_reason: None,
                current_run: None,
                current_bead: None,
                version: 1,
                created_at: Timestamp(0),
                last_active_at: None,
            };
            let agent = write!(world, |change| agent::spawn(&change, agent)).unwrap();
            ids.insert(role, agent.id);
        }
        let root = world
            .file(BeadInput {
                title: Some("[Bootstrap] Test".into()),
                kind: Some("bootstrap".into()),
                priority: Some(Priority::P0),
                ..Default::default()
            })
            .await
            .unwrap();
        Self {
            world,
            ids,
            root: root.id,
        }
    }

    /// One that stands at its breakdown.
    async fn broken_down() -> Self {
        let begun = Self::new().await;
        begun.concludes("product-manager", Outcome::Success).await;
        begun.decides("approve").await;
        begun.concludes("product-manager", Outcome::Success).await;
        assert_eq!(begun.node().await, "breakdown");
        begun
    }

    async fn node(&self) -> String {
        self.execution().await.node
    }

    async fn execution(&self) -> Execution {
        let filter = workflow::ExecutionFilter {
            bead_id: Some(self.root.clone()),
            ..Default::default()
        };
        let list = workflow::list(self.world.db(), &filter, None, 10).await;
        list.unwrap().into_iter().next().unwrap()
    }

    async fn concludes(&self, role: &str, outcome: Outcome) {
        let reason = EndReason::NodeConcluded {
            outcome,
            code: "done",
            note: String::new(),
            commit: None,
        };
        let claimed = self.world.claim(&self.root, &self.ids[role]).await.unwrap();
        let leased = self.world.lease(&claimed.run_id).await.unwrap();
        let ended = write!(self.world, |change| run::end(
            &change,
            &leased.hold,
            reason,
            RETRY,
            None
        ));
        ended.unwrap();
    }

    async fn decides(&self, answer: &str) {
        let all = decision::of_bead(self.world.db(), &self.root)
            .await
            .unwrap();
        let open: Vec<_> = all
            .iter()
            .filter(|decision| decision.decided_at.is_none())
            .collect();
        assert_eq!(open.len(), 1, "{open:?}");
        let decided = write!(self.world, |change| decision::decide(
            &change,
            &open[0].id,
            answer,
            "because",
            None
        ));
        decided.unwrap();
    }

    /// Files a bead as the breakdown does.
    async fn plans(&self, kind: &str, parent: &str, priority: i64) -> Bead {
        let bead = self.files(kind, parent, priority).await;
        let held = write!(self.world, |change| workflow::hold_back(
            &change, &bead, &self.root
        ));
        held.unwrap();
        bead
    }

    /// Files a bead as anybody does.
    async fn files(&self, kind: &str, parent: &str, priority: i64) -> Bead {
        let input = BeadInput {
            title: Some(format!("A {kind} of priority {priority}")),
            kind: Some(kind.into()),
            parent: Some(Some(parent.into())),
            priority: Priority::new(priority),
            ..Default::default()
        };
        self.world.file(input).await.unwrap()
    }

    async fn closes(&self, bead: &Bead) {
        let now = self.world.read(&bead.id).await;
        let closed = write!(self.world, |change| bead::change_status(
            &change,
            &now,
            BeadStatus::Closed,
            "done"
        ));
        closed.unwrap();
    }

    async fn status(&self, id: &str) -> BeadStatus {
        self.world.read(id).await.status
    }

    async fn problems(&self) -> Vec<String> {
        let beads = workflow::beads_of_plan(self.world.db(), &self.root).await;
        plan::problems(&self.root, &beads.unwrap())
    }
}

#[tokio::test]
async fn a_demonstration_is_due_when_what_makes_the_first_usable_product_is_closed() {
    let begun = Begun::broken_down().await;
    let core = begun.plans("epic", &begun.root, 1).await;
    let more = begun.plans("epic", &begun.root, 2).await;
    let first = begun.plans("task", &core.id, 1).await;
    let second = begun.plans("task", &core.id, 0).await;
    let later = begun.plans("task", &more.id, 2).await;
    assert_eq!(begun.problems().await, Vec::<String>::new());
    assert_eq!(begun.status(&first.id).await, BeadStatus::Blocked);
    begun.concludes("project-manager", Outcome::Success).await;
    assert_eq!(begun.node().await, "build");
    for story in [&first, &second, &later] {
        assert_eq!(begun.status(&story.id).await, BeadStatus::Open);
    }

    // What work on a story brings up below it is waited for too, however deep it lies.
    let part = begun.files("task", &first.id, 1).await;
    begun.closes(&second).await;
    begun.closes(&first).await;
    assert_eq!(begun.status(&core.id).await, BeadStatus::Closed);
    assert_eq!(begun.node().await, "build");
    begun.closes(&part).await;
    assert_eq!(begun.node().await, "demo");
    assert_eq!(begun.status(&begun.root).await, BeadStatus::Blocked);

    begun.decides("approve").await;
    assert_eq!(begun.status(&begun.root).await, BeadStatus::Closed);
    // The rest goes on by itself.
    assert_eq!(begun.status(&later.id).await, BeadStatus::Open);
    begun.closes(&later).await;
    assert_eq!(begun.status(&more.id).await, BeadStatus::Closed);
}

#[tokio::test]
async fn a_demonstration_that_is_sent_back_brings_more_stories_and_another_demonstration() {
    let begun = Begun::broken_down().await;
    let core = begun.plans("epic", &begun.root, 1).await;
    let first = begun.plans("task", &core.id, 1).await;
    let later = begun.plans("task", &core.id, 2).await;
    begun.concludes("project-manager", Outcome::Success).await;
    // Work brought up a part of a story, and a person filed something of their own: neither is part of the plan.
    begun.files("task", &later.id, 3).await;
    begun.files("task", &begun.root, 3).await;
    begun.closes(&first).await;
    assert_eq!(begun.node().await, "demo");
    begun.decides("deny").await;
    assert_eq!(begun.node().await, "breakdown");
    assert_eq!(begun.status(&begun.root).await, BeadStatus::Open);

    let wish = begun.plans("task", &core.id, 1).await;
    // A mistake that the planner takes back is none.
    let mistake = begun.plans("task", &begun.root, 1).await;
    let problems = begun.problems().await;
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].contains(&mistake.id), "{problems:?}");
    begun.closes(&mistake).await;
    assert_eq!(begun.problems().await, Vec::<String>::new());
    begun.concludes("project-manager", Outcome::Success).await;
    assert_eq!(begun.node().await, "build");
    assert_eq!(begun.status(&wish.id).await, BeadStatus::Open);
    begun.closes(&wish).await;
    assert_eq!(begun.node().await, "demo");
    begun.decides("approve").await;
    assert_eq!(begun.status(&begun.root).await, BeadStatus::Closed);
    assert_eq!(begun.status(&core.id).await, BeadStatus::Blocked);
}

#[tokio::test]
async fn a_story_that_is_put_off_or_moved_away_is_not_waited_for() {
    let change = |begun: &Begun, other: &Bead, how: usize| match how {
        0 => BeadInput {
            priority: Priority::new(2),
            ..Default::default()
        },
        1 => BeadInput {
            parent: Some(Some(other.id.clone())),
            ..Default::default()
        },
        _ => {
            assert_eq!(how, 2, "{}", begun.root);
            BeadInput {
                parent: Some(None),
                ..Default::default()
            }
        }
    };
    for how in 0..3 {
        let begun = Begun::broken_down().await;
        let other = begun.world.bead("Elsewhere").await;
        let core = begun.plans("epic", &begun.root, 1).await;
        let first = begun.plans("task", &core.id, 1).await;
        let second = begun.plans("task", &core.id, 1).await;
        begun.concludes("project-manager", Outcome::Success).await;
        begun.closes(&first).await;
        assert_eq!(begun.node().await, "build");
        let input = change(&begun, &other, how);
        begun.world.update(&second.id, input).await.unwrap();
        assert_eq!(begun.node().await, "demo", "{how}");
    }
}

#[tokio::test]
async fn a_pause_at_the_build_loses_nothing() {
    use loom_domain::workflow::Command;
    let begun = Begun::broken_down().await;
    let core = begun.plans("epic", &begun.root, 1).await;
    let first = begun.plans("task", &core.id, 1).await;
    begun.concludes("project-manager", Outcome::Success).await;
    let id = begun.execution().await.id;
    write!(begun.world, |change| workflow::steer(
        &change,
        &id,
        Command::Pause
    ))
    .unwrap();
    begun.closes(&first).await;
    assert_eq!(begun.node().await, "build");
    let resume = Command::Resume {
        note: String::new(),
    };
    write!(begun.world, |change| workflow::steer(&change, &id, resume)).unwrap();
    assert_eq!(begun.node().await, "demo");
}

#[tokio::test]
async fn what_was_sent_back_is_written_anew() {
    let begun = Begun::new().await;
    begun.concludes("product-manager", Outcome::Success).await;
    assert_eq!(begun.node().await, "ceo_review");
    begun.decides("deny").await;
    assert_eq!(begun.node().await, "expand_prd");
    let told = workflow::history(begun.world.db(), &begun.execution().await.id, 0, 100).await;
    let told = serde_json::to_string(&told.unwrap()).unwrap();
    assert!(told.contains("because"), "the reason is in {told}");
    begun.concludes("product-manager", Outcome::Success).await;
    assert_eq!(begun.node().await, "ceo_review");
}

#[tokio::test]
async fn documents_are_kept_in_order_for_their_bead() {
    let begun = Begun::new().await;
    let documents: Vec<document::Document> = (0..12)
        .map(|number| document::Document {
            path: format!("plans/{}.md", 12 - number),
            content: format!("Part {number} é\n"),
        })
        .collect();
    write!(begun.world, |change| document::keep(
        &change,
        &begun.root,
        &documents
    ))
    .unwrap();
    let other = begun.world.bead("Other").await;
    for (position, expected) in documents.iter().enumerate() {
        let position = i64::try_from(position).unwrap();
        let found = document::at(begun.world.db(), &begun.root, position).await;
        assert_eq!(found.unwrap().as_ref(), Some(expected));
        let of_other = document::at(begun.world.db(), &other.id, position).await;
        assert_eq!(of_other.unwrap(), None);
    }
    let end = document::at(begun.world.db(), &begun.root, 12).await;
    assert_eq!(end.unwrap(), None);
}
