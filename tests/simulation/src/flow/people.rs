//! Those who decide, signal, pause, restart and cancel, and the schedule that ticks.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use loom_domain::{
    decision::DecisionStatus,
    event::{EventKind, NewEvent},
    workflow::Command,
};
use loom_platform::{
    Clock, Database, Platform, Statements, Tasks, Transaction, native::simulation::SimPlatform,
};
use loom_store::{Change, StoreError, decision};
use serde_json::json;

use super::{mutation::FlowMutation, office::Office, plan::OfficePlan};
use crate::{
    draw::Draw,
    mutation::Mutation,
    people::{TICK, one_of, post},
};

/// How many answers people vary once all is calm; after that they approve everything, so that there is an end.
const VARIED: u64 = 6;

/// Ticks every ten seconds, but not while hours pass at once.
pub(crate) async fn cron(
    platform: SimPlatform,
    observer: SimPlatform,
    calm: Arc<AtomicBool>,
    office: Arc<Office>,
    is_first: bool,
) {
    let first = platform_number(&platform) % 10_000;
    platform.clock().sleep(Duration::from_millis(first)).await;
    loop {
        let is_calm = calm.load(Ordering::Relaxed);
        if is_calm && !is_first {
            return;
        }
        if let Some(left) = office.leap(&observer).await {
            platform.clock().sleep(left).await;
        }
        let ticking = platform.clone();
        platform
            .tasks()
            .spawn(async move { post(&ticking, TICK, "{}".to_owned()).await });
        let pause = if is_calm { 30 } else { 10 };
        platform.clock().sleep(Duration::from_secs(pause)).await;
    }
}

fn platform_number(platform: &SimPlatform) -> u64 {
    u64::from_le_bytes(loom_platform::Random::bytes(platform.random()))
}

/// One who does what people do.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) platform: SimPlatform,
    pub(crate) observer: SimPlatform,
    pub(crate) office: Arc<Office>,
    pub(crate) mutation: Option<Mutation>,
}

impl Person {
    /// Does whatever is drawn until all is calm; then answers everything that is asked.
    pub(crate) async fn live(self, mut draw: Draw, plan: OfficePlan, calm: Arc<AtomicBool>) {
        while !calm.load(Ordering::Relaxed) {
            let pause = match self.office.leap(&self.observer).await {
                // Once or twice while hours pass.
                Some(left) => 1 + draw.below(u64::try_from(left.as_millis()).unwrap_or(1).max(1)),
                None => draw.below(6_000),
            };
            self.platform
                .clock()
                .sleep(Duration::from_millis(pause))
                .await;
            self.meddle(&mut draw, plan).await;
        }
        self.office.calmed();
        let mut answers = 0;
        loop {
            for (id, options) in self.open().await {
                answers += 1;
                let answer = match answers <= VARIED {
                    true => any_answer(&mut draw, &options),
                    false => "approve".to_owned(),
                };
                self.decide(&id, &answer).await;
            }
            let pause = match self.office.leap(&self.observer).await {
                Some(left) => left + Duration::from_secs(2),
                None => Duration::from_secs(4),
            };
            self.platform.clock().sleep(pause).await;
        }
    }

    async fn meddle(&self, draw: &mut Draw, plan: OfficePlan) {
        if draw.per_mille(plan.decisions) {
            self.answer_one(draw).await;
        }
        if draw.per_mille(plan.races) {
            self.race(draw).await;
        }
        if draw.per_mille(plan.late) {
            let ended = "SELECT id FROM decision WHERE status <> 'open' ORDER BY id";
            if let Some(id) = one_of(&self.observer, ended, draw).await {
                self.decide(&id, "approve").await;
            }
        }
        let live =
            "SELECT id FROM workflow_execution WHERE status IN ('active', 'escalated') ORDER BY id";
        let any = "SELECT id FROM workflow_execution ORDER BY id";
        if draw.per_mille(plan.signals) {
            let name = draw.pick(&["go", "go", "go", "stop"]).to_owned();
            let command = Command::Signal {
                name,
                data: json!(draw.below(9)),
            };
            self.steer(any, command, draw).await;
        }
        if draw.per_mille(plan.pauses) {
            self.steer(live, Command::Pause, draw).await;
        }
        if draw.per_mille(plan.resumes) {
            self.resume_a_paused_one(draw).await;
        }
        if draw.per_mille(plan.cancels) {
            let reason = "not any more".to_owned();
            self.steer(live, Command::Cancel { reason }, draw).await;
        }
        if draw.per_mille(plan.restarts) {
            self.restart(draw).await;
        }
        if draw.per_mille(plan.starts) {
            self.start(draw).await;
        }
        if draw.per_mille(plan.changes) {
            self.change(draw).await;
        }
        if draw.per_mille(plan.escalations) {
            self.escalate(draw).await;
        }
    }

    /// The open decisions with their options.
    async fn open(&self) -> Vec<(String, Vec<String>)> {
        let sql = "SELECT id, options FROM decision WHERE status = 'open' ORDER BY created_at, id";
        let rows = self.observer.database().query(sql, vec![]).await.unwrap();
        let options = |text: String| serde_json::from_str(&text).unwrap();
        rows.iter()
            .map(|row| (row.text(0).unwrap(), options(row.text(1).unwrap())))
            .collect()
    }

    async fn pick_open(&self, draw: &mut Draw) -> Option<(String, Vec<String>)> {
        let mut open = self.open().await;
        if open.is_empty() {
            return None;
        }
        let count = u64::try_from(open.len()).unwrap();
        Some(open.swap_remove(usize::try_from(draw.below(count)).unwrap()))
    }

    async fn answer_one(&self, draw: &mut Draw) {
        if let Some((id, options)) = self.pick_open(draw).await {
            let answer = any_answer(draw, &options);
            self.decide(&id, &answer).await;
        }
    }

    /// Two at the same instant, who need not agree.
    async fn race(&self, draw: &mut Draw) {
        let Some((id, options)) = self.pick_open(draw).await else {
            return;
        };
        self.office.raced();
        for _ in 0..2 {
            let (person, id, answer) = (self.clone(), id.clone(), any_answer(draw, &options));
            self.platform
                .tasks()
                .spawn(async move { person.decide(&id, &answer).await });
        }
    }

    /// Answers as the API does: one transaction, and the dispatcher is told after it.
    async fn decide(&self, id: &str, answer: &str) {
        let outcome = self.try_to_decide(id, answer).await;
        match outcome {
            Ok(()) => {
                self.office.answered(id);
                post(&self.platform, TICK, "{}".to_owned()).await;
            }
            Err(StoreError::Refused(refusal)) => {
                self.office.refused(refusal.code);
                let decides_anyway =
                    self.mutation == Some(Mutation::Flow(FlowMutation::DecisionsAreDecidedTwice));
                if decides_anyway && refusal.code == "already_decided" {
                    let _ = self.decide_again(id, answer).await;
                }
            }
            Err(StoreError::Database(_)) => {}
            Err(error) => self
                .office
                .is_wrong(format!("answer: deciding {id}: {error}")),
        }
    }

    async fn try_to_decide(&self, id: &str, answer: &str) -> Result<(), StoreError> {
        let tx = self.platform.database().transaction().await?;
        let change = Change::new(&tx, self.platform.random(), "person").await?;
        let before = decision::get(&tx, id).await?;
        let decided = decision::decide(&change, id, answer, "Because.", None).await;
        if let (Ok(_), DecisionStatus::Decided | DecisionStatus::Expired) =
            (&decided, before.status)
        {
            let status = before.status.as_str();
            let wrong = format!("answer: decision {id} was {status} and is answered again");
            self.office.is_wrong(wrong);
        }
        decided?;
        Ok(tx.commit().await?)
    }

    /// What deciding would be if it did not look whether somebody has decided.
    async fn decide_again(&self, id: &str, answer: &str) -> Result<(), StoreError> {
        let tx = self.platform.database().transaction().await?;
        let change = Change::new(&tx, self.platform.random(), "person").await?;
        let sql = "UPDATE decision SET decision = ?2 WHERE id = ?1";
        tx.execute(sql, vec![id.into(), answer.into()]).await?;
        let event = NewEvent::new(EventKind::DecisionDecided)
            .with("decision_id", id)
            .with("decision", answer);
        change.event(event).await?;
        Ok(tx.commit().await?)
    }
}

fn any_answer(draw: &mut Draw, options: &[String]) -> String {
    let answer = draw.pick(&[
        "approve",
        "approve",
        "approve",
        "deny",
        "needs_more_info",
        "",
    ]);
    match (answer, options.first()) {
        ("", Some(option)) => option.clone(),
        ("", None) => "no".to_owned(),
        (answer, _) => answer.to_owned(),
    }
}
