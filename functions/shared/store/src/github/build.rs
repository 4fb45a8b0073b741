//! The base branch's own checks: a failure is a bug.

use std::collections::BTreeMap;

use loom_domain::{
    bead::{AUTO_FILED_TAG, Bead, BeadInput, BeadStatus, Priority},
    github::intent::Build,
    project::Project,
};
use loom_platform::{Random, Statements};

use super::{Applied, attempt::attempt, comment};
use crate::{
    StoreError,
    bead::{self, Origin},
    change::Change,
};

/// Takes in how checks of the base branch ended: a failure files a bug, one while it is open; a success ends it if
/// nobody has begun.
pub(super) async fn ended<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project: &Project,
    build: &Build,
    applied: &mut Applied,
) -> Result<(), StoreError> {
    // Results come in any order, and of two that ended in the same second the failure is believed.
    let sql = "INSERT INTO github_build (project_id, name, branch, passed, sha, ended_at) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (project_id, name, branch) DO UPDATE \
               SET passed = excluded.passed, sha = excluded.sha, ended_at = excluded.ended_at \
               WHERE excluded.ended_at > ended_at \
               OR (excluded.ended_at = ended_at AND passed = 1 AND excluded.passed = 0) RETURNING bead_id";
    let values = vec![
        (&project.id).into(),
        (&build.name).into(),
        (&build.branch).into(),
        build.passed.into(),
        (&build.sha).into(),
        build.at.0.into(),
    ];
    let Some(row) = change.tx.query_one(sql, values).await? else {
        return Ok(());
    };
    let known = match row.optional_text(0)? {
        Some(id) => bead::find(change.tx, &id).await?,
        None => None,
    };
    let open = known.filter(|bead| bead.status != BeadStatus::Closed);
    match (open, build.passed) {
        (Some(bead), true) => passed(change, &bead, build, applied).await,
        (Some(bead), false) => failed_again(change, &bead, build, applied).await,
        (None, true) => Ok(()),
        (None, false) => failed(change, project, build, applied).await,
    }
}

async fn failed<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project: &Project,
    build: &Build,
    applied: &mut Applied,
) -> Result<(), StoreError> {
    let input = BeadInput {
        project_id: Some(project.id.clone()),
        kind: Some("bug".to_owned()),
        title: Some(format!("{} fails on {}", build.name, build.branch)),
        description: Some(format!(
            "{} ended with {} on commit {} of the base branch {}, so everything that is built on it is broken too. Find \
             the cause, and make it pass. {}",
            build.name, build.conclusion, build.sha, build.branch, build.url
        )),
        priority: Priority::new(1),
        tags: Some(vec!["ci".to_owned(), AUTO_FILED_TAG.to_owned()]),
        context: Some(BTreeMap::from([
            ("failing_commit".to_owned(), build.sha.clone().into()),
            ("github_url".to_owned(), build.url.clone().into()),
        ])),
        ..BeadInput::default()
    };
    let origin = Origin {
        fingerprint: Some(fingerprint_of(project, build)),
        ..Origin::default()
    };
    let (bead, is_new) = match attempt(change.tx, bead::file(change, input, origin)).await? {
        Ok(filed) => filed,
        Err(refusal) => {
            applied.refused(&refusal);
            return Ok(());
        }
    };
    if is_new {
        applied.filed.push(bead.id.clone());
        applied.nudge = true;
    }
    applied.beads.insert(bead.id.clone());
    let sql =
        "UPDATE github_build SET bead_id = ?4 WHERE project_id = ?1 AND name = ?2 AND branch = ?3";
    let values = vec![
        (&project.id).into(),
        (&build.name).into(),
        (&build.branch).into(),
        bead.id.into(),
    ];
    change.tx.execute(sql, values).await?;
    Ok(())
}

/// The newest commit that fails is noted, without a word: a branch may be broken for a hundred pushes.
async fn failed_again<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    bead: &Bead,
    build: &Build,
    applied: &mut Applied,
) -> Result<(), StoreError> {
    let input = BeadInput {
        context: Some(BTreeMap::from([
            ("failing_commit".to_owned(), build.sha.clone().into()),
            ("github_url".to_owned(), build.url.clone().into()),
        ])),
        ..BeadInput::default()
    };
    bead::update(change, bead, input).await?;
    applied.beads.insert(bead.id.clone());
    Ok(())
}

async fn passed<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    bead: &Bead,
    build: &Build,
    applied: &mut Applied,
) -> Result<(), StoreError> {
    let text = format!("{} passes again on commit {}.", build.name, build.sha);
    let has_begun =
        bead.status != BeadStatus::Open || bead.run_id.is_some() || bead.dispatch_count > 0;
    if has_begun {
        return comment::say(change, &bead.id, &text, applied).await;
    }
    let input = BeadInput {
        status: Some(BeadStatus::Closed),
        close_reason: Some(text),
        ..BeadInput::default()
    };
    bead::update(change, bead, input).await?;
    applied.beads.insert(bead.id.clone());
    Ok(())
}

fn fingerprint_of(project: &Project, build: &Build) -> String {
    let repository = project
        .repository()
        .map(|repository| repository.key())
        .unwrap_or_default();
    format!("github:ci:{repository}:{}", build.name)
}
