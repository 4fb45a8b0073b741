//! What is in the database before such a schedule begins.

use std::sync::LazyLock;

use loom_domain::{
    bead::BeadInput,
    motivation::{MotivationInput, built_in},
    workflow::{Definition, yaml},
};
use loom_platform::{Random, Statements, native::simulation::Template};
use loom_store::{
    Change, StoreError,
    bead::{self, Origin},
    motivation, workflow,
};

use serde_json::json;

use super::{plan::FlowPlan, watch};
use crate::setup::{self, title};

/// The project's own workflow.
static GATE: LazyLock<Definition> =
    LazyLock::new(|| yaml::parse(include_str!("gate.yaml")).unwrap());

/// The schema with the triggers of both kinds, made once and copied for every schedule.
pub(crate) static SCHEMA: LazyLock<Template> =
    LazyLock::new(|| setup::schema(&[watch::TRIGGERS, &[watch::NODES]].concat()));

/// Puts in the beads, and the workflow that is of the first project alone.
pub(crate) async fn fill<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    plan: &FlowPlan,
    projects: &[String],
) -> Result<Vec<String>, StoreError> {
    let main = &projects[0];
    workflow::definition::put(change, GATE.clone(), main).await?;
    change.tx.execute(watch::NODES, vec![]).await?;
    if !plan.motivations.is_empty() {
        motivate(change, plan, main).await?;
    }
    let mut ids: Vec<String> = Vec::new();
    for (index, planned) in plan.beads.iter().enumerate() {
        let input = BeadInput {
            project_id: Some(projects[usize::from(planned.is_tight)].clone()),
            kind: Some(planned.kind.to_owned()),
            title: Some(title(index)),
            description: Some("As the script says.".to_owned()),
            tags: Some(planned.tags.iter().map(|tag| (*tag).to_owned()).collect()),
            parent: planned.parent.map(|index| Some(ids[index].clone())),
            blocked_by: Some(
                planned
                    .blocked_by
                    .iter()
                    .map(|index| ids[*index].clone())
                    .collect(),
            ),
            ..BeadInput::default()
        };
        let (filed, _) = bead::file(change, input, Origin::default()).await?;
        ids.push(filed.id);
    }
    Ok(ids)
}

/// Motivations that each file a bead after so many minutes, and the perpetual tasks.
async fn motivate<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    plan: &FlowPlan,
    project: &str,
) -> Result<(), StoreError> {
    let sql = "UPDATE motivation_sweep SET due_at = 0";
    change.tx.execute(sql, vec![]).await?;
    for (number, minutes) in plan.motivations.iter().enumerate() {
        let input = json!({
            "name": format!("Every {minutes} minutes, {number}"),
            "project_id": project,
            "role": "engineering-manager",
            "condition": "scheduled_interval",
            "parameters": {"minutes": minutes},
            "cooldown_minutes": 0,
            "bead_template": {"title": format!("Look again, {number}")},
        });
        let input: MotivationInput = serde_json::from_value(input).unwrap();
        motivation::create(change, input.create(change.now)?).await?;
    }
    let tasks = built_in::all().filter(|task| plan.is_perpetual && task.is_perpetual);
    for task in tasks {
        motivation::enable(change, task.id, Some(project)).await?;
    }
    Ok(())
}
