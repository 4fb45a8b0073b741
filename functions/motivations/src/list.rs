use axum::extract::State;
use loom_api::{Error, Json, Paged, Path, Slice, Tagged, version_of};
use loom_domain::{
    motivation::{Motivation, MotivationKind, built_in},
    role::Role,
    time::Timestamp,
};
use loom_platform::Platform;
use loom_store::motivation::{self, MotivationFilter};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Filter {
    #[serde(rename = "type")]
    kind: Option<MotivationKind>,
    /// Any spelling of a role.
    role: Option<String>,
    /// Only of this project: templates have none.
    project_id: Option<String>,
    /// Only those that fire, or only those that don't: templates don't.
    active: Option<bool>,
    /// Only what Loom ships, or only what it doesn't.
    built_in: Option<bool>,
}

/// Templates and the motivations of projects, in the order of their ids.
pub(crate) async fn list<P: Platform>(
    State(platform): State<P>,
    Paged { page, filter }: Paged<Filter>,
) -> Result<Slice<Motivation>, Error> {
    let after = page.cursor::<String>()?.unwrap_or_default();
    let role = filter.role.as_deref().map(Role::parse_any).transpose()?;
    let wanted = MotivationFilter {
        kind: filter.kind,
        role: role.map(|role| role.as_str().to_owned()),
        project_id: filter.project_id,
        active: filter.active,
        built_in: filter.built_in,
    };
    let mut rows = motivation::list(platform.database(), &wanted, &after, page.fetch()).await?;
    rows.extend(templates(&wanted)?.into_iter().filter(|t| t.id > after));
    rows.sort_by(|a, b| a.id.cmp(&b.id));
    rows.truncate(page.limit() + 1);
    Ok(page.answer(rows, |motivation| motivation.id.clone()))
}

fn templates(wanted: &MotivationFilter) -> Result<Vec<Motivation>, Error> {
    if wanted.project_id.is_some() || wanted.active == Some(true) || wanted.built_in == Some(false)
    {
        return Ok(Vec::new());
    }
    let mut templates = Vec::new();
    for template in built_in::all() {
        let is_wanted = wanted
            .role
            .as_deref()
            .is_none_or(|role| role == template.role)
            && wanted.kind.is_none_or(|kind| template.kind() == Some(kind));
        if is_wanted {
            templates.push(template.motivation(None, Timestamp(0))?);
        }
    }
    Ok(templates)
}

pub(crate) async fn read<P: Platform>(
    State(platform): State<P>,
    Path(id): Path<String>,
) -> Result<Tagged<Json<Motivation>>, Error> {
    Ok(tagged(motivation::get(platform.database(), &id).await?))
}

/// Its version counts the settings only, and the answer also tells when it fired and fires, so the `ETag` is of the
/// content.
pub(crate) fn tagged(motivation: Motivation) -> Tagged<Json<Motivation>> {
    Tagged(version_of(&motivation), Json(motivation))
}
