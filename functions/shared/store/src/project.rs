//! Projects.

use loom_domain::{
    Refusal,
    bead::BeadStatus,
    budget::BudgetScope,
    decision::{budget_fingerprint, project_close_fingerprint},
    event::{EventKind, NewEvent},
    github::key_of,
    project::{GitStrategy, Project, ProjectStatus},
};
use loom_platform::{DatabaseError, Random, Row, Statements, Value};

use crate::{
    StoreError, agent, budget,
    change::Change,
    decision, org_chart,
    row::{json, optional_time, time, to_json, word},
    run,
    workflow::definition,
};

const COLUMNS: &str = "id, name, description, git_repo, branch, status, git_strategy, bead_prefix, build_command, \
    test_command, lint_command, allowed_commands, context, is_perpetual, max_concurrent, budget_micro_usd, \
    bead_budget_micro_usd, version, created_at, updated_at, closed_at, max_agents, github, \
    bead_sync_branch";

/// The project `id`, or a refusal that says how to find one.
pub async fn get<S: Statements>(statements: &S, id: &str) -> Result<Project, StoreError> {
    let row = statements
        .query_one(
            &format!("SELECT {COLUMNS} FROM project WHERE id = ?1"),
            vec![id.into()],
        )
        .await?;
    match row {
        Some(row) => from_row(&row),
        None => Err(not_found(id).into()),
    }
}

fn not_found(id: &str) -> Refusal {
    Refusal::not_found(
        "project_not_found",
        format!("There is no project {id}. GET /api/v1/projects lists them."),
    )
}

/// The project that a repository on GitHub belongs to, if any.
pub async fn by_repository<S: Statements>(
    statements: &S,
    owner: &str,
    name: &str,
) -> Result<Option<Project>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM project WHERE repository_key = ?1");
    let row = statements
        .query_one(&sql, vec![key_of(owner, name).into()])
        .await?;
    row.as_ref().map(from_row).transpose()
}

/// Up to `limit` projects after the id `after`, oldest first.
pub async fn list<S: Statements>(
    statements: &S,
    after: &str,
    limit: i64,
) -> Result<Vec<Project>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM project WHERE id > ?1 ORDER BY id LIMIT ?2");
    statements
        .query(&sql, vec![after.into(), limit.into()])
        .await?
        .iter()
        .map(from_row)
        .collect()
}

/// Every open project, for the tick: there are few.
pub async fn all_open<S: Statements>(statements: &S) -> Result<Vec<Project>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM project WHERE status = 'open' ORDER BY id");
    statements
        .query(&sql, vec![])
        .await?
        .iter()
        .map(from_row)
        .collect()
}

/// Registers a project; its name must be free, and its bead prefix is made unique when it was not chosen.
pub async fn register<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    mut project: Project,
    prefix_is_chosen: bool,
) -> Result<Project, StoreError> {
    project.id = change.new_id();
    project.created_at = change.now;
    project.updated_at = change.now;
    if !prefix_is_chosen {
        project.bead_prefix = free_prefix(change.tx, &project.bead_prefix).await?;
    }
    let sql = "INSERT INTO project (id, name, description, git_repo, branch, status, git_strategy, bead_prefix, \
               build_command, test_command, lint_command, allowed_commands, context, is_perpetual, max_concurrent, \
               budget_micro_usd, bead_budget_micro_usd, version, created_at, updated_at, closed_at, max_agents, github, \
               bead_sync_branch, repository_key) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, \
               ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25)";
    change
        .tx
        .execute(sql, parameters(&project))
        .await
        .map_err(taken)?;
    let event = NewEvent::new(EventKind::ProjectCreated)
        .project(&project.id)
        .with("name", project.name.clone());
    change.event(event).await?;
    Ok(project)
}

/// Replaces a project's settings by those of `project`, whose version must be the one in the database.
pub async fn update<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    mut project: Project,
    kind: EventKind,
) -> Result<Project, StoreError> {
    project.updated_at = change.now;
    let expected = project.version;
    project.version += 1;
    let before = get(change.tx, &project.id).await?.budget_micro_usd;
    let is_raised = match (before, project.budget_micro_usd) {
        (Some(before), Some(now)) => now > before,
        (Some(_), None) => true,
        (None, _) => false,
    };
    if is_raised {
        let fingerprint = budget_fingerprint(BudgetScope::Project, &project.id);
        decision::answer_fingerprint(change, &fingerprint, "approve", "the budget was raised")
            .await?;
        budget::grant(change.tx, BudgetScope::Project, &project.id, 0).await?;
    }
    let mut values = parameters(&project);
    values.push(expected.into());
    let sql = "UPDATE project SET name = ?2, description = ?3, git_repo = ?4, branch = ?5, status = ?6, \
               git_strategy = ?7, bead_prefix = ?8, build_command = ?9, test_command = ?10, lint_command = ?11, \
               allowed_commands = ?12, context = ?13, is_perpetual = ?14, max_concurrent = ?15, \
               budget_micro_usd = ?16, bead_budget_micro_usd = ?17, version = ?18, created_at = ?19, \
               updated_at = ?20, closed_at = ?21, max_agents = ?22, github = ?23, bead_sync_branch = ?24, repository_key = ?25 \
               WHERE id = ?1 AND version = ?26";
    if change.tx.execute(sql, values).await.map_err(taken)? == 0 {
        return Err(Refusal::conflict(
            "version_conflict",
            format!("Project {} was changed by somebody else in the meantime. Read it again and repeat your change.", project.id),
        )
        .into());
    }
    change
        .event(
            NewEvent::new(kind)
                .project(&project.id)
                .with("name", project.name.clone()),
        )
        .await?;
    Ok(project)
}

/// Closes an open project: nothing of it is dispatched until it is reopened. Its live runs are stopped, and its beads
/// stay as they are.
///
/// Refuses a perpetual project, one that is closed, and, unless `force` is set, one that has beads that are not closed.
pub async fn close<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    before: Project,
    force: bool,
) -> Result<Project, StoreError> {
    if before.status == ProjectStatus::Closed {
        return Err(Refusal::conflict(
            "illegal_transition",
            format!("Project {} is closed already.", before.name),
        )
        .detail("from", "closed")
        .detail("to", "closed")
        .into());
    }
    if before.is_perpetual {
        let message = format!(
            "Project {} is perpetual and never closes. Set is_perpetual to false first.",
            before.name
        );
        return Err(Refusal::conflict("project_is_perpetual", message).into());
    }
    let unfinished: i64 = bead_counts(change.tx, &before.id)
        .await?
        .iter()
        .filter(|(status, _)| status != BeadStatus::Closed.as_str())
        .map(|(_, count)| count)
        .sum();
    if unfinished > 0 && !force {
        let message = format!(
            "Project {} has {unfinished} bead(s) that are not closed. Close them first; or repeat this with \
             \"force\": true, which stops the runs at work and leaves the beads as they are; or have a person decide: \
             POST /api/v1/decisions with the kind project_close.",
            before.name
        );
        return Err(Refusal::conflict("project_has_open_beads", message)
            .detail("open_beads", unfinished)
            .into());
    }
    for live in run::live(change.tx, Some(&before.id), i64::MAX).await? {
        let why = format!("{} closed the project.", change.actor);
        run::cancel(change, &live.id, &why).await?;
    }
    let asked = project_close_fingerprint(&before.id);
    decision::answer_fingerprint(change, &asked, "withdrawn", "the project was closed").await?;
    let closed = Project {
        status: ProjectStatus::Closed,
        closed_at: Some(change.now),
        ..before
    };
    update(change, closed, EventKind::ProjectClosed).await
}

/// Deletes a project that has no beads, and the agents that work for it alone.
pub async fn delete<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    id: &str,
) -> Result<(), StoreError> {
    let beads = change
        .tx
        .query_one(
            "SELECT 1 FROM bead WHERE project_id = ?1 LIMIT 1",
            vec![id.into()],
        )
        .await?;
    if beads.is_some() {
        return Err(Refusal::conflict(
            "project_has_beads",
            format!("Project {id} has beads, whose history would be lost. Close it instead: POST /api/v1/projects/{id}/close."),
        )
        .into());
    }
    // Its own agents go with it: they may work for no other project.
    for agent in agent::of_project(change.tx, id).await? {
        agent::delete(change, &agent).await?;
    }
    for table in [
        "lesson",
        "message",
        "bead_sync",
        "bead_sync_file",
        "bead_sync_conflict",
        "bead_sync_problem",
    ] {
        let sql = format!("DELETE FROM {table} WHERE project_id = ?1");
        change.tx.execute(&sql, vec![id.into()]).await?;
    }
    org_chart::forget(change.tx, id).await?;
    decision::forget_project(change.tx, id).await?;
    definition::forget_project(change.tx, id).await?;
    if change
        .tx
        .execute("DELETE FROM project WHERE id = ?1", vec![id.into()])
        .await?
        == 0
    {
        return Err(not_found(id).into());
    }
    change
        .event(NewEvent::new(EventKind::ProjectDeleted).project(id))
        .await?;
    Ok(())
}

/// How many beads of a project have each status.
pub async fn bead_counts<S: Statements>(
    statements: &S,
    id: &str,
) -> Result<Vec<(String, i64)>, StoreError> {
    let sql = "SELECT status, COUNT(*) FROM bead WHERE project_id = ?1 AND deleted_at IS NULL GROUP BY status";
    let rows = statements.query(sql, vec![id.into()]).await?;
    rows.iter()
        .map(|row| Ok((row.text(0)?, row.integer(1)?)))
        .collect()
}

async fn free_prefix<S: Statements>(tx: &S, wanted: &str) -> Result<String, StoreError> {
    for number in 1..1000 {
        let candidate = if number == 1 {
            wanted.to_owned()
        } else {
            format!("{wanted}{number}")
        };
        let sql = "SELECT 1 FROM project WHERE bead_prefix = ?1";
        if tx
            .query_one(sql, vec![candidate.as_str().into()])
            .await?
            .is_none()
        {
            return Ok(candidate);
        }
    }
    Err(Refusal::conflict(
        "prefix_taken",
        format!(
            "All bead prefixes that start with {wanted} are taken. Choose bead_prefix yourself."
        ),
    )
    .into())
}

fn taken(error: DatabaseError) -> StoreError {
    match &error {
        DatabaseError::Constraint(text) if text.contains("project.name") => Refusal::conflict(
            "name_taken",
            "A project of this name exists already. Choose another name.",
        )
        .into(),
        DatabaseError::Constraint(text) if text.contains("project.bead_prefix") => {
            Refusal::conflict(
                "prefix_taken",
                "Another project has this bead_prefix. Choose another one.",
            )
            .into()
        }
        DatabaseError::Constraint(text) if text.contains("project.repository_key") => {
            Refusal::conflict(
                "repository_taken",
                "Another project has this repository on GitHub, and an issue there belongs to one project only. Use \
                 that project: GET /api/v1/projects lists them.",
            )
            .into()
        }
        _ => error.into(),
    }
}

fn parameters(project: &Project) -> Vec<Value> {
    vec![
        (&project.id).into(),
        (&project.name).into(),
        (&project.description).into(),
        (&project.git_repo).into(),
        (&project.branch).into(),
        project.status.as_str().into(),
        project.git_strategy.as_str().into(),
        (&project.bead_prefix).into(),
        project.build_command.as_ref().into(),
        project.test_command.as_ref().into(),
        project.lint_command.as_ref().into(),
        to_json(&project.allowed_commands).into(),
        to_json(&project.context).into(),
        project.is_perpetual.into(),
        project.max_concurrent.into(),
        project.budget_micro_usd.into(),
        project.bead_budget_micro_usd.into(),
        project.version.into(),
        project.created_at.0.into(),
        project.updated_at.0.into(),
        project.closed_at.map(|at| at.0).into(),
        project.max_agents.into(),
        project.github.as_ref().map(to_json).into(),
        project.bead_sync_branch.as_ref().into(),
        project
            .repository()
            .map(|repository| repository.key())
            .into(),
    ]
}

fn from_row(row: &Row) -> Result<Project, StoreError> {
    Ok(Project {
        id: row.text(0)?,
        name: row.text(1)?,
        description: row.text(2)?,
        git_repo: row.text(3)?,
        branch: row.text(4)?,
        status: word(row, 5, ProjectStatus::parse)?,
        git_strategy: word(row, 6, GitStrategy::parse)?,
        bead_prefix: row.text(7)?,
        build_command: row.optional_text(8)?,
        test_command: row.optional_text(9)?,
        lint_command: row.optional_text(10)?,
        allowed_commands: json(row, 11)?,
        context: json(row, 12)?,
        is_perpetual: row.boolean(13)?,
        max_concurrent: row.integer(14)?,
        budget_micro_usd: row.optional_integer(15)?,
        bead_budget_micro_usd: row.optional_integer(16)?,
        version: row.integer(17)?,
        created_at: time(row, 18)?,
        updated_at: time(row, 19)?,
        closed_at: optional_time(row, 20)?,
        max_agents: row.integer(21)?,
        github: match row.optional_text(22)? {
            Some(_) => Some(json(row, 22)?),
            None => None,
        },
        bead_sync_branch: row.optional_text(23)?,
    })
}
