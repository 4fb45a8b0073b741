use std::collections::HashSet;

use loom_domain::{
    bead::{BeadStatus, REQUIRES_HUMAN_TAG},
    bead_file::BeadFile,
    routing,
    time::Timestamp,
};
use serde::Serialize;

use crate::row::to_json;

/// A bead as the statements that write it read it: an entry of the array that they are given.
#[derive(Serialize)]
pub(super) struct Written<'a> {
    id: &'a str,
    kind: &'a str,
    title: &'a str,
    description: &'a str,
    status: &'static str,
    priority: i64,
    touches: String,
    context: String,
    due_at: Option<i64>,
    estimate_minutes: Option<i64>,
    assigned_to: Option<&'a str>,
    wanted_role: Option<String>,
    requires_human: bool,
    close_reason: Option<&'a str>,
    commit_id: Option<&'a str>,
    created_by: &'a str,
    created_at: i64,
    updated_at: i64,
    closed_at: Option<i64>,
    parent: Option<&'a str>,
    tags: &'a [String],
    blocked_by: &'a [String],
    related: &'a [String],
}

impl<'a> Written<'a> {
    pub(super) fn new(
        bead: &'a BeadFile,
        agents: &HashSet<String>,
        actor: &'a str,
        now: Timestamp,
    ) -> Self {
        let assigned_to = bead
            .assigned_to
            .as_deref()
            .filter(|id| agents.contains(*id));
        let mut context = bead.context.clone();
        if let Some(name) = bead.assigned_to.as_ref().filter(|_| assigned_to.is_none()) {
            context.insert("assignee".to_owned(), name.clone().into());
        }
        let wanted = routing::wanted_role(&bead.title, &bead.description, &bead.tags, false);
        let created_at = bead.created_at.unwrap_or(now);
        let updated_at = bead.updated_at.unwrap_or(now);
        let closed = bead.status == BeadStatus::Closed;
        Self {
            id: &bead.id,
            kind: &bead.kind,
            title: &bead.title,
            description: &bead.description,
            status: bead.status.as_str(),
            priority: bead.priority.number(),
            touches: to_json(&bead.touches),
            context: to_json(&context),
            due_at: bead.due_at.map(|at| at.0),
            estimate_minutes: bead.estimate_minutes,
            assigned_to,
            wanted_role: wanted.map(|wanted| wanted.role.as_str().to_owned()),
            requires_human: bead.tags.iter().any(|tag| tag == REQUIRES_HUMAN_TAG),
            close_reason: bead.close_reason.as_deref().filter(|_| closed),
            commit_id: bead.commit.as_deref(),
            created_by: bead.created_by.as_deref().unwrap_or(actor),
            created_at: created_at.0,
            updated_at: updated_at.0,
            closed_at: closed.then(|| bead.closed_at.unwrap_or(updated_at).0),
            parent: bead.parent.as_deref(),
            tags: &bead.tags,
            blocked_by: &bead.blocked_by,
            related: &bead.related,
        }
    }
}

/// The columns that come from the file, but for the id and the links.
pub(super) const FIELDS: [&str; 18] = [
    "kind",
    "title",
    "description",
    "status",
    "priority",
    "touches",
    "context",
    "due_at",
    "estimate_minutes",
    "assigned_to",
    "wanted_role",
    "requires_human",
    "close_reason",
    "commit_id",
    "created_by",
    "created_at",
    "updated_at",
    "closed_at",
];

/// The assignments of the fields that `wanted` chooses, for an `UPDATE`.
pub(crate) fn sets(wanted: impl Fn(&str) -> bool) -> String {
    let sets: Vec<String> = FIELDS
        .into_iter()
        .filter(|name| wanted(name))
        .map(|name| format!("{name} = json_extract(value, '$.{name}')"))
        .collect();
    sets.join(", ")
}
