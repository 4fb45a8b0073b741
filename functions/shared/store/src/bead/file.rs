use loom_domain::{
    Refusal,
    bead::{Bead, BeadInput, MAX_CAUSE_DEPTH, Priority, REQUIRES_HUMAN_TAG},
    event::{EventKind, NewEvent},
    id::{bead_id, bead_id_length},
    project::ProjectStatus,
    routing,
};
use loom_platform::{DatabaseError, Random, Statements};

use super::{blockers, get, unknown};
use crate::{StoreError, change::Change, project, row::to_json, workflow};

/// How many beads a root may cause (invariant I9).
const MAX_FAN_OUT: i64 = 50;
/// How many the bootstrap of a project may: its epics and stories, and what work on them brings up.
const MAX_FAN_OUT_OF_BOOTSTRAP: i64 = 250;
/// How many beads the system may file in a project within an hour (invariant I9).
const MAX_AUTO_FILED_PER_HOUR: i64 = 60;

/// Where a bead comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// For work that the system files: what it is about. While an open bead has it, that bead is returned instead.
    pub fingerprint: Option<String>,
    /// The bead whose run caused it.
    pub cause: Option<String>,
    /// The id that it has elsewhere and keeps (import).
    pub id: Option<String>,
    /// Blockers may be unknown: they block until they are known and closed (import).
    pub allow_unknown_blockers: bool,
}

/// Files a bead. The flag says whether it is new: `false` means that an open bead with the same fingerprint was there.
///
/// Refuses unknown projects, parents and blockers, cycles (with the path), and whatever would break bounded causality
/// (invariant I9).
pub async fn file<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    input: BeadInput,
    origin: Origin,
) -> Result<(Bead, bool), StoreError> {
    let input = input.checked_new()?;
    let project_id = input.project_id.clone().unwrap_or_default();
    let project = project::get(change.tx, &project_id)
        .await
        .map_err(|error| match error {
            StoreError::Refused(_) => unknown_reference("project_id", &project_id).into(),
            other => other,
        })?;
    if project.status == ProjectStatus::Closed {
        return Err(Refusal::conflict(
            "project_closed",
            format!(
                "Project {} is closed. Reopen it to file work.",
                project.name
            ),
        )
        .into());
    }
    if let Some(fingerprint) = &origin.fingerprint {
        let sql = "SELECT id FROM bead WHERE fingerprint = ?1 AND status <> 'closed'";
        if let Some(row) = change.tx.query_one(sql, vec![fingerprint.into()]).await? {
            return Ok((get(change.tx, &row.text(0)?).await?, false));
        }
        bounded_rate(change, &project_id).await?;
    }
    let (root_id, cause_depth) = causality(
        change,
        origin.cause.as_deref(),
        origin.fingerprint.is_some(),
    )
    .await?;
    if let Some(Some(parent)) = &input.parent {
        let known = get(change.tx, parent)
            .await
            .map_err(|_| unknown_reference("parent", parent))?;
        if known.project_id != project_id {
            return Err(Refusal::invalid(
                "invalid_fields",
                "The parent belongs to another project.",
            )
            .field("parent", "must be a bead of the same project")
            .into());
        }
    }
    if let Some(Some(agent)) = &input.assigned_to {
        crate::agent::get(change.tx, agent)
            .await
            .map_err(|_| unknown_reference("assigned_to", agent))?;
    }
    let blocked_by = input.blocked_by.unwrap_or_default();
    if !origin.allow_unknown_blockers {
        refuse_unknown(change.tx, "blocked_by", &blocked_by).await?;
    }
    let tags = input.tags.unwrap_or_default();
    let title = input.title.unwrap_or_default();
    let description = input.description.unwrap_or_default();
    let wanted = routing::wanted_role(&title, &description, &tags, origin.fingerprint.is_some());
    let row = change
        .tx
        .query_one(
            "UPDATE project SET bead_count = bead_count + 1 WHERE id = ?1 RETURNING bead_count",
            vec![(&project_id).into()],
        )
        .await?;
    let count = row.map_or(Ok(0), |row| row.integer(0))?;
    let sql = "INSERT INTO bead (id, project_id, kind, title, description, status, priority, parent, touches, context, \
               due_at, estimate_minutes, assigned_to, wanted_role, requires_human, created_by, fingerprint, root_id, \
               cause_depth, created_at, updated_at) \
               VALUES (?1, ?2, ?3, ?4, ?5, 'open', ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?19)";
    let mut id = String::new();
    for attempt in 0..8 {
        id = match &origin.id {
            Some(id) => id.clone(),
            None => bead_id(
                &project.bead_prefix,
                bead_id_length(count) + attempt / 2,
                &change.random.bytes(),
            ),
        };
        let parameters = vec![
            (&id).into(),
            (&project_id).into(),
            input
                .kind
                .clone()
                .unwrap_or_else(|| "task".to_owned())
                .into(),
            (&title).into(),
            (&description).into(),
            input.priority.unwrap_or(Priority::DEFAULT).number().into(),
            input.parent.clone().flatten().into(),
            to_json(&input.touches.clone().unwrap_or_default()).into(),
            to_json(&without_nulls(input.context.clone().unwrap_or_default())).into(),
            input.due_at.flatten().map(|at| at.0).into(),
            input.estimate_minutes.flatten().into(),
            input.assigned_to.clone().flatten().into(),
            wanted
                .as_ref()
                .map(|wanted| wanted.role.as_str().to_owned())
                .into(),
            tags.iter().any(|tag| tag == REQUIRES_HUMAN_TAG).into(),
            change.actor.into(),
            origin.fingerprint.clone().into(),
            root_id.clone().into(),
            cause_depth.into(),
            change.now.0.into(),
        ];
        match change.tx.execute(sql, parameters).await {
            Ok(_) => break,
            Err(DatabaseError::Constraint(text))
                if text.contains("bead.id") && origin.id.is_none() && attempt < 7 => {}
            Err(DatabaseError::Constraint(text)) if text.contains("bead.id") => {
                return Err(Refusal::conflict(
                    "bead_exists",
                    format!("There is a bead {id} already."),
                )
                .into());
            }
            Err(error) => return Err(error.into()),
        }
    }
    put_tags(change.tx, &id, &tags).await?;
    put_related(change.tx, &id, &input.related.unwrap_or_default()).await?;
    let open = blockers::replace(change.tx, &id, &blocked_by).await?;
    if open > 0 {
        change
            .tx
            .execute(
                "UPDATE bead SET open_blockers = ?2 WHERE id = ?1",
                vec![(&id).into(), open.into()],
            )
            .await?;
    }
    let bead = get(change.tx, &id).await?;
    let event = NewEvent::new(EventKind::BeadCreated)
        .project(&project_id)
        .bead(&id)
        .with("title", bead.title.clone())
        .with("type", bead.kind.clone())
        .with("priority", bead.priority.to_string())
        .with("wanted_role", bead.wanted_role.clone());
    change.event(event).await?;
    if workflow::start_matching(change, &bead).await?.is_some() {
        return Ok((get(change.tx, &id).await?, true));
    }
    Ok((bead, true))
}

/// Invariant I9: the chain of causes is short, one root causes a bounded number of beads, and nothing is filed about
/// a bead that was itself filed by the system.
async fn causality<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    cause: Option<&str>,
    auto_filed: bool,
) -> Result<(Option<String>, i64), StoreError> {
    let Some(cause) = cause else {
        return Ok((None, 0));
    };
    let cause = get(change.tx, cause).await?;
    if auto_filed && cause.fingerprint.is_some() {
        return Err(Refusal::conflict(
            "causality_about_auto_filed",
            format!("Bead {} was filed by the system itself; nothing is filed about it. Escalate to a person instead.", cause.id),
        )
        .into());
    }
    let depth = cause.cause_depth + 1;
    if depth > MAX_CAUSE_DEPTH {
        return Err(Refusal::conflict(
            "causality_depth",
            format!("Bead {} is already {} causes away from the work that a person asked for, the most that is allowed. Do the work within this bead, or escalate.", cause.id, cause.cause_depth),
        )
        .into());
    }
    let root = cause.root_id.unwrap_or(cause.id);
    let row = change
        .tx
        .query_one(
            "SELECT COUNT(*), (SELECT kind FROM bead WHERE id = ?1) FROM bead WHERE root_id = ?1",
            vec![(&root).into()],
        )
        .await?;
    let (count, kind) = match &row {
        Some(row) => (row.integer(0)?, row.optional_text(1)?),
        None => (0, None),
    };
    let most = match kind.as_deref() {
        Some("bootstrap") => MAX_FAN_OUT_OF_BOOTSTRAP,
        _ => MAX_FAN_OUT,
    };
    if count >= most {
        return Err(Refusal::conflict("causality_fan_out", format!("Work on {root} has caused {most} beads already, the most that is allowed. Escalate to a person instead.")).into());
    }
    Ok((Some(root), depth))
}

async fn bounded_rate<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project_id: &str,
) -> Result<(), StoreError> {
    let sql = "SELECT COUNT(*) FROM bead WHERE project_id = ?1 AND fingerprint IS NOT NULL AND created_at > ?2";
    let row = change
        .tx
        .query_one(
            sql,
            vec![project_id.into(), (change.now.0 - 3_600_000).into()],
        )
        .await?;
    if row.map_or(Ok(0), |row| row.integer(0))? >= MAX_AUTO_FILED_PER_HOUR {
        return Err(Refusal::conflict("auto_file_rate", format!("The system filed {MAX_AUTO_FILED_PER_HOUR} beads in this project within an hour, the most that is allowed. Look at them before more are filed.")).into());
    }
    Ok(())
}

pub(super) fn unknown_reference(field: &str, id: &str) -> Refusal {
    Refusal::invalid(
        "invalid_fields",
        format!("{field} names {id}, which does not exist."),
    )
    .field(field, format!("{id} does not exist"))
}

pub(super) async fn refuse_unknown<S: Statements>(
    tx: &S,
    field: &str,
    ids: &[String],
) -> Result<(), StoreError> {
    let unknown = unknown(tx, ids).await?;
    if unknown.is_empty() {
        Ok(())
    } else {
        Err(unknown_reference(field, &unknown.join(", ")).into())
    }
}

pub(super) async fn put_tags<S: Statements>(
    tx: &S,
    id: &str,
    tags: &[String],
) -> Result<(), StoreError> {
    tx.execute("DELETE FROM bead_tag WHERE bead_id = ?1", vec![id.into()])
        .await?;
    let sql =
        "INSERT INTO bead_tag (bead_id, position, tag) SELECT ?1, key, value FROM json_each(?2)";
    tx.execute(sql, vec![id.into(), to_json(&tags).into()])
        .await?;
    Ok(())
}

pub(super) async fn put_related<S: Statements>(
    tx: &S,
    id: &str,
    related: &[String],
) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM bead_related WHERE bead_id = ?1",
        vec![id.into()],
    )
    .await?;
    let sql = "INSERT OR IGNORE INTO bead_related (bead_id, related_id) SELECT ?1, value FROM json_each(?2)";
    tx.execute(sql, vec![id.into(), to_json(&related).into()])
        .await?;
    Ok(())
}

pub(super) fn without_nulls(
    mut context: std::collections::BTreeMap<String, serde_json::Value>,
) -> std::collections::BTreeMap<String, serde_json::Value> {
    context.retain(|_, value| !value.is_null());
    context
}
