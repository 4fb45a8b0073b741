//! Issues and the beads that are filed for them.

use std::collections::BTreeMap;

use loom_domain::{
    bead::{Bead, BeadInput, BeadStatus, Priority},
    github::{
        Sender,
        intent::{Issue, IssueState},
    },
    project::Project,
};
use loom_platform::{Random, Statements};

use super::{Applied, acting, attempt::attempt, comment, fingerprint, follower, rate, report};
use crate::{
    StoreError, bead,
    change::Change,
    row::{json, to_json},
};

/// What is known of an issue.
pub(super) struct Known {
    pub(super) state: IssueState,
    pub(super) wants_bead: bool,
    pub(super) bead_id: Option<String>,
}

/// The issue of a number, if any delivery told of it.
pub(super) async fn find<S: Statements>(
    tx: &S,
    project_id: &str,
    number: i64,
) -> Result<Option<Known>, StoreError> {
    let sql =
        "SELECT state, wants_bead, bead_id FROM github_issue WHERE project_id = ?1 AND number = ?2";
    let row = tx
        .query_one(sql, vec![project_id.into(), number.into()])
        .await?;
    row.map(|row| {
        Ok(Known {
            state: json(&row, 0)?,
            wants_bead: row.boolean(1)?,
            bead_id: row.optional_text(2)?,
        })
    })
    .transpose()
}

/// Takes in how a delivery shows an issue, and lets its bead follow.
///
/// The newest state of all deliveries holds, and that an issue wants a bead is never taken back: so their order and
/// number make no difference.
pub(super) async fn follow<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project: &Project,
    issue: &Issue,
    applied: &mut Applied,
) -> Result<(), StoreError> {
    let number = issue.state.number;
    let before = find(change.tx, &project.id, number).await?;
    let is_newer = before
        .as_ref()
        .is_none_or(|before| issue.state.order() > before.state.order());
    let wants_bead = issue.wants_bead || before.as_ref().is_some_and(|before| before.wants_bead);
    let newest = match &before {
        Some(before) if !is_newer => &before.state,
        _ => &issue.state,
    };
    let sql = "INSERT INTO github_issue (project_id, number, state, wants_bead, created_at, updated_at) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?5) ON CONFLICT (project_id, number) DO UPDATE \
               SET state = excluded.state, wants_bead = excluded.wants_bead, updated_at = excluded.updated_at \
               WHERE state <> excluded.state OR wants_bead <> excluded.wants_bead";
    let values = vec![
        (&project.id).into(),
        number.into(),
        to_json(newest).into(),
        wants_bead.into(),
        change.now.0.into(),
    ];
    change.tx.execute(sql, values).await?;
    let person = acting(change, &issue.by);
    let change = &person.of(change);
    let Some(bead_id) = before.as_ref().and_then(|before| before.bead_id.clone()) else {
        if wants_bead {
            file(change, project, newest, applied).await?;
        }
        return Ok(());
    };
    if !is_newer {
        return Ok(());
    }
    let Some(bead) = bead::find(change.tx, &bead_id).await? else {
        applied.note(
            "bead_deleted",
            format!("The bead of issue #{number}, {bead_id}, was deleted in Loom. The issue files no other."),
        );
        return Ok(());
    };
    let Some(before) = &before else {
        return Ok(());
    };
    let input = difference(&bead, &before.state, newest, project);
    if input != BeadInput::default() {
        bead::update(change, &bead, input).await?;
        applied.beads.insert(bead_id.clone());
    }
    let was_opened = newest.is_open && (issue.opens || !before.state.is_open);
    if !newest.is_open {
        follower::close(change, &bead_id, newest.close_reason.clone(), applied).await?;
    } else if was_opened && issue.sender == Sender::Person {
        open(change, project, &bead_id, applied).await?;
    }
    Ok(())
}

/// Files the bead of an issue, or takes the one that another Loom has filed and that came with the repository.
///
/// `None` when a cap or the project's state does not allow it now: the sweep tries again.
pub(super) async fn file<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project: &Project,
    state: &IssueState,
    applied: &mut Applied,
) -> Result<Option<String>, StoreError> {
    let fingerprint = fingerprint(project, "issue", &state.number.to_string());
    let filed = follower::file(change, project, fingerprint, input(project, state), applied);
    let Some(bead_id) = filed.await? else {
        return Ok(None);
    };
    let sql = "UPDATE github_issue SET bead_id = ?3, wants_bead = 1, updated_at = ?4 \
               WHERE project_id = ?1 AND number = ?2";
    let values = vec![
        (&project.id).into(),
        state.number.into(),
        (&bead_id).into(),
        change.now.0.into(),
    ];
    change.tx.execute(sql, values).await?;
    applied.beads.insert(bead_id.clone());
    applied.nudge = true;
    comment::deliver_waiting(change, project, state.number, &bead_id).await?;
    report::begin(change.tx, &project.id, state.number, Some(&bead_id)).await?;
    if !state.is_open {
        follower::close(change, &bead_id, state.close_reason.clone(), applied).await?;
    }
    Ok(Some(bead_id))
}

/// Opens a closed bead again because its issue was.
async fn open<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project: &Project,
    bead_id: &str,
    applied: &mut Applied,
) -> Result<(), StoreError> {
    let bead = bead::get(change.tx, bead_id).await?;
    if bead.status != BeadStatus::Closed {
        return Ok(());
    }
    let opened = BeadInput {
        status: Some(BeadStatus::Open),
        ..BeadInput::default()
    };
    match attempt(change.tx, bead::update(change, &bead, opened)).await? {
        Ok(_) => {
            applied.beads.insert(bead_id.to_owned());
            rate::hold_back(change, project, bead_id, applied).await
        }
        Err(refusal) => {
            applied.refused(&refusal);
            Ok(())
        }
    }
}

/// The bead that is filed for an issue.
fn input(project: &Project, state: &IssueState) -> BeadInput {
    let mut context = BTreeMap::new();
    context.insert("github_issue".to_owned(), state.number.into());
    context.insert("github_url".to_owned(), state.url.clone().into());
    context.insert("github_author".to_owned(), state.author.clone().into());
    BeadInput {
        project_id: Some(project.id.clone()),
        kind: Some(kind(state)),
        title: Some(state.title.clone()),
        description: Some(description(project, state)),
        priority: Some(priority(state)),
        tags: Some(tags(state)),
        context: Some(context),
        ..BeadInput::default()
    }
}

fn kind(state: &IssueState) -> String {
    state
        .meaning
        .kind
        .clone()
        .unwrap_or_else(|| "task".to_owned())
}

fn priority(state: &IssueState) -> Priority {
    state.meaning.priority.unwrap_or(Priority::DEFAULT)
}

/// The labels, and before them the role that they ask for.
fn tags(state: &IssueState) -> Vec<String> {
    let role = state
        .meaning
        .role
        .as_ref()
        .map(|role| format!("role:{role}"));
    let mut tags: Vec<String> = role.into_iter().collect();
    for label in &state.labels {
        if !tags.contains(label) {
            tags.push(label.clone());
        }
    }
    tags
}

fn description(project: &Project, state: &IssueState) -> String {
    let repository = project
        .repository()
        .map(|repository| repository.full_name())
        .unwrap_or_default();
    format!(
        "{}\n\nIssue {repository}#{} by {}: {}",
        state.body.trim_end(),
        state.number,
        state.author,
        state.url
    )
    .trim_start()
    .to_owned()
}

/// What changed between two states of an issue, for its bead: what people changed on the bead in Loom stays.
fn difference(bead: &Bead, before: &IssueState, now: &IssueState, project: &Project) -> BeadInput {
    fn changed<T: PartialEq>(before: T, now: T, is: &T) -> Option<T> {
        (before != now && now != *is).then_some(now)
    }
    let gone = tags(before);
    let mut wanted = tags(now);
    for tag in &bead.tags {
        if !gone.contains(tag) && !wanted.contains(tag) {
            wanted.push(tag.clone());
        }
    }
    BeadInput {
        title: changed(before.title.clone(), now.title.clone(), &bead.title),
        description: changed(
            description(project, before),
            description(project, now),
            &bead.description,
        ),
        kind: changed(kind(before), kind(now), &bead.kind),
        priority: changed(priority(before), priority(now), &bead.priority),
        tags: (gone != tags(now) && wanted != bead.tags).then_some(wanted),
        ..BeadInput::default()
    }
}
