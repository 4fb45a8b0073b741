//! What people say on GitHub, and what they tell Loom to do.

use loom_domain::{github::intent::Comment, project::Project};
use loom_platform::{Random, Statements};

use super::{Applied, Facts, acting, command, issue, pull_request};
use crate::{StoreError, bead, change::Change, knowledge};

/// How many comments on one issue wait for its bead.
const MOST_WAITING: i64 = 50;

/// Takes a comment in, once: into the conversation of the bead, then its commands.
pub(super) async fn take<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project: &Project,
    said: &Comment,
    facts: &Facts,
    applied: &mut Applied,
) -> Result<(), StoreError> {
    if !note(
        change,
        project,
        said.source.as_str(),
        said.id,
        said.number,
        &said.author,
    )
    .await?
    {
        return Ok(());
    }
    let person = acting(change, &said.author);
    let change = &person.of(change);
    let bead_id = bead_of(change.tx, &project.id, said.number).await?;
    if !said.text.is_empty() {
        match &bead_id {
            Some(bead_id) => {
                say(change, bead_id, &with_link(&said.text, &said.url), applied).await?;
            }
            None => wait(change.tx, project, said).await?,
        }
    }
    command::obey(change, project, said, facts, applied).await
}

/// Notes that a comment or review was taken in, and says whether it is new.
pub(super) async fn note<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project: &Project,
    source: &str,
    id: i64,
    number: i64,
    author: &str,
) -> Result<bool, StoreError> {
    let sql = "INSERT OR IGNORE INTO github_comment (project_id, source, id, number, author, created_at) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let values = vec![
        (&project.id).into(),
        source.into(),
        id.into(),
        number.into(),
        author.into(),
        change.now.0.into(),
    ];
    Ok(change.tx.execute(sql, values).await? > 0)
}

/// Appends to the conversation of a bead that was not deleted.
pub(super) async fn say<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    bead_id: &str,
    text: &str,
    applied: &mut Applied,
) -> Result<(), StoreError> {
    if bead::find(change.tx, bead_id).await?.is_some() {
        knowledge::comment(change, bead_id, text, None).await?;
        applied.beads.insert(bead_id.to_owned());
    }
    Ok(())
}

/// The bead of an issue, else the one that owns or reviews a pull request: they share their numbers.
pub(super) async fn bead_of<S: Statements>(
    tx: &S,
    project_id: &str,
    number: i64,
) -> Result<Option<String>, StoreError> {
    let issue = issue::find(tx, project_id, number).await?;
    if let Some(bead_id) = issue.and_then(|issue| issue.bead_id) {
        return Ok(Some(bead_id));
    }
    let pull_request = pull_request::find(tx, project_id, number).await?;
    Ok(pull_request.and_then(|known| known.owner_bead.or(known.review_bead)))
}

/// Keeps a comment for the bead that may yet be filed: deliveries come in any order.
async fn wait<S: Statements>(tx: &S, project: &Project, said: &Comment) -> Result<(), StoreError> {
    let sql = "UPDATE github_comment SET waiting = ?4 WHERE project_id = ?1 AND source = ?2 AND id = ?3 \
               AND (SELECT COUNT(*) FROM github_comment WHERE project_id = ?1 AND number = ?5 AND waiting IS NOT NULL) \
                   < ?6";
    let values = vec![
        (&project.id).into(),
        said.source.as_str().into(),
        said.id.into(),
        with_link(&said.text, &said.url).into(),
        said.number.into(),
        MOST_WAITING.into(),
    ];
    tx.execute(sql, values).await?;
    Ok(())
}

/// Gives a bead the comments that waited for it, in the order in which they were written.
pub(super) async fn deliver_waiting<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project: &Project,
    number: i64,
    bead_id: &str,
) -> Result<(), StoreError> {
    let sql = "SELECT author, waiting FROM github_comment WHERE project_id = ?1 AND number = ?2 \
               AND waiting IS NOT NULL ORDER BY id, source";
    let values = vec![(&project.id).into(), number.into()];
    let rows = change.tx.query(sql, values.clone()).await?;
    if rows.is_empty() || bead::find(change.tx, bead_id).await?.is_none() {
        return Ok(());
    }
    for row in rows {
        let author = row.text(0)?;
        let person = acting(change, &author);
        knowledge::comment(&person.of(change), bead_id, &row.text(1)?, None).await?;
    }
    let sql = "UPDATE github_comment SET waiting = NULL WHERE project_id = ?1 AND number = ?2 AND waiting IS NOT NULL";
    change.tx.execute(sql, values).await?;
    Ok(())
}

fn with_link(text: &str, url: &str) -> String {
    if url.is_empty() {
        text.to_owned()
    } else {
        format!("{text}\n\n({url})")
    }
}
