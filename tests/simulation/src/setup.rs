//! What is in the database before a schedule begins.

use std::sync::LazyLock;

use loom_domain::{
    agent::{Agent, AgentStatus},
    bead::BeadInput,
    project::ProjectInput,
    provider::{ProviderInput, ProviderStatus},
    time::Timestamp,
};
use loom_platform::{
    Database, Platform, Random, Statements, Transaction, Value,
    native::simulation::{SimPlatform, Simulation, Template},
};
use loom_store::{
    Change, StoreError, agent,
    bead::{self, Origin},
    migrate, persona, project, provider,
};

use crate::{flow, mutation::Mutation, plan::Plan, watch};

/// Only the actions that the scripts use: each one makes every prompt longer.
const PERSONA: &str = "---\ndescription: Does as the script says.\nrole: engineering-manager\n\
    autonomy_level: semi\nspecialties:\n  - everything\nallowed_actions: [write_file, git_commit, git_status, comment, create_bead, remember, escalate, delegate, ask, done]\n---\n\n# Simulated\n\nDo the work.\n";
pub(crate) const PERSONA_NAME: &str = "default/engineering-manager";

/// The schema with its watching triggers, made once and copied for every schedule.
static SCHEMA: LazyLock<Template> = LazyLock::new(|| schema(&[]));

/// The schema with its watching triggers and `more` statements.
pub(crate) fn schema(more: &[&str]) -> Template {
    let simulation = Simulation::new(0).unwrap();
    let observer = simulation.observer();
    simulation
        .inspect(async {
            migrate::migrate(observer.database()).await.unwrap();
            // Without a motivation there is nothing to sweep.
            let no_sweep = "UPDATE motivation_sweep SET due_at = 9000000000000";
            for sql in watch::TRIGGERS.iter().chain(more).chain([&no_sweep]) {
                observer.database().execute(sql, vec![]).await.unwrap();
            }
            let tx = observer.database().transaction().await.unwrap();
            let change = Change::new(&tx, observer.random(), "setup").await.unwrap();
            persona::put(&change, PERSONA_NAME, PERSONA).await.unwrap();
            tx.commit().await.unwrap();
        })
        .unwrap();
    simulation.template().unwrap()
}

/// A world with an empty Loom.
pub(crate) fn simulation(plan: &Plan) -> Simulation {
    let template = match plan.flow {
        None => &SCHEMA,
        Some(_) => &flow::setup::SCHEMA,
    };
    Simulation::from_template(plan.seed, template).unwrap()
}

/// The title of a planned bead.
pub(crate) fn title(index: usize) -> String {
    format!("Task {index}")
}

/// Puts in what the plan says, and returns the ids of its beads.
pub(crate) async fn fill(
    observer: &SimPlatform,
    plan: &Plan,
    mutation: Option<Mutation>,
) -> Result<Vec<String>, StoreError> {
    let tx = observer.database().transaction().await?;
    let change = Change::new(&tx, observer.random(), "setup").await?;
    let hub = ProviderInput {
        name: Some("TokenHub".to_owned()),
        endpoint: Some("http://tokenhub:8090".to_owned()),
        ..ProviderInput::default()
    };
    let mut hub = hub.register()?;
    hub.status = ProviderStatus::Healthy;
    provider::register(&change, hub).await?;
    let mut projects = Vec::new();
    let is_perpetual = plan.flow.as_ref().is_some_and(|flow| flow.is_perpetual);
    for (name, bead_budget) in [("Main", 0), ("Tight", plan.tight_budget)] {
        let input = ProjectInput {
            name: Some(name.to_owned()),
            git_repo: Some(format!("/repositories/{name}")),
            git_strategy: Some(plan.strategy),
            max_concurrent: Some(plan.project_capacity),
            budget_micro_usd: plan.project_budget,
            bead_budget_micro_usd: Some(bead_budget),
            is_perpetual: Some(is_perpetual),
            ..ProjectInput::default()
        };
        let project = project::register(&change, input.register()?, false).await?;
        let caps = [
            ("project", project.budget_micro_usd),
            ("bead", project.bead_budget_micro_usd),
        ];
        for (scope, cap) in caps {
            cap_is(&tx, scope, Some(&project.id), cap).await?;
        }
        projects.push(project.id);
    }
    let day = (plan.daily_budget_usd > 0).then_some(plan.daily_budget_usd * 1_000_000);
    cap_is(&tx, "day", None, day).await?;
    let mut ids: Vec<String> = Vec::new();
    if let Some(flow) = &plan.flow {
        for (number, role) in (0..).zip(&flow.roles) {
            let agent = agent_of_role(&change, number, role).await?;
            agent::spawn(&change, agent).await?;
        }
        // Before the beads, whose filing may be what does not work.
        for trigger in mutation.map_or(&[][..], Mutation::sql) {
            tx.execute(trigger, vec![]).await?;
        }
        ids = flow::setup::fill(&change, flow, &projects).await?;
        tx.commit().await?;
        return Ok(ids);
    }
    for number in 0..plan.agents {
        agent::spawn(&change, new_agent(number)).await?;
    }
    for (index, planned) in plan.beads.iter().enumerate() {
        let input = BeadInput {
            project_id: Some(projects[usize::from(planned.is_tight)].clone()),
            title: Some(title(index)),
            description: Some("As the script says.".to_owned()),
            touches: Some(planned.touches.clone()),
            blocked_by: Some(
                planned
                    .blocked_by
                    .iter()
                    .map(|index| ids[*index].clone())
                    .collect(),
            ),
            ..BeadInput::default()
        };
        let (filed, _) = bead::file(&change, input, Origin::default()).await?;
        ids.push(filed.id);
    }
    for trigger in mutation.map_or(&[][..], Mutation::sql) {
        tx.execute(trigger, vec![]).await?;
    }
    tx.commit().await?;
    Ok(ids)
}

async fn cap_is<S: Statements>(
    tx: &S,
    scope: &str,
    project_id: Option<&str>,
    cap: Option<i64>,
) -> Result<(), StoreError> {
    if let Some(cap) = cap {
        let values: Vec<Value> = vec![scope.into(), project_id.into(), cap.into()];
        tx.execute("INSERT INTO sim_cap VALUES (?1, ?2, ?3)", values)
            .await?;
    }
    Ok(())
}

/// Adds an agent that decides what is routine.
pub(crate) async fn add_decision_maker(observer: &SimPlatform) -> Result<(), StoreError> {
    let tx = observer.database().transaction().await?;
    let change = Change::new(&tx, observer.random(), "setup").await?;
    let agent = agent_of_role(&change, 0, DECIDER).await?;
    let name = "Decider".to_owned();
    agent::spawn(&change, Agent { name, ..agent }).await?;
    tx.commit().await?;
    Ok(())
}

const DECIDER: &str = "decision-maker";

/// An agent of any role; only the one that decides needs another persona.
async fn agent_of_role<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    number: u64,
    role: &str,
) -> Result<Agent, StoreError> {
    let mut agent = new_agent(number);
    agent.role = role.to_owned();
    if role == DECIDER {
        agent.persona = "default/decision-maker".to_owned();
        let persona = PERSONA
            .replace("role: engineering-manager", "role: decision-maker")
            .replace("write_file, git_commit", "approve, reject");
        persona::put(change, &agent.persona, &persona).await?;
    }
    Ok(agent)
}

fn new_agent(number: u64) -> Agent {
    Agent {
        id: String::new(),
        name: format!("Agent {number}"),
        role: "engineering-manager".to_owned(),
        persona: PERSONA_NAME.to_owned(),
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
    }
}
