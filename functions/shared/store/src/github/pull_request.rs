//! Pull requests: those of Loom's own branches, and those that Loom reviews.

use loom_domain::{
    bead::{BeadInput, BeadStatus},
    decision::{DecisionKind, NewDecision},
    github::{
        Sender,
        intent::{PullRequest, PullRequestState},
    },
    project::Project,
};
use loom_platform::{Random, Statements};

use super::{Applied, acting, attempt::attempt, comment, follower, pull_review};
use crate::{
    StoreError, bead,
    change::Change,
    decision,
    row::{json, to_json},
};

/// What is known of a pull request.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) state: PullRequestState,
    pub(super) wants_review: bool,
    pub(super) owner_bead: Option<String>,
    pub(super) review_bead: Option<String>,
    pub(super) reviewed_sha: Option<String>,
}

/// The pull request of a number, if any delivery told of it or Loom has opened it.
pub(super) async fn find<S: Statements>(
    tx: &S,
    project_id: &str,
    number: i64,
) -> Result<Option<Known>, StoreError> {
    let sql = "SELECT state, wants_review, owner_bead, review_bead, reviewed_sha FROM github_pull_request \
               WHERE project_id = ?1 AND number = ?2";
    let row = tx
        .query_one(sql, vec![project_id.into(), number.into()])
        .await?;
    row.map(|row| {
        Ok(Known {
            state: json(&row, 0)?,
            wants_review: row.boolean(1)?,
            owner_bead: row.optional_text(2)?,
            review_bead: row.optional_text(3)?,
            reviewed_sha: row.optional_text(4)?,
        })
    })
    .transpose()
}

/// Takes in how a delivery shows a pull request, and lets the bead follow that owns or reviews it. Order and number of
/// the deliveries make no difference, as with issues.
pub(super) async fn follow<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project: &Project,
    shown: &PullRequest,
    applied: &mut Applied,
) -> Result<(), StoreError> {
    let number = shown.state.number;
    let before = find(change.tx, &project.id, number).await?;
    let is_newer = before
        .as_ref()
        .is_none_or(|before| shown.state.order() > before.state.order());
    let owner = match &before {
        Some(Known {
            owner_bead: Some(owner),
            ..
        }) => Some(owner.clone()),
        // It was taken for somebody else's before: it stays that.
        Some(Known {
            review_bead: Some(_),
            ..
        }) => None,
        _ => owner_of(change.tx, project, &shown.state).await?,
    };
    let wants_review = owner.is_none()
        && (shown.wants_review || before.as_ref().is_some_and(|before| before.wants_review));
    let newest = match &before {
        Some(before) if !is_newer => &before.state,
        _ => &shown.state,
    };
    put(change, project, newest, owner.as_deref(), wants_review).await?;
    let person = acting(change, &shown.by);
    let change = &person.of(change);
    match owner {
        Some(owner) => {
            comment::deliver_waiting(change, project, number, &owner).await?;
            if is_newer && shown.sender != Sender::Own {
                owned(change, project, &owner, before.as_ref(), shown, applied).await?;
            }
            Ok(())
        }
        None => {
            pull_review::follow(
                change,
                project,
                before.as_ref(),
                newest,
                is_newer,
                shown,
                applied,
            )
            .await
        }
    }
}

/// The bead of this project that the branch's name speaks of.
async fn owner_of<S: Statements>(
    tx: &S,
    project: &Project,
    state: &PullRequestState,
) -> Result<Option<String>, StoreError> {
    let Some(id) = &state.owner else {
        return Ok(None);
    };
    let bead = bead::find(tx, id).await?;
    Ok(bead
        .filter(|bead| bead.project_id == project.id)
        .map(|bead| bead.id))
}

/// Writes what is known.
pub(super) async fn put<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project: &Project,
    state: &PullRequestState,
    owner: Option<&str>,
    wants_review: bool,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO github_pull_request (project_id, number, state, head_branch, head_sha, is_open, owner_bead, \
               wants_review, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9) \
               ON CONFLICT (project_id, number) DO UPDATE SET state = excluded.state, \
               head_branch = excluded.head_branch, \
               merge_wanted_by = CASE WHEN head_sha = excluded.head_sha THEN merge_wanted_by END, \
               head_sha = excluded.head_sha, is_open = excluded.is_open, \
               owner_bead = excluded.owner_bead, wants_review = excluded.wants_review, \
               updated_at = excluded.updated_at WHERE state <> excluded.state \
               OR owner_bead IS NOT excluded.owner_bead OR wants_review <> excluded.wants_review";
    let values = vec![
        (&project.id).into(),
        state.number.into(),
        to_json(state).into(),
        (&state.head_branch).into(),
        (&state.head_sha).into(),
        state.is_open.into(),
        owner.into(),
        wants_review.into(),
        change.now.0.into(),
    ];
    change.tx.execute(sql, values).await?;
    Ok(())
}

/// What a newer state means for the bead whose agent made the branch.
async fn owned<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project: &Project,
    owner: &str,
    before: Option<&Known>,
    shown: &PullRequest,
    applied: &mut Applied,
) -> Result<(), StoreError> {
    let was_open = before.is_none_or(|before| before.state.is_open);
    let state = &shown.state;
    if let Some(sha) = &state.merged_sha {
        merged(change, owner, state, sha, &shown.by, applied).await
    } else if !state.is_open && was_open {
        given_up(change, project, owner, state, &shown.by, applied).await
    } else if state.is_open && !was_open && shown.sender == Sender::Person {
        taken_up(change, project, owner, state, applied).await
    } else {
        Ok(())
    }
}

/// Merged: the bead is done, with the commit.
pub(super) async fn merged<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    owner: &str,
    state: &PullRequestState,
    sha: &str,
    by: &str,
    applied: &mut Applied,
) -> Result<(), StoreError> {
    if bead::find(change.tx, owner).await?.is_none() {
        return Ok(());
    }
    let reason = format!(
        "Pull request #{} was merged by {by} as {sha}.",
        state.number
    );
    follower::close(change, owner, Some(reason), applied).await?;
    let sql = "UPDATE bead SET commit_id = ?2, version = version + 1 WHERE id = ?1 AND commit_id IS NOT ?2";
    change
        .tx
        .execute(sql, vec![owner.into(), sha.into()])
        .await?;
    Ok(())
}

/// The question what becomes of a bead whose pull request was closed without being merged.
fn given_up_fingerprint(project: &Project, number: i64) -> String {
    super::fingerprint(project, "pr-closed", &number.to_string())
}

async fn given_up<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project: &Project,
    owner: &str,
    state: &PullRequestState,
    by: &str,
    applied: &mut Applied,
) -> Result<(), StoreError> {
    let Some(bead) = bead::find(change.tx, owner).await? else {
        return Ok(());
    };
    if bead.status == BeadStatus::Closed {
        return Ok(());
    }
    let number = state.number;
    let why = format!("{by} closed pull request #{number} without merging it.");
    let question = format!(
        "{why} What should become of bead {} ({})?",
        bead.id, bead.title
    );
    let new = NewDecision::new(
        DecisionKind::Escalation,
        given_up_fingerprint(project, number),
        question,
    );
    applied.beads.insert(owner.to_owned());
    let asked = decision::stop_and_ask(change, &bead, &new, &why, &state.url);
    if let Err(refusal) = attempt(change.tx, asked).await? {
        applied.refused(&refusal);
    }
    Ok(())
}

/// Opened again: the question is pointless, and the work goes on.
async fn taken_up<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project: &Project,
    owner: &str,
    state: &PullRequestState,
    applied: &mut Applied,
) -> Result<(), StoreError> {
    let fingerprint = given_up_fingerprint(project, state.number);
    if !decision::is_open(change.tx, &fingerprint).await? {
        return Ok(());
    }
    let why = "the pull request was opened again";
    decision::answer_fingerprint(change, &fingerprint, "withdrawn", why).await?;
    reopen(change, project, owner, applied).await
}

/// Opens a bead for more work, as far as its questions, its workflow and the cap allow it.
pub(super) async fn reopen<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project: &Project,
    bead_id: &str,
    applied: &mut Applied,
) -> Result<(), StoreError> {
    let Some(bead) = bead::find(change.tx, bead_id).await? else {
        return Ok(());
    };
    applied.beads.insert(bead_id.to_owned());
    if bead.open_decisions > 0 {
        applied.note(
            "decision_open",
            format!("A question about bead {bead_id} is open; its answer says how it goes on."),
        );
        return Ok(());
    }
    if bead.held_by.is_some() {
        applied.note(
            "held_by_person",
            format!("Somebody keeps bead {bead_id} blocked, and has to release it first."),
        );
        return Ok(());
    }
    let input = BeadInput {
        status: Some(BeadStatus::Open),
        ..BeadInput::default()
    };
    match attempt(change.tx, bead::update(change, &bead, input)).await? {
        Ok(_) => super::rate::hold_back(change, project, bead_id, applied).await,
        Err(refusal) => {
            applied.refused(&refusal);
            Ok(())
        }
    }
}

/// Files the review of a pull request because a person asks for it. `None` when nothing is known of it, or a cap does
/// not allow it.
pub(super) async fn ask_for_review<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project: &Project,
    number: i64,
    applied: &mut Applied,
) -> Result<Option<String>, StoreError> {
    let known = find(change.tx, &project.id, number).await?;
    let Some(known) = known.filter(|known| known.state.is_open) else {
        return Ok(None);
    };
    put(change, project, &known.state, None, true).await?;
    pull_review::file(change, project, &known.state, applied).await
}
