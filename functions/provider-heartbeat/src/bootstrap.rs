use loom_api::Error;
use loom_domain::provider::ProviderInput;
use loom_platform::{Database, Platform, Transaction, Variables};
use loom_store::{Change, provider};

/// Registers TokenHub when there is no provider at all, and says whether it did.
pub(crate) async fn bootstrap<P: Platform>(platform: &P) -> Result<bool, Error> {
    if !provider::list(platform.database()).await?.is_empty() {
        return Ok(false);
    }
    let Some(url) = platform.variables().get_optional("tokenhub_url").await? else {
        return Ok(false);
    };
    let input = ProviderInput {
        id: Some("tokenhub".to_owned()),
        name: Some("TokenHub".to_owned()),
        endpoint: Some(url),
        ..ProviderInput::default()
    };
    let new = match input.register() {
        Ok(new) => new,
        Err(refusal) => {
            let message = "the variable tokenhub_url is no address of a provider; correct it, or register one";
            let cause = format!("{:?}", refusal.fields);
            loom_api::log("error", message, [("cause", &cause)]);
            return Ok(false);
        }
    };
    let tx = platform.database().transaction().await?;
    if !provider::list(&tx).await?.is_empty() {
        // Another heartbeat, or a person, was faster.
        return Ok(false);
    }
    let change = Change::new(&tx, platform.random(), "provider-heartbeat").await?;
    provider::register(&change, new).await?;
    tx.commit().await?;
    Ok(true)
}
