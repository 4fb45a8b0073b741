use axum::extract::State;
use loom_api::{Error, Json};
use loom_domain::{
    motivation::built_in,
    role::{KNOWN, Role},
};
use loom_platform::Platform;
use serde::Serialize;

#[derive(Debug, Serialize)]
pub(crate) struct RoleEntry {
    /// The canonical spelling.
    role: &'static str,
    display_name: &'static str,
    /// Other spellings that are read as it.
    aliases: &'static [&'static str],
    /// Whether a person sits there, and no agent.
    is_human_seat: bool,
    /// The templates that Loom ships for it.
    templates: Vec<&'static str>,
}

/// Every role that Loom knows.
pub(crate) async fn roles<P: Platform>(State(_): State<P>) -> Result<Json<Vec<RoleEntry>>, Error> {
    let entries = KNOWN.iter().map(|known| RoleEntry {
        role: known.name,
        display_name: known.display,
        aliases: known.aliases,
        is_human_seat: Role::parse(known.name).is_ok_and(|role| role.is_human_seat()),
        templates: built_in::all()
            .filter(|template| template.role == known.name)
            .map(|template| template.id)
            .collect(),
    });
    Ok(Json(entries.collect()))
}
