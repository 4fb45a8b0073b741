//! What people do to executions and beads, each as the API does: one transaction, and the dispatcher is told after it.

use loom_domain::{
    bead::{BeadInput, BeadStatus},
    decision::{DecisionKind, NewDecision},
    workflow::Command,
};
use loom_platform::{Database, Platform, Statements, Transaction};
use loom_store::{Change, StoreError, bead, decision, workflow};

use super::people::Person;
use crate::{
    draw::Draw,
    people::{TICK, one_of, post},
};

impl Person {
    pub(super) async fn steer(&self, among: &str, command: Command, draw: &mut Draw) {
        let Some(id) = one_of(&self.observer, among, draw).await else {
            return;
        };
        self.settle(self.try_to_steer(&id, command).await).await;
    }

    async fn try_to_steer(&self, id: &str, command: Command) -> Result<(), StoreError> {
        let tx = self.platform.database().transaction().await?;
        let change = Change::new(&tx, self.platform.random(), "person").await?;
        workflow::steer(&change, id, command).await?;
        Ok(tx.commit().await?)
    }

    /// A refusal and a busy database are what people meet; anything else is not.
    async fn settle(&self, outcome: Result<(), StoreError>) {
        match outcome {
            Ok(()) => post(&self.platform, TICK, "{}".to_owned()).await,
            Err(StoreError::Refused(refusal)) => self.office.refused(refusal.code),
            Err(StoreError::Database(loom_platform::DatabaseError::Busy)) => {}
            Err(error) => self.office.is_wrong(format!("error: {error}")),
        }
    }

    pub(super) async fn resume_a_paused_one(&self, draw: &mut Draw) {
        let paused = "SELECT id FROM workflow_execution WHERE status = 'escalated' \
                      OR (status = 'active' AND json_extract(state, '$.is_paused')) ORDER BY id";
        let note = "go on".to_owned();
        self.steer(paused, Command::Resume { note }, draw).await;
    }

    pub(super) async fn restart(&self, draw: &mut Draw) {
        let sql = "SELECT workflow_execution.id || ' ' || sim_node.node FROM workflow_execution \
                   JOIN sim_node USING (workflow_id) ORDER BY 1";
        if let Some(pair) = one_of(&self.observer, sql, draw).await {
            let (id, node) = pair.split_once(' ').unwrap();
            let node = node.to_owned();
            let outcome = self.try_to_steer(id, Command::Restart { node }).await;
            self.settle(outcome).await;
        }
    }

    pub(super) async fn start(&self, draw: &mut Draw) {
        let beads = "SELECT id FROM bead ORDER BY id";
        if let Some(id) = one_of(&self.observer, beads, draw).await {
            let workflow = draw.pick(&["wf-bug-default", "wf-code-review", "no-such-workflow"]);
            let outcome = self.try_to_start(&id, workflow).await;
            self.settle(outcome).await;
        }
    }

    async fn try_to_start(&self, id: &str, workflow_id: &str) -> Result<(), StoreError> {
        let tx = self.platform.database().transaction().await?;
        let change = Change::new(&tx, self.platform.random(), "person").await?;
        let found = bead::get(&tx, id).await?;
        workflow::start(&change, &found, workflow_id).await?;
        Ok(tx.commit().await?)
    }

    pub(super) async fn change(&self, draw: &mut Draw) {
        let sql = match draw.below(5) {
            0 => "SELECT id || ' closed' FROM bead WHERE status <> 'closed' ORDER BY id",
            1 => "SELECT id || ' open' FROM bead WHERE status = 'closed' ORDER BY id",
            2 => "SELECT id || ' open' FROM bead WHERE status = 'blocked' ORDER BY id",
            3 => {
                "SELECT id || ' blocked' FROM bead WHERE status IN ('open', 'in_progress') ORDER BY id"
            }
            _ => "SELECT id || ' again' FROM bead WHERE status IN ('open', 'blocked') ORDER BY id",
        };
        if let Some(pair) = one_of(&self.observer, sql, draw).await {
            let (id, status) = pair.split_once(' ').unwrap();
            let outcome = self.try_to_change(id, BeadStatus::parse(status)).await;
            self.settle(outcome).await;
        }
    }

    async fn try_to_change(&self, id: &str, status: Option<BeadStatus>) -> Result<(), StoreError> {
        let tx = self.platform.database().transaction().await?;
        let change = Change::new(&tx, self.platform.random(), "person").await?;
        let found = bead::get(&tx, id).await?;
        let input = BeadInput {
            status,
            ..BeadInput::default()
        };
        match status {
            Some(_) => bead::update(&change, &found, input).await?,
            None => bead::redispatch(&change, &found, "once more").await?,
        };
        // Who says what is so already says nothing.
        if status != Some(found.status) {
            let sql = "INSERT INTO sim_word (bead_id, word, at) VALUES (?1, ?2, ?3)";
            let word = status.unwrap_or(BeadStatus::Open).as_str();
            tx.execute(sql, vec![id.into(), word.into(), change.now.0.into()])
                .await?;
        }
        Ok(tx.commit().await?)
    }

    pub(super) async fn escalate(&self, draw: &mut Draw) {
        let beads = "SELECT id FROM bead WHERE status <> 'closed' ORDER BY id";
        if let Some(id) = one_of(&self.observer, beads, draw).await {
            let kind = draw.pick(&[DecisionKind::Escalation, DecisionKind::HighRisk]);
            let outcome = self.try_to_escalate(&id, kind).await;
            self.settle(outcome).await;
        }
    }

    async fn try_to_escalate(&self, id: &str, kind: DecisionKind) -> Result<(), StoreError> {
        let tx = self.platform.database().transaction().await?;
        let change = Change::new(&tx, self.platform.random(), "person").await?;
        let found = bead::get(&tx, id).await?;
        let new = NewDecision::new(kind, format!("{}:{id}", kind.as_str()), "Is it right?");
        decision::stop_and_ask(&change, &found, &new, "a person asks", "").await?;
        Ok(tx.commit().await?)
    }
}
