use axum::extract::State;
use loom_api::{Caller, Created, Error, Json, Page, Path, Slice};
use loom_platform::{Database, Platform, Transaction};
use loom_store::{
    Change,
    bead::{self, Comment},
    knowledge,
};
use serde::Deserialize;

const LONGEST: usize = 64 * 1024;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Input {
    /// Markdown.
    content: String,
}

/// Oldest first.
pub(crate) async fn list<P: Platform>(
    State(platform): State<P>,
    Path(id): Path<String>,
    page: Page,
) -> Result<Slice<Comment>, Error> {
    bead::get(platform.database(), &id).await?;
    let after = page.cursor::<(i64, String)>()?.unwrap_or_default();
    let comments = bead::comments_page(platform.database(), &id, &after, page.fetch()).await?;
    Ok(page.answer(comments, |comment| {
        (comment.created_at.0, comment.id.clone())
    }))
}

pub(crate) async fn write<P: Platform>(
    State(platform): State<P>,
    caller: Caller,
    Path(id): Path<String>,
    Json(input): Json<Input>,
) -> Result<Created<Comment>, Error> {
    if input.content.trim().is_empty() || input.content.len() > LONGEST {
        return Err(Error::invalid_fields().field("content", "must be 1 byte to 64 KiB"));
    }
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), &caller.name).await?;
    let comment = Comment {
        id: knowledge::comment(&change, &id, &input.content, None).await?,
        author: caller.name.clone(),
        content: input.content,
        created_at: change.now,
    };
    tx.commit().await?;
    Ok(Created(format!("/api/v1/beads/{id}/comments"), comment))
}
