//! Ready beads to idle agents.

use std::collections::{HashMap, HashSet};

use loom_api::{Error, Settings};
use loom_domain::{
    agent::{Agent, AgentStatus},
    bead::{Reason, ReasonCode, overlap},
    budget::BudgetScope,
    decision::budget_fingerprint,
    dispatch::{Wanted, choose_agent},
    project::Project,
};
use loom_platform::{Database, Platform, Transaction};
use loom_store::{
    Change, StoreError, agent,
    bead::{self, Candidate},
    budget, decision, now, project, provider,
    run::{self, Claim},
};

use crate::summary::{Dispatched, MAX_SKIPPED, Skipped, Summary};

const ACTOR: &str = "dispatch-tick";

/// How many more ready beads than free places are looked at, for those that cannot be dispatched just now.
const SPARE: i64 = 8;

/// Gives ready beads to idle agents, up to the free places.
pub(crate) async fn dispatch<P: Platform>(
    platform: &P,
    settings: &Settings,
) -> Result<Summary, Error> {
    let database = platform.database();
    let working: HashMap<String, i64> = run::working(database).await?.into_iter().collect();
    let busy: i64 = working.values().sum();
    let mut summary = Summary {
        at: now(database).await?,
        state: if busy > 0 { "active" } else { "parked" },
        reason: "",
        working: busy,
        dispatched: Vec::new(),
        requeued: Vec::new(),
        resumed: Vec::new(),
        skipped: Vec::new(),
    };
    let free = settings.max_concurrent - busy;
    if free <= 0 {
        summary.reason = "at_capacity";
        return Ok(summary);
    }
    if provider::first_healthy(database).await?.is_none() {
        summary.reason = "no_healthy_provider";
        return Ok(summary);
    }
    let mut agents = agent::all(database).await?;
    if !agents.iter().any(|agent| agent.status == AgentStatus::Idle) {
        summary.reason = "no_idle_agent";
        return Ok(summary);
    }
    let mut projects = Places::load(platform, &working).await?;
    let candidates = candidates(platform, &projects, free).await?;
    for candidate in &candidates {
        if i64::try_from(summary.dispatched.len()).unwrap_or(i64::MAX) >= free {
            break;
        }
        let chosen = projects
            .refuse(candidate)
            .map_or_else(|| choose(candidate, &agents), Err);
        let agent_id = match chosen {
            Ok(agent_id) => agent_id,
            Err(reason) => {
                skip(&mut summary, candidate, &reason);
                continue;
            }
        };
        match claim(platform, settings, candidate, &agent_id).await? {
            Ok(run_id) => {
                if let Some(agent) = agents.iter_mut().find(|agent| agent.id == agent_id) {
                    agent.status = AgentStatus::Busy;
                }
                projects.take(candidate);
                summary.dispatched.push(Dispatched {
                    bead_id: candidate.id.clone(),
                    agent_id,
                    run_id,
                });
            }
            // Somebody else was faster: normal, and nothing was changed.
            Err(skipped) => summary.skipped.push(skipped),
        }
    }
    summary.working += i64::try_from(summary.dispatched.len()).unwrap_or_default();
    if summary.working > 0 {
        summary.state = "active";
    }
    summary.reason = match (
        summary.dispatched.is_empty(),
        candidates.is_empty(),
        summary.working > 0,
    ) {
        (false, ..) => "dispatched",
        (true, true, true) => "working",
        (true, true, false) => "no_ready_beads",
        (true, false, _) => "no_dispatchable_beads",
    };
    Ok(summary)
}

fn choose(candidate: &Candidate, agents: &[Agent]) -> Result<String, Reason> {
    let wanted = Wanted {
        project_id: &candidate.project_id,
        assigned_to: candidate.assigned_to.as_deref(),
        role: candidate.wanted_role.as_deref(),
        author: candidate.author_agent.as_deref(),
    };
    choose_agent(wanted, agents).map(|agent| agent.id.clone())
}

fn skip(summary: &mut Summary, candidate: &Candidate, reason: &Reason) {
    if summary.skipped.len() < MAX_SKIPPED {
        summary.skipped.push(Skipped::new(&candidate.id, reason));
    }
}

/// The best ready beads of every project and role, urgent first and then oldest first (invariant I4).
async fn candidates<P: Platform>(
    platform: &P,
    places: &Places,
    free: i64,
) -> Result<Vec<Candidate>, Error> {
    let database = platform.database();
    let mut candidates = Vec::new();
    for project in &places.projects {
        let wanted = free.min(places.free(&project.id)).max(0) + SPARE;
        for role in bead::ready_roles(database, &project.id).await? {
            candidates.extend(bead::ready(database, &project.id, role.as_deref(), wanted).await?);
        }
    }
    candidates
        .sort_by(|a, b| (a.priority, a.created_at, &a.id).cmp(&(b.priority, b.created_at, &b.id)));
    Ok(candidates)
}

async fn claim<P: Platform>(
    platform: &P,
    settings: &Settings,
    candidate: &Candidate,
    agent_id: &str,
) -> Result<Result<String, Skipped>, Error> {
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), ACTOR).await?;
    let claim = Claim {
        bead_id: &candidate.id,
        agent_id,
        hand_over_ms: settings.hand_over_ms(),
    };
    match run::claim(&change, claim).await {
        Ok(claimed) => {
            tx.commit().await?;
            Ok(Ok(claimed.run_id))
        }
        Err(StoreError::Refused(refusal)) => Ok(Err(Skipped {
            bead_id: candidate.id.clone(),
            code: refusal.code.to_owned(),
            message: refusal.message,
        })),
        Err(error) => Err(error.into()),
    }
}

/// The open projects, how many runs each may still have, and which paths its live runs change.
struct Places {
    projects: Vec<Project>,
    free: HashMap<String, i64>,
    /// Projects whose budget is used up: a question about it is open, or nothing more was granted.
    broke: HashSet<String>,
    touches: HashMap<String, Vec<(String, Vec<String>)>>,
}

impl Places {
    async fn load<P: Platform>(
        platform: &P,
        working: &HashMap<String, i64>,
    ) -> Result<Self, Error> {
        let projects = project::all_open(platform.database()).await?;
        let mut places = Self {
            projects: Vec::new(),
            free: HashMap::new(),
            broke: HashSet::new(),
            touches: HashMap::new(),
        };
        for project in projects {
            let question = budget_fingerprint(BudgetScope::Project, &project.id);
            if project.budget_micro_usd.is_some()
                && (decision::is_open(platform.database(), &question).await?
                    || budget::balance(platform.database(), BudgetScope::Project, &project.id)
                        .await?
                        .is_withheld)
            {
                places.free.insert(project.id.clone(), 0);
                places.broke.insert(project.id.clone());
                places.projects.push(project);
                continue;
            }
            let used = working.get(&project.id).copied().unwrap_or(0);
            if used > 0 {
                let touches = bead::live_touches(platform.database(), &project.id).await?;
                places.touches.insert(project.id.clone(), touches);
            }
            places
                .free
                .insert(project.id.clone(), project.max_concurrent - used);
            places.projects.push(project);
        }
        Ok(places)
    }

    fn free(&self, project_id: &str) -> i64 {
        self.free.get(project_id).copied().unwrap_or(0)
    }

    /// Why the project cannot take the bead now, if it cannot.
    fn refuse(&self, candidate: &Candidate) -> Option<Reason> {
        if self.broke.contains(&candidate.project_id) {
            return Some(Reason::new(
                ReasonCode::BudgetUsedUp,
                "The budget of its project is used up. Raise it: PUT /api/v1/projects/{id} with budget_micro_usd.",
            ));
        }
        if self.free(&candidate.project_id) <= 0 {
            return Some(Reason::new(
                ReasonCode::ProjectAtCapacity,
                "Its project has as many runs as it may have.",
            ));
        }
        let live = self.touches.get(&candidate.project_id)?;
        let (other, _) = live
            .iter()
            .find(|(_, touches)| overlap(&candidate.touches, touches))?;
        Some(Reason::new(
            ReasonCode::TouchesOverlap,
            format!("Bead {other}, which changes the same paths, is being worked on."),
        ))
    }

    fn take(&mut self, candidate: &Candidate) {
        if let Some(free) = self.free.get_mut(&candidate.project_id) {
            *free -= 1;
        }
        let live = self
            .touches
            .entry(candidate.project_id.clone())
            .or_default();
        live.push((candidate.id.clone(), candidate.touches.clone()));
    }
}
