use axum::extract::State;
use loom_api::{Error, Json, Page, Path, Slice, Tagged, version_of};
use loom_domain::provider::Provider;
use loom_platform::Platform;
use loom_store::provider;

/// Oldest first.
pub(crate) async fn list<P: Platform>(
    State(platform): State<P>,
    page: Page,
) -> Result<Slice<Provider>, Error> {
    let after = page.cursor::<(i64, String)>()?;
    let all = provider::list(platform.database()).await?;
    // There are few, so they are all read; the pages are for the sake of one rule for all lists.
    let rows = all
        .into_iter()
        .filter(|provider| after.as_ref().is_none_or(|after| key(provider) > *after))
        .take(page.limit() + 1)
        .collect();
    Ok(page.answer(rows, key))
}

fn key(provider: &Provider) -> (i64, String) {
    (provider.created_at.0, provider.id.clone())
}

pub(crate) async fn read<P: Platform>(
    State(platform): State<P>,
    Path(id): Path<String>,
) -> Result<Tagged<Json<Provider>>, Error> {
    Ok(tagged(provider::get(platform.database(), &id).await?))
}

/// Its version counts the settings only, and the answer also tells what the last probe said, so the `ETag` is of the
/// content.
pub(crate) fn tagged(provider: Provider) -> Tagged<Json<Provider>> {
    Tagged(version_of(&provider), Json(provider))
}
