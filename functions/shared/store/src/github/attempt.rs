use loom_domain::Refusal;
use loom_platform::Statements;

use crate::StoreError;

/// Does something that a rule may refuse half-way, and undoes all of it then: the refusal is told, and the rest of the
/// transaction stands.
pub(super) async fn attempt<S: Statements, T>(
    tx: &S,
    what: impl Future<Output = Result<T, StoreError>>,
) -> Result<Result<T, Refusal>, StoreError> {
    tx.execute("SAVEPOINT github_attempt", vec![]).await?;
    // A box, because what may be refused is deep: filing a bead may start a workflow, which may ask.
    let done = match Box::pin(what).await {
        Ok(value) => Ok(value),
        Err(StoreError::Refused(refusal)) => {
            tx.execute("ROLLBACK TO github_attempt", vec![]).await?;
            Err(refusal)
        }
        Err(error) => return Err(error),
    };
    tx.execute("RELEASE github_attempt", vec![]).await?;
    Ok(done)
}
