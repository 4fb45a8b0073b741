//! Providers.

use loom_domain::{
    Refusal,
    event::{EventKind, NewEvent},
    provider::{Provider, ProviderStatus, heartbeat_interval},
};
use loom_platform::{DatabaseError, Random, Row, Statements, Value};

use crate::{
    StoreError,
    change::{Change, NOW},
    row::{optional_time, time, word},
};

const COLUMNS: &str = "id, name, kind, endpoint, model, context_window, prompt_price_micro_usd, \
    completion_price_micro_usd, status, last_error, last_heartbeat_at, next_heartbeat_at, failures, version, \
    created_at, updated_at";

/// The provider `id`, or a refusal that says how to find one.
pub async fn get<S: Statements>(statements: &S, id: &str) -> Result<Provider, StoreError> {
    find(statements, id).await?.ok_or_else(|| {
        Refusal::not_found(
            "provider_not_found",
            format!("There is no provider {id}. GET /api/v1/providers lists them."),
        )
        .into()
    })
}

/// The provider `id`, if it exists.
pub async fn find<S: Statements>(statements: &S, id: &str) -> Result<Option<Provider>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM provider WHERE id = ?1");
    statements
        .query_one(&sql, vec![id.into()])
        .await?
        .as_ref()
        .map(from_row)
        .transpose()
}

/// All providers, oldest first; there are few.
pub async fn list<S: Statements>(statements: &S) -> Result<Vec<Provider>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM provider ORDER BY created_at, id");
    statements
        .query(&sql, vec![])
        .await?
        .iter()
        .map(from_row)
        .collect()
}

/// The provider that an agent without one calls: the healthy one that was registered first.
pub async fn first_healthy<S: Statements>(statements: &S) -> Result<Option<Provider>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM provider WHERE status = 'healthy' ORDER BY created_at, id LIMIT 1"
    );
    statements
        .query_one(&sql, vec![])
        .await?
        .as_ref()
        .map(from_row)
        .transpose()
}

/// The providers whose probe is due at `now`: a new one always is, whenever it was registered.
pub async fn due<S: Statements>(statements: &S, now: i64) -> Result<Vec<Provider>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM provider WHERE next_heartbeat_at <= ?1 ORDER BY next_heartbeat_at LIMIT 50"
    );
    statements
        .query(&sql, vec![now.into()])
        .await?
        .iter()
        .map(from_row)
        .collect()
}

/// How much earlier than planned a probe may be, in milliseconds: so that a schedule of the same period as the probes
/// does not find each of them just not due yet.
const EARLY: i64 = 5_000;

/// Takes the providers whose probe is due: each caller gets only those that no other took, and has `hold_ms` to record
/// what it found before they are due again.
pub async fn take_due<S: Statements>(
    statements: &S,
    hold_ms: i64,
) -> Result<Vec<Provider>, StoreError> {
    let sql = format!(
        "UPDATE provider SET next_heartbeat_at = {NOW} + ?2 WHERE id IN \
         (SELECT id FROM provider WHERE next_heartbeat_at <= {NOW} + ?1 ORDER BY next_heartbeat_at LIMIT 50) RETURNING {COLUMNS}"
    );
    let rows = statements
        .query(&sql, vec![EARLY.into(), hold_ms.into()])
        .await?;
    rows.iter().map(from_row).collect()
}

/// Whether a probe is due, or no provider is registered yet: one indexed read.
pub async fn any_due<S: Statements>(statements: &S) -> Result<bool, StoreError> {
    let sql = format!(
        "SELECT EXISTS (SELECT 1 FROM provider WHERE next_heartbeat_at <= {NOW}) OR NOT EXISTS (SELECT 1 FROM provider)"
    );
    let row = statements.query_one(&sql, vec![]).await?;
    row.map_or(Ok(false), |row| Ok(row.boolean(0)?))
}

/// Registers a provider; its id must be free.
pub async fn register<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    mut provider: Provider,
) -> Result<Provider, StoreError> {
    provider.created_at = change.now;
    provider.updated_at = change.now;
    let sql = "INSERT INTO provider (id, name, kind, endpoint, model, context_window, prompt_price_micro_usd, \
               completion_price_micro_usd, status, last_error, last_heartbeat_at, next_heartbeat_at, failures, version, \
               created_at, updated_at) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)";
    change
        .tx
        .execute(sql, parameters(&provider))
        .await
        .map_err(|error| match &error {
            DatabaseError::Constraint(text) if text.contains("provider.id") => {
                StoreError::from(Refusal::conflict(
                    "provider_exists",
                    format!(
                        "A provider {} exists already. Change it with PUT /api/v1/providers/{}.",
                        provider.id, provider.id
                    ),
                ))
            }
            _ => error.into(),
        })?;
    event(change, EventKind::ProviderRegistered, &provider).await?;
    Ok(provider)
}

/// Replaces a provider's settings by those of `provider`, whose version must be the one in the database.
pub async fn update<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    mut provider: Provider,
) -> Result<Provider, StoreError> {
    let expected = provider.version;
    provider.version += 1;
    provider.updated_at = change.now;
    let mut values = parameters(&provider);
    values.push(expected.into());
    let sql = "UPDATE provider SET name = ?2, kind = ?3, endpoint = ?4, model = ?5, context_window = ?6, \
               prompt_price_micro_usd = ?7, completion_price_micro_usd = ?8, status = ?9, last_error = ?10, \
               last_heartbeat_at = ?11, next_heartbeat_at = ?12, failures = ?13, version = ?14, created_at = ?15, \
               updated_at = ?16 WHERE id = ?1 AND version = ?17";
    if change.tx.execute(sql, values).await? == 0 {
        return Err(Refusal::conflict(
            "version_conflict",
            format!("Provider {} was changed by somebody else in the meantime. Read it again and repeat your change.", provider.id),
        )
        .into());
    }
    event(change, EventKind::ProviderUpdated, &provider).await?;
    Ok(provider)
}

/// Removes a provider.
pub async fn delete<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    id: &str,
) -> Result<(), StoreError> {
    let provider = get(change.tx, id).await?;
    change
        .tx
        .execute(
            "UPDATE agent SET provider_id = NULL WHERE provider_id = ?1",
            vec![id.into()],
        )
        .await?;
    change
        .tx
        .execute("DELETE FROM provider WHERE id = ?1", vec![id.into()])
        .await?;
    event(change, EventKind::ProviderDeleted, &provider).await?;
    Ok(())
}

/// What a probe found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    /// It answered; the model's window in tokens, when it tells.
    Healthy {
        /// Of the provider's model, or the smallest of all.
        context_window: Option<i64>,
    },
    /// It did not.
    Failed {
        /// Why.
        error: String,
    },
}

/// Records a probe and when the next is due. The event is recorded only when the status changes.
///
/// An answer for an endpoint that was changed meanwhile is dropped.
pub async fn record_probe<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    provider: &Provider,
    probe: Probe,
) -> Result<(), StoreError> {
    let (status, error, window, failures) = match probe {
        Probe::Healthy { context_window } => (ProviderStatus::Healthy, None, context_window, 0),
        Probe::Failed { error } => (
            ProviderStatus::Failed,
            Some(error),
            None,
            provider.failures + 1,
        ),
    };
    let next = change.now.0 + heartbeat_interval(failures);
    let changed = change
        .tx
        .execute(
            "UPDATE provider SET status = ?3, last_error = ?4, context_window = COALESCE(?5, context_window), \
             failures = ?6, last_heartbeat_at = ?7, next_heartbeat_at = ?8 WHERE id = ?1 AND endpoint = ?2",
            vec![
                (&provider.id).into(),
                (&provider.endpoint).into(),
                status.as_str().into(),
                error.clone().into(),
                window.into(),
                failures.into(),
                change.now.0.into(),
                next.into(),
            ],
        )
        .await?;
    if changed > 0 && status != provider.status {
        let updated = Provider {
            status,
            last_error: error,
            ..provider.clone()
        };
        event(change, EventKind::ProviderUpdated, &updated).await?;
    }
    Ok(())
}

async fn event<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    kind: EventKind,
    provider: &Provider,
) -> Result<(), StoreError> {
    let event = NewEvent::new(kind)
        .with("provider_id", provider.id.clone())
        .with("name", provider.name.clone())
        .with("endpoint", provider.endpoint.clone())
        .with("status", provider.status.as_str())
        .with("error", provider.last_error.clone());
    change.event(event).await?;
    Ok(())
}

fn parameters(provider: &Provider) -> Vec<Value> {
    vec![
        (&provider.id).into(),
        (&provider.name).into(),
        (&provider.kind).into(),
        (&provider.endpoint).into(),
        provider.model.as_ref().into(),
        provider.context_window.into(),
        provider.prompt_price_micro_usd.into(),
        provider.completion_price_micro_usd.into(),
        provider.status.as_str().into(),
        provider.last_error.as_ref().into(),
        provider.last_heartbeat_at.map(|at| at.0).into(),
        provider.next_heartbeat_at.0.into(),
        provider.failures.into(),
        provider.version.into(),
        provider.created_at.0.into(),
        provider.updated_at.0.into(),
    ]
}

fn from_row(row: &Row) -> Result<Provider, StoreError> {
    Ok(Provider {
        id: row.text(0)?,
        name: row.text(1)?,
        kind: row.text(2)?,
        endpoint: row.text(3)?,
        model: row.optional_text(4)?,
        context_window: row.integer(5)?,
        prompt_price_micro_usd: row.integer(6)?,
        completion_price_micro_usd: row.integer(7)?,
        status: word(row, 8, ProviderStatus::parse)?,
        last_error: row.optional_text(9)?,
        last_heartbeat_at: optional_time(row, 10)?,
        next_heartbeat_at: time(row, 11)?,
        failures: row.integer(12)?,
        version: row.integer(13)?,
        created_at: time(row, 14)?,
        updated_at: time(row, 15)?,
    })
}
