//! A project from a product requirements document: registered with its team, and begun, in one transaction.

mod body;
mod form;
mod prd;

use std::collections::BTreeMap;

use axum::extract::State;
use loom_api::{Caller, Created, Error, Settings};
use loom_domain::{
    bead::{BeadInput, Priority},
    project::{GitStrategy, Project},
};
use loom_platform::{Database, Platform, Transaction};
use loom_store::{
    Change,
    bead::{self, Origin},
    document, org_chart, project,
};
use serde::Serialize;

use crate::{body::Registration, repository, team};
use body::Bootstrap;
use prd::Problem;

/// The largest body, in bytes: a document of 10 MiB in base64, and room for the other fields.
pub(crate) const BODY_LIMIT: usize = 14 * 1024 * 1024;

/// What was begun.
#[derive(Debug, Serialize)]
pub(crate) struct Begun {
    project_id: String,
    status: &'static str,
    /// The bead whose workflow goes from the document to the demonstration.
    initial_bead_id: String,
    execution_id: Option<String>,
}

/// Registers a project and files the bead that turns its requirements into beads and sees to them until the owner has
/// seen the product.
///
/// Takes what a registration takes, `branch` always, and the document as `prd_text` or `prd_file`. Without
/// `git_strategy` it is `direct`: nobody else would merge the stories' branches, and each story builds on those before.
pub(crate) async fn bootstrap<P: Platform>(
    State(platform): State<P>,
    caller: Caller,
    asked: Bootstrap,
) -> Result<Created<Begun>, Error> {
    let Registration {
        project: mut input,
        team: wanted,
    } = asked.registration;
    let prefix_is_chosen = input.bead_prefix.is_some();
    let mut wrong: BTreeMap<String, String> = BTreeMap::new();
    if input.branch.is_none() {
        wrong.insert("branch".to_owned(), "is required".to_owned());
    }
    if wanted.team.as_ref().is_some_and(Vec::is_empty) {
        let problem = "must have a role: somebody has to expand the requirements";
        wrong.insert("team".to_owned(), problem.to_owned());
    }
    let prd = match prd::one_of(asked.prd_text, asked.prd_file) {
        Ok(prd) => prd,
        Err(Problem::TooLarge(error)) => return Err(*error),
        Err(Problem::Wrong(field, problem)) => {
            wrong.insert(field.to_owned(), problem);
            String::new()
        }
    };
    input.git_strategy.get_or_insert(GitStrategy::Direct);
    let new = match input.register() {
        Ok(new) if wrong.is_empty() => new,
        other => {
            wrong.extend(
                other
                    .err()
                    .map(|refusal| refusal.fields)
                    .unwrap_or_default(),
            );
            let all = wrong.into_iter();
            return Err(
                all.fold(Error::invalid_fields(), |error, (field, problem)| {
                    error.field(field, problem)
                }),
            );
        }
    };
    repository::check(&platform, &new).await?;
    let roles = team::roles(&wanted)?;
    let max_agents = Settings::max_agents(&platform).await?;

    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), &caller.name).await?;
    let project = project::register(&change, new, prefix_is_chosen).await?;
    org_chart::found(&change, &project, &roles, max_agents).await?;
    let (filed, _) = bead::file(&change, initial_bead(&project, &prd), Origin::default()).await?;
    document::keep(&change, &filed.id, &prd::documents(prd)).await?;
    tx.commit().await?;
    loom_api::nudge(&platform);

    let place = format!("/api/v1/projects/{}", project.id);
    let begun = Begun {
        project_id: project.id,
        status: "bootstrapping",
        initial_bead_id: filed.id,
        execution_id: filed.execution_id,
    };
    Ok(Created(place, begun))
}

/// The bead at which everything begins. Its type is what starts the workflow.
fn initial_bead(project: &Project, prd: &str) -> BeadInput {
    BeadInput {
        project_id: Some(project.id.clone()),
        kind: Some("bootstrap".to_owned()),
        title: Some(format!("[Bootstrap] {}", project.name)),
        description: Some(prd::description(prd)),
        priority: Some(Priority::P0),
        ..BeadInput::default()
    }
}
