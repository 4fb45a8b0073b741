//! Reviews of people.

use loom_domain::{
    bead::{Bead, BeadStatus},
    decision::{DecisionKind, DecisionStatus},
    github::intent::{CommentSource, Review, ReviewState},
    project::Project,
};
use loom_platform::{Random, Statements};

use super::{
    Applied, Facts, acting,
    attempt::attempt,
    comment, merge,
    pull_request::{self, Known, reopen},
};
use crate::{StoreError, bead, change::Change, decision};

/// Takes a review in, once: it is part of the conversation, and of somebody who may write to the repository it approves
/// the work of the bead that owns the branch, or sends it back.
pub(super) async fn take<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project: &Project,
    review: &Review,
    facts: &Facts,
    applied: &mut Applied,
) -> Result<(), StoreError> {
    let source = CommentSource::Review.as_str();
    let number = review.number;
    if !comment::note(change, project, source, review.id, number, &review.author).await? {
        return Ok(());
    }
    let Some(known) = pull_request::find(change.tx, &project.id, number).await? else {
        return Ok(());
    };
    let Some(bead_id) = known.owner_bead.as_ref().or(known.review_bead.as_ref()) else {
        return Ok(());
    };
    let person = acting(change, &review.author);
    let change = &person.of(change);
    if review.state != ReviewState::Commented || !review.text.is_empty() {
        comment::say(change, bead_id, &words(review), applied).await?;
    }
    let Some(owner) = &known.owner_bead else {
        return Ok(());
    };
    let Some(bead) = bead::find(change.tx, owner).await? else {
        return Ok(());
    };
    if let Some((code, why)) = words_only(review, &known, facts) {
        applied.note(code, why);
        return Ok(());
    }
    match review.state {
        ReviewState::Commented => Ok(()),
        ReviewState::Approved => {
            if decide(change, &bead, "approve", review, applied).await? {
                return Ok(());
            }
            if bead.in_review {
                merge::want(change, project, number, &review.author).await?;
            } else {
                applied.note(
                    "nothing_to_decide",
                    format!("No approval of bead {owner} is asked for now: the review is part of its conversation."),
                );
            }
            Ok(())
        }
        ReviewState::ChangesRequested => {
            merge::forget_merge(change.tx, &project.id, number).await?;
            if decide(change, &bead, "deny", review, applied).await? {
                return Ok(());
            }
            rework(change, project, &bead, applied).await
        }
    }
}

/// Why a review decides nothing, if it does not.
fn words_only(review: &Review, known: &Known, facts: &Facts) -> Option<(&'static str, String)> {
    if review.state == ReviewState::Commented {
        return None;
    }
    if !facts.may_write(&review.author) {
        let why = format!(
            "{} may not write to the repository, so the review is part of the conversation only.",
            review.author
        );
        return Some(("permission_missing", why));
    }
    let is_old = review
        .commit
        .as_ref()
        .is_some_and(|commit| *commit != known.state.head_sha);
    if is_old && review.state == ReviewState::Approved {
        let why = format!(
            "The review approves a commit that is not the newest of pull request #{} any more.",
            review.number
        );
        return Some(("review_outdated", why));
    }
    if !known.state.is_open {
        let why = format!("Pull request #{} is closed.", review.number);
        return Some(("pull_request_closed", why));
    }
    None
}

fn words(review: &Review) -> String {
    let says = match review.state {
        ReviewState::Approved => "approves",
        ReviewState::ChangesRequested => "asks for changes",
        ReviewState::Commented => "remarks",
    };
    format!(
        "Review of pull request #{}: {} {says}.\n\n{}\n\n({})",
        review.number, review.author, review.text, review.url
    )
}

/// Answers the approval that the workflow of a bead asks people for; says whether it asked.
async fn decide<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    bead: &Bead,
    answer: &str,
    review: &Review,
    applied: &mut Applied,
) -> Result<bool, StoreError> {
    let asked = decision::of_bead(change.tx, &bead.id)
        .await?
        .into_iter()
        .find(|decision| {
            decision.status == DecisionStatus::Open
                && decision.kind == DecisionKind::WorkflowApproval
        });
    let Some(asked) = asked else {
        return Ok(false);
    };
    let rationale = match review.text.is_empty() {
        true => format!("Review of pull request #{} ({})", review.number, review.url),
        false => review.text.clone(),
    };
    applied.nudge = true;
    let decided = decision::decide(change, &asked.id, answer, &rationale, None);
    if let Err(refusal) = attempt(change.tx, decided).await? {
        applied.refused(&refusal);
    }
    Ok(true)
}

/// Sends work back that was thought to be done. Where an agent is at it, the conversation is enough.
async fn rework<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project: &Project,
    bead: &Bead,
    applied: &mut Applied,
) -> Result<(), StoreError> {
    let is_done = bead.status == BeadStatus::Closed || bead.in_review;
    if !is_done || bead.run_id.is_some() {
        return Ok(());
    }
    reopen(change, project, &bead.id, applied).await
}
