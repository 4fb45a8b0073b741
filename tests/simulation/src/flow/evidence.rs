//! What such a schedule left behind, beside what both kinds do.

use std::collections::BTreeMap;

use loom_domain::workflow::{Execution, NodeType};
use loom_platform::{Platform, Statements};
use loom_store::{
    StoreError,
    workflow::{self, ExecutionFilter, HistoryRecord},
};

use crate::world::World;

/// An execution with all that is known of it.
pub(super) struct Story {
    pub(super) stored: Execution,
    /// What its history adds up to.
    pub(super) replayed: Execution,
    pub(super) history: Vec<HistoryRecord>,
    /// The types of the nodes of its workflow.
    pub(super) nodes: BTreeMap<String, NodeType>,
}

pub(super) struct Question {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) fingerprint: String,
    pub(super) bead: Option<String>,
    pub(super) status: String,
    pub(super) decision: Option<String>,
}

/// A bead as the check of liveness needs it.
pub(super) struct Fate {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) status: String,
    pub(super) project: String,
    pub(super) open_blockers: i64,
    pub(super) in_review: bool,
    /// Why it was last moved.
    pub(super) reason: Option<String>,
    /// How its newest execution ended, or stands.
    pub(super) execution: Option<String>,
    pub(super) is_paused: bool,
    pub(super) run: Option<String>,
}

/// All of it.
pub(super) struct FlowEvidence {
    pub(super) stories: Vec<Story>,
    pub(super) questions: Vec<Question>,
    pub(super) fates: Vec<Fate>,
    /// How often each decision was told to have been answered or to have expired.
    pub(super) endings: BTreeMap<String, i64>,
    /// How often people were told that their answer holds.
    pub(super) answers: BTreeMap<String, u64>,
    /// What they were told that cannot be.
    pub(super) wrong: Vec<String>,
    pub(super) withheld: Vec<String>,
    /// What people last said of beads, beside their answers.
    pub(super) words: BTreeMap<String, String>,
    /// How the beads of each motivation ended, oldest first.
    pub(super) outcomes: BTreeMap<String, Vec<String>>,
    /// Where the breaker of each motivation stands.
    pub(super) breakers: BTreeMap<String, String>,
    /// The planned epics with their planned parts.
    pub(super) parts: BTreeMap<String, Vec<String>>,
}

impl FlowEvidence {
    pub(super) fn of(world: &World) -> Self {
        world
            .ask(gather(world))
            .expect("reading never waits")
            .expect("a readable database")
    }
}

async fn gather(world: &World) -> Result<FlowEvidence, StoreError> {
    let database = world.observer.database();
    let mut stories = Vec::new();
    for stored in workflow::list(database, &ExecutionFilter::default(), None, 1_000).await? {
        let (definition, _) = workflow::node_of(database, &stored).await?;
        let nodes = definition.nodes.into_iter();
        stories.push(Story {
            replayed: workflow::replay(database, &stored.id).await?,
            history: workflow::history(database, &stored.id, 0, i64::MAX).await?,
            nodes: nodes.map(|node| (node.node_key, node.node_type)).collect(),
            stored,
        });
    }
    let sql = "SELECT id, kind, fingerprint, bead_id, status, decision FROM decision ORDER BY created_at, id";
    let mut questions = Vec::new();
    for row in database.query(sql, vec![]).await? {
        questions.push(Question {
            id: row.text(0)?,
            kind: row.text(1)?,
            fingerprint: row.text(2)?,
            bead: row.optional_text(3)?,
            status: row.text(4)?,
            decision: row.optional_text(5)?,
        });
    }
    let sql = "SELECT json_extract(data, '$.decision_id'), COUNT(*) FROM event \
               WHERE kind IN ('decision.decided', 'decision.expired') GROUP BY 1";
    let mut endings = BTreeMap::new();
    for row in database.query(sql, vec![]).await? {
        endings.insert(row.text(0)?, row.integer(1)?);
    }
    let sql = "SELECT bead.id, title, bead.status, bead.project_id, open_blockers, in_review, \
               (SELECT json_extract(data, '$.reason') FROM event WHERE event.bead_id = bead.id AND event.kind = 'bead.status_change' \
                ORDER BY sequence DESC LIMIT 1), last.status, COALESCE(json_extract(last.state, '$.is_paused'), 0), run_id \
               FROM bead LEFT JOIN workflow_execution AS last ON last.id = (SELECT id FROM workflow_execution WHERE bead_id = bead.id \
                ORDER BY status IN ('active', 'escalated') DESC, updated_at DESC, id DESC LIMIT 1) ORDER BY bead.created_at, bead.id";
    let mut fates = Vec::new();
    for row in database.query(sql, vec![]).await? {
        fates.push(Fate {
            id: row.text(0)?,
            title: row.text(1)?,
            status: row.text(2)?,
            project: row.text(3)?,
            open_blockers: row.integer(4)?,
            in_review: row.boolean(5)?,
            reason: row.optional_text(6)?,
            execution: row.optional_text(7)?,
            is_paused: row.boolean(8)?,
            run: row.optional_text(9)?,
        });
    }
    let sql = "SELECT subject FROM budget WHERE scope = 'project' AND is_withheld = 1";
    let mut withheld = Vec::new();
    for row in database.query(sql, vec![]).await? {
        withheld.push(row.text(0)?);
    }
    let mut words = BTreeMap::new();
    let sql = "SELECT bead_id, word FROM sim_word ORDER BY sequence";
    for row in database.query(sql, vec![]).await? {
        words.insert(row.text(0)?, row.text(1)?);
    }
    let sql = "SELECT motivation_id, outcome FROM motivation_trigger WHERE outcome IS NOT NULL ORDER BY created_at, id";
    let mut outcomes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in database.query(sql, vec![]).await? {
        let of_motivation = outcomes.entry(row.text(0)?).or_default();
        of_motivation.push(row.text(1)?);
    }
    let mut breakers = BTreeMap::new();
    let sql = "SELECT id, breaker FROM motivation";
    for row in database.query(sql, vec![]).await? {
        breakers.insert(row.text(0)?, row.text(1)?);
    }
    let mut parts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let planned = world.plan.flow.iter().flat_map(|flow| &flow.beads);
    for (id, bead) in world.beads.iter().zip(planned) {
        if let Some(parent) = bead.parent {
            let of_parent = parts.entry(world.beads[parent].clone()).or_default();
            of_parent.push(id.clone());
        }
    }
    Ok(FlowEvidence {
        outcomes,
        breakers,
        parts,
        stories,
        questions,
        fates,
        endings,
        answers: world.office.answers(),
        wrong: world.office.wrong(),
        withheld,
        words,
    })
}
