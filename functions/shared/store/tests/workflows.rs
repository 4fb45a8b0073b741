//! Executions move beads through the shipped workflows, on the same SQL as in production.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper of tests fails the test"
)]

mod common;

use std::collections::BTreeMap;

use common::{RETRY, World};
use loom_domain::{
    agent::{Agent, AgentStatus},
    bead::{Bead, BeadInput, BeadStatus, ReasonCode},
    run::EndReason,
    time::Timestamp,
    workflow::{Command, Execution, ExecutionStatus, Outcome},
};
use loom_platform::{Platform, Statements};
use loom_store::{StoreError, agent, bead, decision, run, workflow};

struct Team {
    world: World,
    ids: BTreeMap<&'static str, String>,
}

impl Team {
    async fn new(roles: &[&'static str]) -> Self {
        let world = World::new().await;
        let mut ids = BTreeMap::new();
        for role in roles {
            let agent = Agent {
                id: String::new(),
                name: (*role).into(),
                role: (*role).into(),
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
            ids.insert(*role, agent.id);
        }
        Self { world, ids }
    }

    async fn full() -> Self {
        Self::new(&[
            "product-manager",
            "engineering-manager",
            "qa-engineer",
            "code-reviewer",
            "web-designer",
        ])
        .await
    }

    async fn file(&self, kind: &str) -> Bead {
        let input = BeadInput {
            title: Some(format!("A {kind}")),
            kind: Some(kind.into()),
            ..Default::default()
        };
        self.world.file(input).await.unwrap()
    }

    async fn execution(&self, bead: &Bead) -> Execution {
        let filter = workflow::ExecutionFilter {
            bead_id: Some(bead.id.clone()),
            ..Default::default()
        };
        let list = workflow::list(self.world.db(), &filter, None, 10)
            .await
            .unwrap();
        list.into_iter().next().unwrap()
    }

    /// One run of the agent of a role, that ends with `reason`.
    async fn works(&self, bead: &Bead, role: &str, reason: EndReason) {
        let claimed = self.world.claim(&bead.id, &self.ids[role]).await.unwrap();
        let leased = self.world.lease(&claimed.run_id).await.unwrap();
        write!(self.world, |change| run::end(
            &change,
            &leased.hold,
            reason,
            RETRY,
            None
        ))
        .unwrap();
    }

    async fn concludes(&self, bead: &Bead, role: &str, outcome: Outcome) {
        let code = match outcome {
            Outcome::Approved => "approved",
            Outcome::Rejected => "rejected",
            Outcome::Failure => "gave_up",
            _ => "done",
        };
        let reason = EndReason::NodeConcluded {
            outcome,
            code,
            note: format!("{role} says {code}"),
            commit: None,
        };
        self.works(bead, role, reason).await;
    }

    async fn steer(&self, id: &str, command: Command) -> Result<Execution, StoreError> {
        write!(self.world, |change| workflow::steer(&change, id, command))
    }

    async fn decide(&self, bead: &Bead, answer: &str) {
        let open: Vec<_> = decision::of_bead(self.world.db(), &bead.id)
            .await
            .unwrap()
            .into_iter()
            .filter(|decision| decision.decided_at.is_none())
            .collect();
        assert_eq!(open.len(), 1, "{open:?}");
        write!(self.world, |change| decision::decide(
            &change,
            &open[0].id,
            answer,
            "because",
            None
        ))
        .unwrap();
    }

    async fn open_decisions(&self, bead: &Bead) -> i64 {
        let open = self.world.read(&bead.id).await.open_decisions;
        let sql = format!(
            "SELECT COUNT(*) FROM decision WHERE bead_id = '{}' AND status = 'open'",
            bead.id
        );
        assert_eq!(
            open,
            self.world.count(&sql).await,
            "the bead counts what is open"
        );
        open
    }

    /// What must be so of every execution at any time: its history adds up to its state.
    async fn replays(&self, bead: &Bead) {
        let stored = self.execution(bead).await;
        let replayed = workflow::replay(self.world.db(), &stored.id).await.unwrap();
        assert_eq!(replayed, stored);
    }
}

fn code(result: Result<Execution, StoreError>) -> &'static str {
    match result {
        Err(StoreError::Refused(refusal)) => refusal.code,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_bug_travels_to_its_end() {
    let team = Team::full().await;
    let bead = team.file("bug").await;
    assert_eq!(bead.wanted_role.as_deref(), Some("qa-engineer"));
    team.concludes(&bead, "qa-engineer", Outcome::Success).await;
    let now = team.world.read(&bead.id).await;
    assert_eq!(now.status, BeadStatus::Open);
    assert_eq!(now.wanted_role.as_deref(), Some("product-manager"));
    assert_eq!(now.author_agent.as_ref(), team.ids.get("qa-engineer"));
    let own = team.world.claim(&bead.id, &team.ids["qa-engineer"]).await;
    let Err(StoreError::Refused(refusal)) = own else {
        panic!("{own:?}")
    };
    assert_eq!(refusal.code, "own_work");
    team.concludes(&bead, "product-manager", Outcome::Approved)
        .await;
    team.concludes(&bead, "engineering-manager", Outcome::Success)
        .await;
    team.replays(&bead).await;
    team.concludes(&bead, "engineering-manager", Outcome::Success)
        .await;
    let now = team.world.read(&bead.id).await;
    assert_eq!(now.status, BeadStatus::Closed);
    assert_eq!(now.close_reason.as_deref(), Some("done"));
    assert_eq!(now.execution_id, None);
    let execution = team.execution(&bead).await;
    assert_eq!(execution.status, ExecutionStatus::Completed);
    team.replays(&bead).await;
    assert_eq!(
        code(team.steer(&execution.id, Command::Pause).await),
        "execution_ended"
    );
}

#[tokio::test]
async fn three_rejections_are_one_decision() {
    for (answer, status) in [
        ("approve", BeadStatus::Closed),
        ("deny", BeadStatus::Open),
        ("needs_more_info", BeadStatus::Open),
    ] {
        let team = Team::full().await;
        let bead = team.file("bug").await;
        for _ in 0..3 {
            assert_eq!(team.open_decisions(&bead).await, 0);
            team.concludes(&bead, "qa-engineer", Outcome::Success).await;
            team.concludes(&bead, "product-manager", Outcome::Rejected)
                .await;
        }
        let now = team.world.read(&bead.id).await;
        assert_eq!(now.status, BeadStatus::Blocked);
        assert_eq!(team.open_decisions(&bead).await, 1);
        assert_eq!(
            team.execution(&bead).await.status,
            ExecutionStatus::Escalated
        );
        team.replays(&bead).await;
        team.decide(&bead, answer).await;
        let now = team.world.read(&bead.id).await;
        assert_eq!(now.status, status, "{answer}");
        assert_eq!(team.open_decisions(&bead).await, 0);
        let execution = team.execution(&bead).await;
        if answer == "approve" {
            assert_eq!(execution.status, ExecutionStatus::Completed);
        } else {
            assert_eq!(execution.status, ExecutionStatus::Active);
            assert_eq!(execution.node, "investigate");
        }
        if answer == "deny" {
            assert_eq!(
                now.assigned_to.as_ref(),
                team.ids.get("engineering-manager"),
                "the triage agent"
            );
        }
        team.replays(&bead).await;
    }
}

#[tokio::test]
async fn a_person_judges_where_no_other_agent_can() {
    let team = Team::new(&["engineering-manager"]).await;
    let bead = team.file("bug").await;
    team.concludes(&bead, "engineering-manager", Outcome::Success)
        .await;
    let now = team.world.read(&bead.id).await;
    assert_eq!(now.status, BeadStatus::Blocked);
    assert_eq!(team.open_decisions(&bead).await, 1);
    assert_eq!(team.execution(&bead).await.node, "pm_review");
    let reopened = team
        .world
        .update(
            &bead.id,
            BeadInput {
                status: Some(BeadStatus::Open),
                ..Default::default()
            },
        )
        .await;
    let Err(StoreError::Refused(refusal)) = reopened else {
        panic!("an approval is not opened past: {reopened:?}")
    };
    assert_eq!(refusal.code, "workflow_waits");
    team.decide(&bead, "deny").await;
    assert_eq!(team.execution(&bead).await.node, "investigate");
    team.concludes(&bead, "engineering-manager", Outcome::Success)
        .await;
    team.decide(&bead, "approve").await;
    assert_eq!(team.execution(&bead).await.node, "apply_fix");
    assert_eq!(team.world.read(&bead.id).await.status, BeadStatus::Open);
}

#[tokio::test]
async fn failed_runs_are_tried_again_and_then_fail_the_node() {
    let team = Team::full().await;
    let bead = team.file("bug").await;
    let fails = || EndReason::Failed {
        code: "step_limit".into(),
        message: "It took too long.".into(),
    };
    for attempt in 1..=3 {
        assert_eq!(team.execution(&bead).await.attempts, attempt - 1);
        team.works(&bead, "qa-engineer", fails()).await;
        // The agent is tried again at once here: what makes it stuck is tested elsewhere.
        let sql =
            "UPDATE agent SET status = 'idle', status_reason = NULL WHERE current_run IS NULL";
        team.world.db().execute(sql, vec![]).await.unwrap();
    }
    let execution = team.execution(&bead).await;
    assert_eq!(execution.node, "pm_review", "the failure's own edge");
    assert_eq!(execution.last_outcome, Some(Outcome::Failure));
    let now = team.world.read(&bead.id).await;
    assert_eq!(now.failed_runs, 0, "a new node starts with a clean slate");
    assert_eq!(now.retry_at, None);
    assert_eq!(team.open_decisions(&bead).await, 0);
    team.replays(&bead).await;
}

#[tokio::test]
async fn a_pause_holds_the_bead_when_its_run_has_ended() {
    let team = Team::full().await;
    let bead = team.file("bug").await;
    let id = team.execution(&bead).await.id;
    let claimed = team
        .world
        .claim(&bead.id, &team.ids["qa-engineer"])
        .await
        .unwrap();
    team.steer(&id, Command::Pause).await.unwrap();
    assert_eq!(
        team.world.read(&bead.id).await.status,
        BeadStatus::InProgress
    );
    let leased = team.world.lease(&claimed.run_id).await.unwrap();
    let reason = EndReason::NodeConcluded {
        outcome: Outcome::Success,
        code: "done",
        note: String::new(),
        commit: None,
    };
    write!(team.world, |change| run::end(
        &change,
        &leased.hold,
        reason,
        RETRY,
        None
    ))
    .unwrap();
    let now = team.world.read(&bead.id).await;
    assert_eq!(now.status, BeadStatus::Blocked, "nothing goes on");
    team.replays(&bead).await;
    assert_eq!(
        team.execution(&bead).await.node,
        "pm_review",
        "what it came to is kept"
    );
    assert_eq!(
        code(team.steer(&id, Command::Pause).await),
        "execution_paused"
    );
    let note = String::new();
    team.steer(&id, Command::Resume { note }).await.unwrap();
    let now = team.world.read(&bead.id).await;
    assert_eq!(now.status, BeadStatus::Open);
    assert_eq!(now.wanted_role.as_deref(), Some("product-manager"));
    team.replays(&bead).await;
}

#[tokio::test]
async fn cancel_and_restart() {
    let team = Team::full().await;
    let bead = team.file("feature").await;
    let id = team.execution(&bead).await.id;
    let claimed = team
        .world
        .claim(&bead.id, &team.ids["product-manager"])
        .await
        .unwrap();
    let restart = |node: &str| Command::Restart { node: node.into() };
    team.steer(&id, restart("implement")).await.unwrap();
    let stopped = run::get(team.world.db(), &claimed.run_id).await.unwrap();
    assert!(!stopped.status.is_live(), "the run at work is stopped");
    let now = team.world.read(&bead.id).await;
    assert_eq!(now.wanted_role.as_deref(), Some("engineering-manager"));
    assert_eq!(now.status, BeadStatus::Open);
    let reason = "not now".to_owned();
    team.steer(&id, Command::Cancel { reason }).await.unwrap();
    let now = team.world.read(&bead.id).await;
    assert_eq!(
        now.status,
        BeadStatus::Blocked,
        "a person decides what becomes of it"
    );
    assert_eq!(now.execution_id, None);
    assert_eq!(now.wanted_role, None);
    assert_eq!(
        code(team.steer(&id, restart("nowhere")).await),
        "invalid_fields"
    );
    team.steer(&id, restart("implement")).await.unwrap();
    assert_eq!(
        team.world.read(&bead.id).await.execution_id,
        Some(id.clone())
    );
    team.world
        .update(
            &bead.id,
            BeadInput {
                status: Some(BeadStatus::Closed),
                ..Default::default()
            },
        )
        .await
        .unwrap();
    let execution = team.execution(&bead).await;
    assert_eq!(
        execution.status,
        ExecutionStatus::Cancelled,
        "a person closed the bead"
    );
    assert_eq!(
        code(team.steer(&id, restart("implement")).await),
        "bead_closed"
    );
    team.replays(&bead).await;
}

#[tokio::test]
async fn an_epic_closes_with_its_last_story() {
    let team = Team::full().await;
    let epic = team.file("epic").await;
    assert_eq!(
        epic.status,
        BeadStatus::Blocked,
        "nobody works on an epic itself"
    );
    let limits = bead::Limits {
        max_concurrent: 1,
        day_budget_micro_usd: None,
    };
    let why = bead::why(team.world.db(), &epic, limits, Timestamp(0))
        .await
        .unwrap();
    assert_eq!(why.reasons[0].code, ReasonCode::WorkflowWaits, "{why:?}");
    let story = |title: &str| BeadInput {
        title: Some(title.into()),
        parent: Some(Some(epic.id.clone())),
        ..Default::default()
    };
    let one = team.world.file(story("One")).await.unwrap();
    let two = team.world.file(story("Two")).await.unwrap();
    let close = || BeadInput {
        status: Some(BeadStatus::Closed),
        ..Default::default()
    };
    team.world.update(&one.id, close()).await.unwrap();
    assert_eq!(team.world.read(&epic.id).await.status, BeadStatus::Blocked);
    team.world.update(&two.id, close()).await.unwrap();
    assert_eq!(team.world.read(&epic.id).await.status, BeadStatus::Closed);
    team.replays(&epic).await;
}

#[tokio::test]
async fn the_type_and_the_tags_select_and_never_the_title() {
    let team = Team::full().await;
    let with = |kind: &str, tags: &[&str]| BeadInput {
        title: Some("Build the required feature, a bug in the ui".into()),
        kind: Some(kind.into()),
        tags: Some(tags.iter().map(|tag| (*tag).to_owned()).collect()),
        ..Default::default()
    };
    for (kind, tags, expected) in [
        ("task", &[][..], None),
        ("bug", &[], Some("wf-bug-default")),
        ("feature", &[], Some("wf-feature-default")),
        ("task", &["ui"], Some("wf-ui-default")),
        ("bug", &["refactoring"], Some("wf-self-improvement")),
    ] {
        let bead = team.world.file(with(kind, tags)).await.unwrap();
        let live = workflow::live_of_bead(team.world.platform.database(), &bead.id)
            .await
            .unwrap();
        assert_eq!(
            live.map(|live| live.workflow_id).as_deref(),
            expected,
            "{kind} {tags:?}"
        );
    }
    // What is corrected before work began follows the workflow that is right then.
    let bead = team.world.file(with("bug", &[])).await.unwrap();
    team.world
        .update(&bead.id, with("feature", &[]))
        .await
        .unwrap();
    let live = workflow::live_of_bead(team.world.db(), &bead.id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(live.workflow_id, "wf-feature-default");
    team.world
        .update(&bead.id, with("task", &[]))
        .await
        .unwrap();
    let bead = team.world.read(&bead.id).await;
    assert_eq!(
        (bead.execution_id, bead.wanted_role, bead.status),
        (None, None, BeadStatus::Open)
    );
}

#[tokio::test]
async fn a_workflow_that_ends_without_success_closes_its_bead_and_says_so() {
    let team = Team::full().await;
    let bead = team.file("self-improvement").await;
    team.concludes(&bead, "engineering-manager", Outcome::Failure)
        .await;
    let now = team.world.read(&bead.id).await;
    assert_eq!(now.status, BeadStatus::Closed);
    let reason = now.close_reason.unwrap();
    assert!(reason.starts_with("workflow_failed:"), "{reason}");
    assert_eq!(team.execution(&bead).await.status, ExecutionStatus::Failed);
    team.replays(&bead).await;
}

#[tokio::test]
async fn i12_the_time_of_a_stay_runs_out_once() {
    let team = Team::full().await;
    let bead = team.file("bug").await;
    let execution = team.execution(&bead).await;
    let claimed = team
        .world
        .claim(&bead.id, &team.ids["qa-engineer"])
        .await
        .unwrap();
    let subject = format!("{}:{}", execution.id, execution.stay);
    let timers = format!(
        "SELECT COUNT(*) FROM timer WHERE kind = 'workflow_node' AND subject = '{subject}'"
    );
    assert_eq!(team.world.count(&timers).await, 1);
    for _ in 0..2 {
        write!(team.world, |change| workflow::timed_out(&change, &subject)).unwrap();
        let now = team.execution(&bead).await;
        assert_eq!((now.node.as_str(), now.stay), ("investigate", 2));
    }
    let run = run::get(team.world.db(), &claimed.run_id).await.unwrap();
    assert!(!run.status.is_live(), "its time is up too");
    assert_eq!(
        team.world.count(&timers).await,
        0,
        "the stay that was left has no timer"
    );
    team.replays(&bead).await;
}
