//! Whoever else is there: strangers who send requests that nobody asked for, and the schedule that ticks.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use loom_platform::{
    Clock, Database, DatabaseError, HttpClient, Platform, Statements, Tasks, Transaction,
    native::simulation::SimPlatform,
};
use loom_store::{Change, StoreError, agent, decision, run};

use crate::{draw::Draw, flow::office::Office, mutation::Mutation, plan::People};

pub(crate) const STEP: &str = "http://agent-step.spin.internal/internal/step";
pub(crate) const TICK: &str = "http://dispatch-tick.spin.internal/internal/tick";

/// Sends a request and forgets it.
pub(crate) async fn post(platform: &SimPlatform, url: &str, body: String) {
    let request = http::Request::post(url)
        .header("content-type", "application/json")
        .body(Bytes::from(body))
        .unwrap();
    // Whether it arrives, and what is answered, is nobody's business here.
    let _ = platform.http().send(request, Duration::from_secs(10)).await;
}

/// Ticks every ten seconds, whether or not the tick before has ended. When all is calm one schedule that ticks every
/// thirty seconds is enough, and costs a tenth.
pub(crate) async fn cron(platform: SimPlatform, calm: Arc<AtomicBool>, is_first: bool) {
    let mut random = Draw::new(u64::from_le_bytes(platform_bytes(&platform)), "cron");
    platform
        .clock()
        .sleep(Duration::from_millis(random.below(10_000)))
        .await;
    loop {
        let is_calm = calm.load(Ordering::Relaxed);
        if is_calm && !is_first {
            return;
        }
        let ticking = platform.clone();
        platform
            .tasks()
            .spawn(async move { post(&ticking, TICK, "{}".to_owned()).await });
        let pause = if is_calm { 30 } else { 10 };
        platform.clock().sleep(Duration::from_secs(pause)).await;
    }
}

fn platform_bytes(platform: &SimPlatform) -> [u8; 8] {
    loom_platform::Random::bytes(platform.random())
}

/// The claims that somebody made over the API.
#[derive(Default)]
pub(crate) struct Claims {
    /// The runs that were opened.
    pub(crate) won: Mutex<Vec<String>>,
    /// The codes of refusals.
    pub(crate) refused: Mutex<Vec<String>>,
}

impl Claims {
    pub(crate) async fn claim(
        &self,
        platform: &SimPlatform,
        bead_id: &str,
        agent_id: &str,
    ) -> Result<(), StoreError> {
        let tx = platform.database().transaction().await?;
        let change = Change::new(&tx, platform.random(), "stranger").await?;
        let claim = run::Claim {
            bead_id,
            agent_id,
            hand_over_ms: 10_000,
        };
        match run::claim(&change, claim).await {
            Ok(claimed) => {
                tx.commit().await?;
                push(&self.won, claimed.run_id);
                Ok(())
            }
            Err(StoreError::Refused(refusal)) => {
                push(&self.refused, refusal.code.to_owned());
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Claims, and again while the database is busy, as a client does that is answered 503.
    pub(crate) async fn claim_persistently(
        &self,
        platform: &SimPlatform,
        bead_id: &str,
        agent_id: &str,
    ) {
        while let Err(error) = self.claim(platform, bead_id, agent_id).await {
            assert_eq!(error, StoreError::Database(DatabaseError::Busy));
        }
    }

    pub(crate) fn won(&self) -> Vec<String> {
        self.won
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn refused(&self) -> Vec<String> {
        self.refused
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

fn push(list: &Mutex<Vec<String>>, item: String) {
    list.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(item);
}

/// One who meddles.
pub(crate) struct Stranger {
    pub(crate) platform: SimPlatform,
    pub(crate) observer: SimPlatform,
    pub(crate) claims: Arc<Claims>,
    pub(crate) office: Arc<Office>,
    pub(crate) mutation: Option<Mutation>,
}

impl Stranger {
    /// Meddles until all is calm.
    pub(crate) async fn live(self, mut draw: Draw, people: People, calm: Arc<AtomicBool>) {
        let Self {
            platform, observer, ..
        } = &self;
        loop {
            if let Some(left) = self.office.leap(observer).await {
                platform.clock().sleep(left).await;
            }
            let pause = draw.below(6_000);
            platform.clock().sleep(Duration::from_millis(pause)).await;
            if calm.load(Ordering::Relaxed) {
                self.office.calmed();
                return;
            }
            if self.mutation == Some(Mutation::StrangersWrite) {
                let sql = "UPDATE step SET calls = calls + 1 WHERE status = 'calling'";
                let _ = platform.database().execute(sql, vec![]).await;
            }
            if draw.per_mille(people.stray_ticks) {
                post(platform, TICK, "{}".to_owned()).await;
            }
            if draw.per_mille(people.stray_steps) {
                let id = one_of(observer, "SELECT id FROM run ORDER BY id", &mut draw).await;
                let id = id.unwrap_or_else(|| "no-such-run".to_owned());
                post(platform, STEP, format!(r#"{{"run_id":"{id}"}}"#)).await;
            }
            if draw.per_mille(people.claims) {
                let bead = one_of(observer, "SELECT id FROM bead ORDER BY id", &mut draw).await;
                let agent = one_of(observer, "SELECT id FROM agent ORDER BY id", &mut draw).await;
                if let (Some(bead), Some(agent)) = (bead, agent) {
                    let _ = self.claims.claim(platform, &bead, &agent).await;
                }
            }
            if draw.per_mille(people.cancels) {
                let live = "SELECT id FROM run WHERE status IN ('queued', 'running', 'waiting') ORDER BY id";
                if let Some(id) = one_of(observer, live, &mut draw).await {
                    let _ = cancel(platform, &id).await;
                }
            }
        }
    }
}

/// A person who answers whatever an agent asks, a little later, and again while the database is busy.
pub(crate) async fn answers(platform: SimPlatform, observer: SimPlatform) {
    loop {
        platform.clock().sleep(Duration::from_secs(3)).await;
        let sql = "SELECT fingerprint FROM decision WHERE kind = 'question' AND status = 'open'";
        for row in observer.database().query(sql, vec![]).await.unwrap() {
            if answer(&platform, &row.text(0).unwrap()).await.is_ok() {
                post(&platform, TICK, "{}".to_owned()).await;
            }
        }
    }
}

async fn answer(platform: &SimPlatform, fingerprint: &str) -> Result<(), StoreError> {
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), "person").await?;
    decision::answer_fingerprint(&change, fingerprint, "answered", "The first one.").await?;
    Ok(tx.commit().await?)
}

/// Any one of the first column of what `sql` finds.
pub(crate) async fn one_of(observer: &SimPlatform, sql: &str, draw: &mut Draw) -> Option<String> {
    let rows = observer.database().query(sql, vec![]).await.unwrap();
    if rows.is_empty() {
        return None;
    }
    let bound = u64::try_from(rows.len()).unwrap();
    let index = usize::try_from(draw.below(bound)).unwrap();
    Some(rows[index].text(0).unwrap())
}

async fn cancel(platform: &SimPlatform, run_id: &str) -> Result<(), StoreError> {
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), "stranger").await?;
    run::cancel(&change, run_id, "somebody stopped it").await?;
    Ok(tx.commit().await?)
}

/// All agents and beads, in the order of their ids.
pub(crate) async fn ids(observer: &SimPlatform) -> (Vec<String>, Vec<String>) {
    let agents = agent::all(observer.database()).await.unwrap();
    let sql = "SELECT id FROM bead ORDER BY created_at, id";
    let beads = observer.database().query(sql, vec![]).await.unwrap();
    (
        agents.into_iter().map(|agent| agent.id).collect(),
        beads.iter().map(|row| row.text(0).unwrap()).collect(),
    )
}
