//! The bead on which a code reviewer looks at somebody's pull request: at most one each.

use std::collections::BTreeMap;

use loom_domain::{
    bead::{Bead, BeadInput, BeadStatus},
    github::{
        Sender,
        intent::{PullRequest, PullRequestState},
    },
    project::Project,
};
use loom_platform::{Random, Statements};

use super::{
    Applied,
    attempt::attempt,
    comment, fingerprint, follower,
    pull_request::{Known, reopen},
    rate,
};
use crate::{StoreError, bead, change::Change, workflow};

/// Lets the review bead follow its pull request.
pub(super) async fn follow<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project: &Project,
    before: Option<&Known>,
    newest: &PullRequestState,
    is_newer: bool,
    shown: &PullRequest,
    applied: &mut Applied,
) -> Result<(), StoreError> {
    let wants_review = shown.wants_review || before.is_some_and(|before| before.wants_review);
    let Some((before, bead_id)) =
        before.and_then(|before| Some((before, before.review_bead.as_deref()?)))
    else {
        if wants_review {
            file(change, project, newest, applied).await?;
        }
        return Ok(());
    };
    if !is_newer {
        return Ok(());
    }
    let Some(bead) = bead::find(change.tx, bead_id).await? else {
        return Ok(());
    };
    describe(change, &bead, newest, applied).await?;
    if !newest.is_open {
        return close(change, bead_id, newest, &shown.by, applied).await;
    }
    let is_other = before.reviewed_sha.as_deref() != Some(newest.head_sha.as_str());
    let wants_another = shown.wants_another || !before.state.is_open;
    let starts = shown.wants_review && shown.sender == Sender::Person;
    if starts && (is_other || wants_another) {
        again(change, project, bead_id, newest, applied).await?;
    }
    Ok(())
}

/// Files the review, or takes the one that came with the repository. `None` when a cap does not allow it now.
pub(super) async fn file<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project: &Project,
    state: &PullRequestState,
    applied: &mut Applied,
) -> Result<Option<String>, StoreError> {
    let fingerprint = fingerprint(project, "pr", &state.number.to_string());
    let input = BeadInput {
        project_id: Some(project.id.clone()),
        kind: Some("review".to_owned()),
        tags: Some(vec!["role:code-reviewer".to_owned()]),
        ..shown(state)
    };
    let filed = follower::file(change, project, fingerprint, input, applied);
    let Some(bead_id) = filed.await? else {
        return Ok(None);
    };
    note(change, project, state, &bead_id).await?;
    applied.beads.insert(bead_id.clone());
    applied.nudge = true;
    comment::deliver_waiting(change, project, state.number, &bead_id).await?;
    if !state.is_open {
        close(change, &bead_id, state, "somebody", applied).await?;
    }
    Ok(Some(bead_id))
}

/// Notes which bead reviews a pull request, and which commit it was opened for.
async fn note<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project: &Project,
    state: &PullRequestState,
    bead_id: &str,
) -> Result<(), StoreError> {
    let sql = "UPDATE github_pull_request SET review_bead = ?3, reviewed_sha = ?4, updated_at = ?5 \
               WHERE project_id = ?1 AND number = ?2";
    let values = vec![
        (&project.id).into(),
        state.number.into(),
        bead_id.into(),
        (&state.head_sha).into(),
        change.now.0.into(),
    ];
    change.tx.execute(sql, values).await?;
    Ok(())
}

/// What the bead says of the pull request.
fn shown(state: &PullRequestState) -> BeadInput {
    let mut context = BTreeMap::new();
    context.insert("github_pull_request".to_owned(), state.number.into());
    context.insert("github_url".to_owned(), state.url.clone().into());
    context.insert("head_branch".to_owned(), state.head_branch.clone().into());
    context.insert("head_sha".to_owned(), state.head_sha.clone().into());
    context.insert("base_branch".to_owned(), state.base_branch.clone().into());
    let description = format!(
        "Review pull request #{} by {}: branch {} at commit {}, to be merged into {}. {}\n\nIts author says:\n\n{}",
        state.number,
        state.author,
        state.head_branch,
        state.head_sha,
        state.base_branch,
        state.url,
        if state.body.trim().is_empty() {
            "(nothing)"
        } else {
            state.body.trim()
        }
    );
    BeadInput {
        // The role first: what the author wrote after it cannot send the bead to somebody else.
        title: Some(format!(
            "[code-reviewer] Code review: PR #{} - {}",
            state.number, state.title
        )),
        description: Some(description),
        context: Some(context),
        ..BeadInput::default()
    }
}

/// Brings the bead up to what the pull request is now.
async fn describe<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    bead: &Bead,
    state: &PullRequestState,
    applied: &mut Applied,
) -> Result<(), StoreError> {
    let shown = shown(state);
    let is_same = shown.title.as_ref() == Some(&bead.title)
        && shown.description.as_ref() == Some(&bead.description)
        && shown
            .context
            .iter()
            .flatten()
            .all(|(key, value)| bead.context.get(key) == Some(value));
    if !is_same {
        bead::update(change, bead, shown).await?;
        applied.beads.insert(bead.id.clone());
    }
    Ok(())
}

/// The pull request is over, and so is its review.
async fn close<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    bead_id: &str,
    state: &PullRequestState,
    by: &str,
    applied: &mut Applied,
) -> Result<(), StoreError> {
    let how = match &state.merged_sha {
        Some(sha) => format!("merged by {by} as {sha}"),
        None => format!("closed by {by}"),
    };
    let reason = format!("Pull request #{} was {how}.", state.number);
    follower::close(change, bead_id, Some(reason), applied).await
}

/// Opens the review again, for a commit that it has not seen. A run that looks at the old one is stopped, unless the
/// issue has had its share of runs: then it goes on and is told.
async fn again<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project: &Project,
    bead_id: &str,
    state: &PullRequestState,
    applied: &mut Applied,
) -> Result<(), StoreError> {
    let text = format!(
        "Review pull request #{} at commit {} now.",
        state.number, state.head_sha
    );
    comment::say(change, bead_id, &text, applied).await?;
    note(change, project, state, bead_id).await?;
    let bead = bead::get(change.tx, bead_id).await?;
    if bead.run_id.is_some() && rate::free_at(change, project, bead_id).await?.is_some() {
        applied.note(
            "rate_capped",
            format!(
                "The run that reviews in bead {bead_id} goes on and was told of the new commit."
            ),
        );
        return Ok(());
    }
    if bead.status == BeadStatus::Open {
        return Ok(());
    }
    reopen(change, project, bead_id, applied).await?;
    let bead = bead::get(change.tx, bead_id).await?;
    if bead.status == BeadStatus::Open && bead.execution_id.is_none() {
        let started = workflow::start_matching(change, &bead);
        if let Err(refusal) = attempt(change.tx, started).await? {
            applied.refused(&refusal);
        }
        rate::hold_back(change, project, bead_id, applied).await?;
    }
    Ok(())
}
