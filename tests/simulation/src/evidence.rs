//! What a schedule left behind.

use std::collections::{BTreeMap, BTreeSet};

use loom_platform::{DatabaseError, Platform, Row, Statements};

use crate::{
    hub::{Call, Payment},
    plan::Plan,
    repository::Admitted,
    world::{Grant, World},
};

pub(crate) struct Run {
    pub(crate) id: String,
    pub(crate) bead: String,
    pub(crate) status: String,
    pub(crate) reason: Option<String>,
    pub(crate) commit: Option<String>,
}

pub(crate) struct Bead {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) project: String,
    pub(crate) status: String,
    pub(crate) run: Option<String>,
    pub(crate) failed_runs: i64,
    pub(crate) dispatch_count: i64,
    pub(crate) open_decisions: i64,
    pub(crate) open_blockers: i64,
    pub(crate) in_review: bool,
    pub(crate) retry_at: Option<i64>,
    pub(crate) commit: Option<String>,
    /// Of what the system filed.
    pub(crate) fingerprint: Option<String>,
    pub(crate) created_at: i64,
}

pub(crate) struct Event {
    pub(crate) sequence: i64,
    pub(crate) kind: String,
    pub(crate) bead: Option<String>,
    pub(crate) run: Option<String>,
    pub(crate) agent: Option<String>,
    pub(crate) data: serde_json::Value,
}

pub(crate) struct Step {
    pub(crate) run: String,
    pub(crate) number: i64,
    pub(crate) status: String,
    pub(crate) key_number: i64,
    pub(crate) cost: Option<i64>,
}

pub(crate) struct Action {
    pub(crate) run: String,
    pub(crate) step: i64,
    pub(crate) position: i64,
    pub(crate) name: String,
    pub(crate) status: String,
}

impl Action {
    /// The key under which its effect is done once.
    pub(crate) fn key(&self) -> String {
        format!("{}:{}:{}", self.run, self.step, self.position)
    }
}

pub(crate) struct Usage {
    pub(crate) run: String,
    pub(crate) step: i64,
    pub(crate) bead: String,
    pub(crate) project: String,
    pub(crate) cost: i64,
    pub(crate) day: String,
}

pub(crate) struct Budget {
    pub(crate) scope: String,
    pub(crate) subject: String,
    pub(crate) reserved: i64,
    pub(crate) spent: i64,
}

pub(crate) struct Decision {
    pub(crate) id: String,
    pub(crate) bead: String,
    pub(crate) kind: String,
    pub(crate) fingerprint: String,
    pub(crate) status: String,
}

/// What a waiting run waits for.
pub(crate) struct Wait {
    pub(crate) run: String,
}

/// A write of a holder, or a change of hands, as the triggers saw it.
#[derive(Debug)]
pub(crate) struct Write {
    pub(crate) sequence: i64,
    pub(crate) what: String,
    pub(crate) run: String,
    pub(crate) task: i64,
    pub(crate) status: String,
    pub(crate) fence: i64,
}

/// All of it.
pub(crate) struct Evidence {
    pub(crate) plan: Plan,
    /// Of the planned beads, in the order of the plan.
    pub(crate) planned: Vec<String>,
    pub(crate) now: i64,
    pub(crate) runs: Vec<Run>,
    pub(crate) beads: Vec<Bead>,
    /// Id and status.
    pub(crate) agents: Vec<(String, String)>,
    pub(crate) events: Vec<Event>,
    pub(crate) steps: Vec<Step>,
    pub(crate) actions: Vec<Action>,
    pub(crate) usages: Vec<Usage>,
    pub(crate) budgets: Vec<Budget>,
    pub(crate) decisions: Vec<Decision>,
    pub(crate) waits: Vec<Wait>,
    pub(crate) writes: Vec<Write>,
    /// Run, step and position of the comments that actions wrote.
    pub(crate) comments: Vec<String>,
    pub(crate) payments: Vec<Payment>,
    pub(crate) calls: Vec<Call>,
    pub(crate) admitted: Vec<Admitted>,
    pub(crate) commits: Vec<loom_workspace::memory::Commit>,
    pub(crate) merges: Vec<loom_workspace::memory::Merge>,
    pub(crate) grants: Vec<Grant>,
}

impl Evidence {
    pub(crate) fn of(world: &World) -> Option<Result<Self, DatabaseError>> {
        world.ask(gather(world))
    }

    pub(crate) fn run(&self, id: &str) -> Option<&Run> {
        self.runs.iter().find(|run| run.id == id)
    }

    pub(crate) fn runs_of<'a>(&'a self, bead: &'a str) -> impl Iterator<Item = &'a Run> {
        self.runs.iter().filter(move |run| run.bead == bead)
    }

    /// Runs that something else than their own chain of steps ended, maybe in the middle of an action: its effect may
    /// be there without a result.
    pub(crate) fn cut_short(&self) -> BTreeSet<&str> {
        let reasons = [Some("lease_lost"), Some("cancelled")];
        self.runs
            .iter()
            .filter(|run| reasons.contains(&run.reason.as_deref()))
            .map(|run| run.id.as_str())
            .collect()
    }

    pub(crate) fn agent_statuses(&self) -> BTreeMap<&str, &str> {
        self.agents
            .iter()
            .map(|(id, status)| (id.as_str(), status.as_str()))
            .collect()
    }
}

async fn gather(world: &World) -> Result<Evidence, DatabaseError> {
    let database = world.observer.database();
    let now = "SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER)";
    Ok(Evidence {
        plan: world.plan.clone(),
        planned: world.beads.clone(),
        now: database
            .query_one(now, vec![])
            .await?
            .map_or(Ok(0), |row| row.integer(0))?,
        runs: rows(database, "SELECT id, bead_id, status, reason, commit_id FROM run ORDER BY created_at, id", |row| {
            Ok(Run {
                id: row.text(0)?,
                bead: row.text(1)?,
                status: row.text(2)?,
                reason: row.optional_text(3)?,
                commit: row.optional_text(4)?,
            })
        })
        .await?,
        beads: rows(
            database,
            "SELECT id, title, project_id, status, run_id, failed_runs, dispatch_count, open_decisions, open_blockers, \
             in_review, retry_at, commit_id, fingerprint, created_at FROM bead ORDER BY created_at, id",
            |row| {
                Ok(Bead {
                    id: row.text(0)?,
                    title: row.text(1)?,
                    project: row.text(2)?,
                    status: row.text(3)?,
                    run: row.optional_text(4)?,
                    failed_runs: row.integer(5)?,
                    dispatch_count: row.integer(6)?,
                    open_decisions: row.integer(7)?,
                    open_blockers: row.integer(8)?,
                    in_review: row.boolean(9)?,
                    retry_at: row.optional_integer(10)?,
                    commit: row.optional_text(11)?,
                    fingerprint: row.optional_text(12)?,
                    created_at: row.integer(13)?,
                })
            },
        )
        .await?,
        agents: rows(database, "SELECT id, status FROM agent ORDER BY id", |row| {
            Ok((row.text(0)?, row.text(1)?))
        })
        .await?,
        events: rows(
            database,
            "SELECT sequence, kind, bead_id, run_id, agent_id, data FROM event ORDER BY sequence",
            |row| {
                Ok(Event {
                    sequence: row.integer(0)?,
                    kind: row.text(1)?,
                    bead: row.optional_text(2)?,
                    run: row.optional_text(3)?,
                    agent: row.optional_text(4)?,
                    data: serde_json::from_str(&row.text(5)?).unwrap_or_default(),
                })
            },
        )
        .await?,
        steps: rows(
            database,
            "SELECT run_id, number, status, key_number, cost_micro_usd FROM step ORDER BY run_id, number",
            |row| {
                Ok(Step {
                    run: row.text(0)?,
                    number: row.integer(1)?,
                    status: row.text(2)?,
                    key_number: row.integer(3)?,
                    cost: row.optional_integer(4)?,
                })
            },
        )
        .await?,
        actions: rows(
            database,
            "SELECT run_id, step, position, name, status FROM action_result ORDER BY run_id, step, position",
            |row| {
                Ok(Action {
                    run: row.text(0)?,
                    step: row.integer(1)?,
                    position: row.integer(2)?,
                    name: row.text(3)?,
                    status: row.text(4)?,
                })
            },
        )
        .await?,
        usages: rows(
            database,
            "SELECT run_id, step, bead_id, project_id, cost_micro_usd, day FROM usage ORDER BY run_id, step",
            |row| {
                Ok(Usage {
                    run: row.text(0)?,
                    step: row.integer(1)?,
                    bead: row.text(2)?,
                    project: row.text(3)?,
                    cost: row.integer(4)?,
                    day: row.text(5)?,
                })
            },
        )
        .await?,
        budgets: rows(
            database,
            "SELECT scope, subject, reserved_micro_usd, spent_micro_usd FROM budget ORDER BY scope, subject",
            |row| {
                Ok(Budget {
                    scope: row.text(0)?,
                    subject: row.text(1)?,
                    reserved: row.integer(2)?,
                    spent: row.integer(3)?,
                })
            },
        )
        .await?,
        decisions: rows(
            database,
            "SELECT id, COALESCE(bead_id, ''), kind, fingerprint, status FROM decision ORDER BY created_at, id",
            |row| {
                Ok(Decision {
                    id: row.text(0)?,
                    bead: row.text(1)?,
                    kind: row.text(2)?,
                    fingerprint: row.text(3)?,
                    status: row.text(4)?,
                })
            },
        )
        .await?,
        waits: rows(database, "SELECT run_id FROM run_wait ORDER BY run_id", |row| {
            Ok(Wait { run: row.text(0)? })
        })
        .await?,
        writes: rows(
            database,
            "SELECT sequence, what, run_id, task, status, fence FROM sim_write ORDER BY sequence",
            |row| {
                Ok(Write {
                    sequence: row.integer(0)?,
                    what: row.text(1)?,
                    run: row.text(2)?,
                    task: row.integer(3)?,
                    status: row.text(4)?,
                    fence: row.integer(5)?,
                })
            },
        )
        .await?,
        comments: rows(
            database,
            "SELECT run_id || ':' || step || ':' || position FROM comment WHERE run_id IS NOT NULL ORDER BY 1",
            |row| row.text(0),
        )
        .await?,
        payments: world.hub.payments(),
        calls: world.hub.calls(),
        admitted: world.repository.admitted(),
        commits: world.repository.commits(),
        merges: world.repository.merges(),
        grants: world.desk.grants(),
    })
}

async fn rows<S: Statements, T>(
    database: &S,
    sql: &str,
    read: impl Fn(&Row) -> Result<T, DatabaseError>,
) -> Result<Vec<T>, DatabaseError> {
    database
        .query(sql, vec![])
        .await?
        .iter()
        .map(read)
        .collect()
}
