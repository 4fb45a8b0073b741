//! What requests with an `Idempotency-Key` were answered, so that a repetition is answered the same.

use loom_platform::{Statements, Value};

use crate::StoreError;

/// What makes two requests the same one.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Who asks.
    pub caller_id: &'a str,
    /// The client's key.
    pub key: &'a str,
    /// The HTTP method.
    pub method: &'a str,
    /// Path and query.
    pub path: &'a str,
    /// SHA-256 of the body.
    pub body_digest: &'a [u8; 32],
}

impl Request<'_> {
    fn name(&self) -> Vec<Value> {
        vec![
            self.caller_id.into(),
            self.key.into(),
            self.method.into(),
            self.path.into(),
        ]
    }
}

/// An answer that was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: i64,
    /// The headers worth keeping, as JSON.
    pub headers: String,
    /// The body; `None` when it held a secret and was not kept.
    pub body: Option<Vec<u8>>,
}

/// Whether a request may be carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// It is new: carry it out, then [`finish`] or [`release`] it.
    New,
    /// It was carried out.
    Answered(Answer),
    /// It is being carried out, and may be repeated at that time.
    InProgress(i64),
    /// The key was used for a request with another body.
    OtherBody,
}

/// Takes the right to carry out a request until `expires_at`, unless another `holder` has it or the answer is there.
///
/// One conditional statement decides. A record whose time is over counts as absent, so a crash does not lock a key
/// for good.
pub async fn begin<S: Statements>(
    s: &S,
    request: Request<'_>,
    holder: &str,
    now: i64,
    expires_at: i64,
) -> Result<Begun, StoreError> {
    let sql = "INSERT INTO idempotency_record (caller_id, key, method, path, body_digest, holder, expires_at) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (caller_id, key, method, path) DO UPDATE SET \
               body_digest = ?5, holder = ?6, status = NULL, headers = NULL, body = NULL, expires_at = ?7 \
               WHERE idempotency_record.expires_at <= ?8";
    let mut parameters = request.name();
    parameters.extend([
        request.body_digest.to_vec().into(),
        holder.into(),
        expires_at.into(),
        now.into(),
    ]);
    if s.execute(sql, parameters).await? == 1 {
        return Ok(Begun::New);
    }
    let sql = "SELECT body_digest, status, headers, body, expires_at FROM idempotency_record \
               WHERE caller_id = ?1 AND key = ?2 AND method = ?3 AND path = ?4";
    let Some(row) = s.query_one(sql, request.name()).await? else {
        return Ok(Begun::InProgress(now)); // released between the two statements: the client repeats at once
    };
    if row.blob(0)? != request.body_digest {
        return Ok(Begun::OtherBody);
    }
    let Some(status) = row.optional_integer(1)? else {
        return Ok(Begun::InProgress(row.integer(4)?));
    };
    let body = match row.0.get(3) {
        Some(Value::Blob(body)) => Some(body.clone()),
        _ => None,
    };
    Ok(Begun::Answered(Answer {
        status,
        headers: row.optional_text(2)?.unwrap_or_default(),
        body,
    }))
}

/// Keeps the answer until `expires_at`, unless the holder's time ran out and another took over.
pub async fn finish<S: Statements>(
    s: &S,
    request: Request<'_>,
    holder: &str,
    answer: Answer,
    expires_at: i64,
) -> Result<(), StoreError> {
    let sql = "UPDATE idempotency_record SET status = ?6, headers = ?7, body = ?8, expires_at = ?9 \
               WHERE caller_id = ?1 AND key = ?2 AND method = ?3 AND path = ?4 AND holder = ?5 AND status IS NULL";
    let mut parameters = request.name();
    parameters.extend([
        holder.into(),
        answer.status.into(),
        answer.headers.into(),
        answer.body.into(),
        expires_at.into(),
    ]);
    s.execute(sql, parameters).await?;
    Ok(())
}

/// Gives the right back, so that the request can be repeated.
pub async fn release<S: Statements>(
    s: &S,
    request: Request<'_>,
    holder: &str,
) -> Result<(), StoreError> {
    let sql = "DELETE FROM idempotency_record \
               WHERE caller_id = ?1 AND key = ?2 AND method = ?3 AND path = ?4 AND holder = ?5 AND status IS NULL";
    let mut parameters = request.name();
    parameters.push(holder.into());
    s.execute(sql, parameters).await?;
    Ok(())
}

/// Deletes a bounded number of records whose time is over.
pub async fn sweep<S: Statements>(s: &S, now: i64) -> Result<(), StoreError> {
    let sql = "DELETE FROM idempotency_record WHERE (caller_id, key, method, path) IN \
               (SELECT caller_id, key, method, path FROM idempotency_record WHERE expires_at <= ?1 LIMIT 20)";
    s.execute(sql, vec![now.into()]).await?;
    Ok(())
}
