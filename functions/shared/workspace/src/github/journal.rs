//! What was asked for under which key, and what came of it (invariants I2 and I7).

use std::borrow::Cow;

use loom_domain::hex;
use loom_platform::{Clock, Database, Platform, Statements, Transaction};
use serde::{Serialize, de::DeserializeOwned};

use super::error::{Result, corrupt, database};
use crate::{Call, Operation, Outcome, WorkspaceError};

/// What came of a call.
pub(super) type Answer = Result<Outcome>;

/// What is known of a key.
pub(super) enum Known {
    Answered(Answer),
    /// The call is under way, or an earlier attempt died or must be repeated.
    Begun {
        /// When it was first asked for, in milliseconds since the epoch.
        at: i64,
        /// How far it has come, as JSON.
        plan: Option<String>,
    },
}

/// Notes the call's fence and refuses a call with a lower one than was seen before.
pub(super) async fn raise_fence<P: Platform>(platform: &P, call: &Call) -> Result<()> {
    let (run, fence) = (&call.run.id, call.run.fence);
    let row = platform
        .database()
        .query_one(
            "SELECT fence FROM github_space WHERE run_id = ?1",
            vec![run.into()],
        )
        .await
        .map_err(database)?;
    let seen = row
        .map(|row| row.integer(0))
        .transpose()
        .map_err(database)?;
    let highest = match seen {
        Some(seen) if seen >= fence => seen,
        _ => platform
            .database()
            .query_one(
                "INSERT INTO github_space (run_id, fence) VALUES (?1, ?2)
                 ON CONFLICT (run_id) DO UPDATE SET fence = max(fence, excluded.fence) RETURNING fence",
                vec![run.into(), fence.into()],
            )
            .await
            .and_then(|row| row.map_or(Ok(fence), |row| row.integer(0)))
            .map_err(database)?,
    };
    if highest > fence {
        return Err(WorkspaceError::stale_fence(fence, highest));
    }
    Ok(())
}

/// Refuses to go on for a run that was taken over meanwhile: for use right before something is written on GitHub that
/// is not noted first.
pub(super) async fn still_owned<P: Platform>(platform: &P, call: &Call) -> Result<()> {
    raise_fence(platform, call).await
}

/// What is known of the call; a new one is noted as begun.
pub(super) async fn begin<P: Platform>(platform: &P, call: &Call) -> Result<Known> {
    let operation = digest(&identity(&call.operation))?;
    let now = platform.clock().now();
    platform
        .database()
        .execute(
            "INSERT INTO github_call (run_id, key, operation, begun_at) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (run_id, key) DO NOTHING",
            vec![
                (&call.run.id).into(),
                (&call.key).into(),
                (&operation).into(),
                now.into(),
            ],
        )
        .await
        .map_err(database)?;
    let row = platform
        .database()
        .query_one(
            "SELECT operation, begun_at, plan, answer FROM github_call WHERE run_id = ?1 AND key = ?2",
            vec![(&call.run.id).into(), (&call.key).into()],
        )
        .await
        .map_err(database)?
        // Closed in between, by whoever has taken over.
        .ok_or_else(|| WorkspaceError::unavailable("journal_failed", "the run was just closed"))?;
    if row.text(0).map_err(database)? != operation {
        return Err(WorkspaceError::refused(
            "key_reused",
            format!(
                "the key {} was already used for another operation; use a new one",
                call.key
            ),
        ));
    }
    match row.optional_text(3).map_err(database)? {
        Some(answer) => serde_json::from_str(&answer)
            .map(Known::Answered)
            .map_err(|error| corrupt("an earlier call", error)),
        None => Ok(Known::Begun {
            at: row.integer(1).map_err(database)?,
            plan: row.optional_text(2).map_err(database)?,
        }),
    }
}

/// A transaction in which the call's run still belongs to the caller.
pub(super) async fn owned<P: Platform>(
    platform: &P,
    call: &Call,
) -> Result<<P::Database as Database>::Transaction> {
    let transaction = platform.database().transaction().await.map_err(database)?;
    let fence = transaction
        .query_one(
            "SELECT fence FROM github_space WHERE run_id = ?1",
            vec![(&call.run.id).into()],
        )
        .await
        .and_then(|row| row.map_or(Ok(call.run.fence), |row| row.integer(0)))
        .map_err(database)?;
    if fence > call.run.fence {
        return Err(WorkspaceError::stale_fence(call.run.fence, fence));
    }
    Ok(transaction)
}

/// The same, and the call is not answered yet: what is done in it along with [`answer`] is done once.
pub(super) async fn guarded<P: Platform>(
    platform: &P,
    call: &Call,
) -> Result<<P::Database as Database>::Transaction> {
    let transaction = owned(platform, call).await?;
    let is_open = transaction
        .query_one(
            "SELECT 1 FROM github_call WHERE run_id = ?1 AND key = ?2 AND answer IS NULL",
            vec![(&call.run.id).into(), (&call.key).into()],
        )
        .await
        .map_err(database)?
        .is_some();
    if !is_open {
        return Err(WorkspaceError::unavailable(
            "call_under_way",
            "the same call was carried out elsewhere meanwhile; repeat it to learn its outcome",
        ));
    }
    Ok(transaction)
}

/// Notes how far a call has come.
pub(super) async fn plan<P: Platform>(
    platform: &P,
    call: &Call,
    plan: &(impl Serialize + Sync),
) -> Result<()> {
    let transaction = guarded(platform, call).await?;
    set(&transaction, call, "plan", &json(plan)?).await?;
    transaction.commit().await.map_err(database)
}

/// Forgets how far a call has come, because it has to begin anew.
pub(super) async fn unplan<S: Statements>(statements: &S, call: &Call) -> Result<()> {
    statements
        .execute(
            "UPDATE github_call SET plan = NULL WHERE run_id = ?1 AND key = ?2",
            vec![(&call.run.id).into(), (&call.key).into()],
        )
        .await
        .map(|_| ())
        .map_err(database)
}

/// Notes the answer of a call, along with what else is done in this transaction.
pub(super) async fn answer<S: Statements>(
    statements: &S,
    call: &Call,
    answer: &Answer,
) -> Result<()> {
    set(statements, call, "answer", &json(answer)?).await
}

/// Notes the answer of a call that is not answered yet.
pub(super) async fn finish<P: Platform>(platform: &P, call: &Call, given: &Answer) -> Result<()> {
    let transaction = guarded(platform, call).await?;
    answer(&transaction, call, given).await?;
    transaction.commit().await.map_err(database)
}

/// What a plan says.
pub(super) fn planned<T: DeserializeOwned>(plan: Option<&str>) -> Result<Option<T>> {
    plan.map(serde_json::from_str)
        .transpose()
        .map_err(|error| corrupt("an earlier attempt", error))
}

async fn set<S: Statements>(statements: &S, call: &Call, column: &str, value: &str) -> Result<()> {
    let sql = format!("UPDATE github_call SET {column} = ?3 WHERE run_id = ?1 AND key = ?2");
    statements
        .execute(
            &sql,
            vec![(&call.run.id).into(), (&call.key).into(), value.into()],
        )
        .await
        .map(|_| ())
        .map_err(database)
}

fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| corrupt("this call", error))
}

/// What tells an operation from others under the same key. The text of a pull request does not: it says what the work has
/// cost so far, so a call that is repeated after a crash may bring another one.
fn identity(operation: &Operation) -> Cow<'_, Operation> {
    let mut operation = Cow::Borrowed(operation);
    if matches!(*operation, Operation::OpenPullRequest { .. })
        && let Operation::OpenPullRequest { body, .. } = operation.to_mut()
    {
        body.clear();
    }
    operation
}

fn digest(operation: &impl Serialize) -> Result<String> {
    Ok(hex::sha256(json(operation)?))
}
