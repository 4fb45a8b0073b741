use std::collections::{BTreeMap, HashMap, HashSet};

use loom_domain::{
    Refusal,
    bead::{BeadStatus, Priority, REQUIRES_HUMAN_TAG},
    bead_file::{BeadFile, FileComment, LineError},
    event::{EventKind, NewEvent},
    project::{Project, ProjectStatus},
    routing,
    time::Timestamp,
};
use loom_platform::{DatabaseError, Random, Statements, Value};
use serde::Serialize;
use serde_json::json;

use super::cycle::find_cycle;
use crate::{
    StoreError, agent,
    change::Change,
    decision, event,
    row::{time, to_json, word},
    run,
};

/// How many beads one statement writes.
const CHUNK: usize = 500;
/// How many mistakes are told at once.
const MOST_ERRORS: usize = 100;

/// A bead that comes from elsewhere, its fields checked one by one.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportedBead {
    /// The line of the file that it comes from, from 1.
    pub line: usize,
    /// The id that it has and keeps.
    pub id: String,
    /// See [`Bead::kind`](loom_domain::bead::Bead::kind).
    pub kind: String,
    /// One line.
    pub title: String,
    /// Everything else.
    pub description: String,
    /// Where it stands.
    pub status: BeadStatus,
    /// How urgent it is.
    pub priority: Priority,
    /// The bead that it is part of; it must be in the file or in Loom.
    pub parent: Option<String>,
    /// Labels.
    pub tags: Vec<String>,
    /// What blocks it; one that is not known blocks too.
    pub blocked_by: Vec<String>,
    /// What it has to do with.
    pub related: Vec<String>,
    /// Globs of the paths that it will change.
    pub touches: Vec<String>,
    /// Everything for which Loom has no field.
    pub context: BTreeMap<String, serde_json::Value>,
    /// When it should be done.
    pub due_at: Option<Timestamp>,
    /// How long it should take, in minutes.
    pub estimate_minutes: Option<i64>,
    /// Whom it is assigned to: kept as such when it is an agent's id, else in the context.
    pub assignee: Option<String>,
    /// Why it was closed.
    pub close_reason: Option<String>,
    /// The commit that closed it.
    pub commit: Option<String>,
    /// Who filed it; none = who imports it.
    pub created_by: Option<String>,
    /// When it was filed; none = now.
    pub created_at: Option<Timestamp>,
    /// When it last changed; none = now.
    pub updated_at: Option<Timestamp>,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    /// Its comments, oldest first.
    pub comments: Vec<FileComment>,
}

impl ImportedBead {
    /// A bead as a file has it; `line` is where it stands there.
    pub fn of(line: usize, file: BeadFile) -> Self {
        Self {
            line,
            id: file.id,
            kind: file.kind,
            title: file.title,
            description: file.description,
            status: file.status,
            priority: file.priority,
            parent: file.parent,
            tags: file.tags,
            blocked_by: file.blocked_by,
            related: file.related,
            touches: file.touches,
            context: file.context,
            due_at: file.due_at,
            estimate_minutes: file.estimate_minutes,
            assignee: file.assigned_to,
            close_reason: file.close_reason,
            commit: file.commit,
            created_by: file.created_by,
            created_at: file.created_at,
            updated_at: file.updated_at,
            closed_at: file.closed_at,
            comments: file.comments,
        }
    }
}

/// What an import did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// Beads that are new.
    pub created: usize,
    /// Beads that were there and are older than the file.
    pub updated: usize,
    /// Beads that were there and are not.
    pub unchanged: usize,
    /// Beads that were left as they are.
    pub skipped: Vec<Skipped>,
}

/// A bead that an import left as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// Its line.
    pub line: usize,
    /// The bead.
    pub id: String,
    /// Why, as a code: `has_live_run`, or `deleted` for one that the file itself says is.
    pub code: &'static str,
    /// Why, as a sentence.
    pub message: String,
}

impl Skipped {
    /// A bead that the file itself says was deleted.
    pub fn deleted(line: usize, id: String) -> Self {
        Self {
            line,
            id,
            code: "deleted",
            message: "The file says that it was deleted.".to_owned(),
        }
    }
}

/// The refusal of a whole file: nothing of it was imported. At most 100 mistakes are told, in the order of `errors`.
pub fn refuse_file(mut errors: Vec<LineError>) -> Refusal {
    let total = errors.len();
    errors.truncate(MOST_ERRORS);
    let first = errors
        .first()
        .map(|error| format!(" The first is in line {}: {}", error.line, error.message));
    let message = format!(
        "The file has {total} mistake(s), so nothing of it was imported.{}",
        first.unwrap_or_default()
    );
    Refusal::invalid("import_invalid", message)
        .detail("errors", json!(errors))
        .detail("total", total)
}

struct Known {
    project_id: String,
    status: BeadStatus,
    run_id: Option<String>,
    updated_at: Timestamp,
    deleted: bool,
    open_decisions: i64,
}

/// Imports beads into a project: all of them, or none with every mistake's line.
///
/// Ids are kept. A bead that is there already is replaced when the file's is newer, and left alone while a run works
/// on it. Refuses cycles with their path (invariant I5).
pub async fn import<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project: &Project,
    beads: Vec<ImportedBead>,
) -> Result<Imported, StoreError> {
    if project.status == ProjectStatus::Closed {
        let message = format!(
            "Project {} is closed. Reopen it to import work.",
            project.name
        );
        return Err(Refusal::conflict("project_closed", message).into());
    }
    let known = known(change.tx, &beads).await?;
    let mut errors = doubles(&beads);
    for bead in &beads {
        if known
            .get(&bead.id)
            .is_some_and(|known| known.project_id != project.id)
        {
            errors.push(wrong(
                bead.line,
                "id",
                format!("{} is a bead of another project", bead.id),
            ));
        }
    }
    errors.extend(unknown_parents(change.tx, project, &beads).await?);
    errors.extend(foreign_comments(change.tx, &beads).await?);
    if !errors.is_empty() {
        return Err(refuse_file(errors).into());
    }
    let mut report = Imported::default();
    let mut fresh = Vec::new();
    let mut newer = Vec::new();
    for bead in beads {
        match known.get(&bead.id) {
            None => fresh.push(bead),
            Some(known) => match &known.run_id {
                Some(run_id) => report.skipped.push(Skipped {
                    line: bead.line,
                    code: "has_live_run",
                    message: format!(
                        "Run {run_id} works on it. Import it again when that has ended."
                    ),
                    id: bead.id,
                }),
                None if known.updated_at >= bead.updated_at.unwrap_or(change.now)
                    && !known.deleted =>
                {
                    report.unchanged += 1;
                }
                None => newer.push(bead),
            },
        }
    }
    report.created = fresh.len();
    report.updated = newer.len();
    let applied: Vec<&ImportedBead> = fresh.iter().chain(&newer).collect();
    refuse_cycles(change.tx, &applied).await?;
    write(change, project, fresh, newer, &known).await?;
    Ok(report)
}

fn wrong(line: usize, field: &str, message: String) -> LineError {
    LineError {
        line,
        field: Some(field.to_owned()),
        message,
    }
}

fn doubles(beads: &[ImportedBead]) -> Vec<LineError> {
    let mut lines: HashMap<&str, usize> = HashMap::new();
    let mut errors = Vec::new();
    for bead in beads {
        if let Some(first) = lines.insert(&bead.id, bead.line) {
            errors.push(wrong(
                bead.line,
                "id",
                format!("{} stands in line {first} already", bead.id),
            ));
        }
    }
    errors
}

async fn known<S: Statements>(
    tx: &S,
    beads: &[ImportedBead],
) -> Result<HashMap<String, Known>, StoreError> {
    let mut known = HashMap::new();
    for chunk in beads.chunks(CHUNK) {
        let ids: Vec<&str> = chunk.iter().map(|bead| bead.id.as_str()).collect();
        let sql = "SELECT id, project_id, status, run_id, updated_at, deleted_at IS NOT NULL, open_decisions FROM bead \
                   WHERE id IN (SELECT value FROM json_each(?1))";
        for row in tx.query(sql, vec![to_json(&ids).into()]).await? {
            let found = Known {
                project_id: row.text(1)?,
                status: word(&row, 2, BeadStatus::parse)?,
                run_id: row.optional_text(3)?,
                updated_at: time(&row, 4)?,
                deleted: row.boolean(5)?,
                open_decisions: row.integer(6)?,
            };
            known.insert(row.text(0)?, found);
        }
    }
    Ok(known)
}

async fn unknown_parents<S: Statements>(
    tx: &S,
    project: &Project,
    beads: &[ImportedBead],
) -> Result<Vec<LineError>, StoreError> {
    let in_file: HashSet<&str> = beads.iter().map(|bead| bead.id.as_str()).collect();
    let elsewhere: HashSet<&str> = beads
        .iter()
        .filter_map(|bead| bead.parent.as_deref())
        .filter(|parent| !in_file.contains(parent))
        .collect();
    let sql = "SELECT id FROM bead WHERE id IN (SELECT value FROM json_each(?1)) AND project_id = ?2 AND deleted_at IS NULL";
    let rows = tx
        .query(sql, vec![to_json(&elsewhere).into(), (&project.id).into()])
        .await?;
    let mut there = HashSet::new();
    for row in &rows {
        there.insert(row.text(0)?);
    }
    let errors = beads.iter().filter_map(|bead| {
        let parent = bead.parent.as_deref()?;
        let is_there = in_file.contains(parent) || there.contains(parent);
        (!is_there).then(|| {
            let message =
                format!("the parent {parent} is neither in the file nor a bead of the project");
            wrong(bead.line, "dependencies", message)
        })
    });
    Ok(errors.collect())
}

/// A comment's id that another bead's comment has.
async fn foreign_comments<S: Statements>(
    tx: &S,
    beads: &[ImportedBead],
) -> Result<Vec<LineError>, StoreError> {
    let mut owners: HashMap<&str, &ImportedBead> = HashMap::new();
    let mut errors = Vec::new();
    let taken = |bead: &ImportedBead, id: &str| {
        wrong(
            bead.line,
            "comments",
            format!("the id {id} is that of another bead's comment"),
        )
    };
    for bead in beads {
        for comment in &bead.comments {
            match owners.insert(&comment.id, bead) {
                Some(other) if other.id != bead.id => errors.push(taken(bead, &comment.id)),
                _ => {}
            }
        }
    }
    let ids: Vec<&str> = owners.keys().copied().collect();
    for chunk in ids.chunks(CHUNK) {
        let sql = "SELECT id, bead_id FROM comment WHERE id IN (SELECT value FROM json_each(?1))";
        for row in tx.query(sql, vec![to_json(&chunk).into()]).await? {
            let (id, bead_id) = (row.text(0)?, row.text(1)?);
            if let Some(bead) = owners.get(id.as_str()).filter(|bead| bead.id != bead_id) {
                errors.push(taken(bead, &id));
            }
        }
    }
    Ok(errors)
}

/// A cycle that links would close.
pub(crate) struct Cycle {
    /// Whether it is one of parents, and not of blockers.
    pub(crate) is_of_parents: bool,
    /// From a bead back to itself.
    pub(crate) path: Vec<String>,
}

/// Looks at the links of `beads` together with those of others that are there already.
pub(crate) async fn cycle<S: Statements>(
    tx: &S,
    beads: &[&ImportedBead],
) -> Result<Option<Cycle>, StoreError> {
    let mut blockers = HashMap::new();
    let mut parents = HashMap::new();
    for bead in beads {
        blockers.insert(bead.id.clone(), bead.blocked_by.clone());
        parents.insert(bead.id.clone(), Vec::from_iter(bead.parent.clone()));
    }
    for (is_of_parents, edges, sql) in [
        (
            false,
            blockers,
            "SELECT bead_id, blocker_id FROM bead_blocker WHERE bead_id",
        ),
        (
            true,
            parents,
            "SELECT id, parent FROM bead WHERE parent IS NOT NULL AND id",
        ),
    ] {
        let edges = with_stored(tx, edges, sql).await?;
        if let Some(path) = find_cycle(beads.iter().map(|bead| bead.id.as_str()), &edges) {
            return Ok(Some(Cycle {
                is_of_parents,
                path,
            }));
        }
    }
    Ok(None)
}

/// Refuses a file whose links close a cycle, with the line of one of them.
async fn refuse_cycles<S: Statements>(tx: &S, beads: &[&ImportedBead]) -> Result<(), StoreError> {
    let Some(Cycle { path, .. }) = cycle(tx, beads).await? else {
        return Ok(());
    };
    let line = path
        .iter()
        .find_map(|id| beads.iter().find(|bead| bead.id == *id))
        .map_or(0, |bead| bead.line);
    let message = format!(
        "this closes a cycle: {}; leave out one of these links",
        path.join(" → ")
    );
    Err(refuse_file(vec![wrong(line, "dependencies", message)])
        .detail("path", path)
        .into())
}

/// Adds the stored links of everything that can be reached from `edges` and is not in it, a layer at a time.
async fn with_stored<S: Statements>(
    tx: &S,
    mut edges: HashMap<String, Vec<String>>,
    sql: &str,
) -> Result<HashMap<String, Vec<String>>, StoreError> {
    let sql = format!("{sql} IN (SELECT value FROM json_each(?1))");
    loop {
        let next: HashSet<String> = edges
            .values()
            .flatten()
            .filter(|id| !edges.contains_key(*id))
            .cloned()
            .collect();
        if next.is_empty() {
            return Ok(edges);
        }
        let rows = tx.query(&sql, vec![to_json(&next).into()]).await?;
        edges.extend(next.into_iter().map(|id| (id, Vec::new())));
        for row in &rows {
            edges.entry(row.text(0)?).or_default().push(row.text(1)?);
        }
    }
}

/// A bead as the statements below read it.
#[derive(Serialize)]
struct Written<'a> {
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
    fn new(
        bead: &'a ImportedBead,
        agents: &HashSet<String>,
        actor: &'a str,
        now: Timestamp,
    ) -> Self {
        let assigned_to = bead.assignee.as_deref().filter(|id| agents.contains(*id));
        let mut context = bead.context.clone();
        if let Some(name) = bead.assignee.as_ref().filter(|_| assigned_to.is_none()) {
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
const FIELDS: [&str; 18] = [
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

async fn write<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project: &Project,
    fresh: Vec<ImportedBead>,
    newer: Vec<ImportedBead>,
    known: &HashMap<String, Known>,
) -> Result<(), StoreError> {
    let sets = format!(
        "{}, in_review = 0, deleted_at = NULL, \
         held_by = CASE WHEN json_extract(value, '$.status') = 'blocked' THEN held_by END",
        sets(|_| true)
    );
    write_rows(change, project, &fresh, &newer, &sets).await?;
    for bead in &newer {
        if bead.status == BeadStatus::Closed {
            let reason = bead
                .close_reason
                .as_deref()
                .unwrap_or("closed by an import");
            run::wait::answered_bead(change, &bead.id, reason).await?;
        }
        let held = known
            .get(&bead.id)
            .is_some_and(|known| known.open_decisions > 0);
        if held && bead.status == BeadStatus::Closed {
            decision::withdraw(change, &bead.id, "the bead was closed by an import").await?;
        }
    }
    tell(change, project, &fresh, &newer, known).await
}

/// Writes beads that come from the repository: all of those that are new, and of the others everything but where they
/// stand. Where a bead follows a workflow, the node says whose it is. Events are the caller's.
pub(crate) async fn write_synced<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project: &Project,
    fresh: &[ImportedBead],
    changed: &[ImportedBead],
) -> Result<(), StoreError> {
    if fresh.is_empty() && changed.is_empty() {
        return Ok(());
    }
    let placing = ["status", "close_reason", "closed_at", "wanted_role"];
    let sets = format!(
        "{}, wanted_role = CASE WHEN execution_id IS NULL THEN json_extract(value, '$.wanted_role') ELSE wanted_role END",
        sets(|name| !placing.contains(&name))
    );
    write_rows(change, project, fresh, changed, &sets).await
}

/// The assignments of the fields that `wanted` chooses.
fn sets(wanted: impl Fn(&str) -> bool) -> String {
    let sets: Vec<String> = FIELDS
        .into_iter()
        .filter(|name| wanted(name))
        .map(|name| format!("{name} = json_extract(value, '$.{name}')"))
        .collect();
    sets.join(", ")
}

/// Writes the rows of beads, with their links and comments; `sets` says what of those that are there is replaced.
async fn write_rows<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project: &Project,
    fresh: &[ImportedBead],
    newer: &[ImportedBead],
    sets: &str,
) -> Result<(), StoreError> {
    let tx = change.tx;
    let agents: HashSet<String> = agent::all(tx)
        .await?
        .into_iter()
        .map(|agent| agent.id)
        .collect();
    let value = |name: &str| format!("json_extract(value, '$.{name}')");
    let columns = FIELDS.join(", ");
    let values = FIELDS.map(value).join(", ");
    let insert = format!(
        "INSERT INTO bead (id, project_id, {columns}) SELECT json_extract(value, '$.id'), ?2, {values} FROM json_each(?1)"
    );
    let update = format!(
        "UPDATE bead SET {sets}, version = version + 1 FROM json_each(?1) \
         WHERE bead.id = json_extract(value, '$.id') AND project_id = ?2"
    );
    for (beads, sql) in [(fresh, &insert), (newer, &update)] {
        for chunk in beads.chunks(CHUNK) {
            let rows: Vec<Written<'_>> = chunk
                .iter()
                .map(|bead| Written::new(bead, &agents, change.actor, change.now))
                .collect();
            tx.execute(sql, vec![to_json(&rows).into(), (&project.id).into()])
                .await
                .map_err(open_double)?;
        }
    }
    let sql = "UPDATE project SET bead_count = bead_count + ?2 WHERE id = ?1";
    let count = i64::try_from(fresh.len()).unwrap_or(i64::MAX);
    tx.execute(sql, vec![(&project.id).into(), count.into()])
        .await?;
    let all: Vec<&ImportedBead> = fresh.iter().chain(newer).collect();
    // The links only now, when every bead that they name is there.
    for chunk in all.chunks(CHUNK) {
        let rows: Vec<Written<'_>> = chunk
            .iter()
            .map(|bead| Written::new(bead, &agents, change.actor, change.now))
            .collect();
        write_links(tx, &to_json(&rows)).await?;
    }
    for chunk in all.chunks(CHUNK) {
        write_comments(change, chunk).await?;
        recount_blockers(tx, chunk).await?;
    }
    Ok(())
}

/// Two open beads about one self-filed error cannot be (invariant I9).
fn open_double(error: DatabaseError) -> StoreError {
    match &error {
        DatabaseError::Constraint(text) if text.contains("bead.fingerprint") => Refusal::conflict(
            "fingerprint_taken",
            "The file opens a bead again that the system filed itself, and another open one is about the same. \
             Leave that bead out.",
        )
        .into(),
        _ => error.into(),
    }
}

async fn write_links<S: Statements>(tx: &S, rows: &str) -> Result<(), StoreError> {
    let ids = "SELECT json_extract(value, '$.id') FROM json_each(?1)";
    let each = |list: &str| {
        format!("FROM json_each(?1) AS bead, json_each(bead.value, '$.{list}') AS item")
    };
    for sql in [
        "UPDATE bead SET parent = json_extract(value, '$.parent') FROM json_each(?1) \
         WHERE bead.id = json_extract(value, '$.id')"
            .to_owned(),
        format!("DELETE FROM bead_tag WHERE bead_id IN ({ids})"),
        format!("DELETE FROM bead_blocker WHERE bead_id IN ({ids})"),
        format!("DELETE FROM bead_related WHERE bead_id IN ({ids})"),
        format!(
            "INSERT INTO bead_tag (bead_id, position, tag) SELECT json_extract(bead.value, '$.id'), item.key, item.value {}",
            each("tags")
        ),
        format!(
            "INSERT INTO bead_blocker (bead_id, blocker_id) SELECT json_extract(bead.value, '$.id'), item.value {}",
            each("blocked_by")
        ),
        format!(
            "INSERT INTO bead_related (bead_id, related_id) SELECT json_extract(bead.value, '$.id'), item.value {}",
            each("related")
        ),
    ] {
        tx.execute(&sql, vec![rows.into()]).await?;
    }
    Ok(())
}

async fn write_comments<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    beads: &[&ImportedBead],
) -> Result<(), StoreError> {
    let rows: Vec<serde_json::Value> = beads
        .iter()
        .flat_map(|bead| {
            bead.comments.iter().map(|comment| {
                let at = comment.created_at.unwrap_or(change.now).0;
                json!([comment.id, bead.id, comment.author, comment.content, at])
            })
        })
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    let sql = "INSERT OR IGNORE INTO comment (id, bead_id, author, content, created_at) \
               SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'), \
               json_extract(value, '$[3]'), json_extract(value, '$[4]') FROM json_each(?1)";
    change.tx.execute(sql, vec![to_json(&rows).into()]).await?;
    Ok(())
}

/// Brings the counts of open blockers in step: of these beads, and of those that they block.
async fn recount_blockers<S: Statements>(
    tx: &S,
    beads: &[&ImportedBead],
) -> Result<(), StoreError> {
    let ids: Vec<&str> = beads.iter().map(|bead| bead.id.as_str()).collect();
    let open = "(SELECT COUNT(*) FROM bead_blocker LEFT JOIN bead AS blocker ON blocker.id = blocker_id \
                WHERE bead_id = bead.id AND (blocker.id IS NULL OR blocker.status <> 'closed'))";
    let ids_of = "(SELECT value FROM json_each(?1))";
    let sql = format!(
        "UPDATE bead SET open_blockers = {open}, version = version + 1 WHERE open_blockers <> {open} AND (id IN {ids_of} \
         OR id IN (SELECT bead_id FROM bead_blocker WHERE blocker_id IN {ids_of}))"
    );
    tx.execute(&sql, vec![to_json(&ids).into()]).await?;
    Ok(())
}

/// Records what happened to each bead (invariant I6).
async fn tell<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project: &Project,
    fresh: &[ImportedBead],
    newer: &[ImportedBead],
    known: &HashMap<String, Known>,
) -> Result<(), StoreError> {
    let about = |kind, bead: &ImportedBead| {
        NewEvent::new(kind)
            .project(&project.id)
            .bead(&bead.id)
            .with("imported", true)
    };
    let mut events = Vec::new();
    for bead in fresh {
        let created = about(EventKind::BeadCreated, bead)
            .with("title", bead.title.clone())
            .with("type", bead.kind.clone())
            .with("priority", bead.priority.to_string())
            .with("status", bead.status.as_str());
        events.push(created);
    }
    for bead in newer {
        events.push(about(EventKind::BeadUpdated, bead).with("title", bead.title.clone()));
        let Some(before) = known.get(&bead.id).map(|known| known.status) else {
            continue;
        };
        if before != bead.status {
            let changed = about(EventKind::BeadStatusChanged, bead)
                .with("old_status", before.as_str())
                .with("status", bead.status.as_str())
                .with("reason", "imported");
            events.push(changed);
            if bead.status == BeadStatus::Closed {
                events.push(about(EventKind::BeadCompleted, bead).with("reason", "imported"));
            }
        }
    }
    for chunk in events.chunks(CHUNK) {
        event::append_many(change.tx, change.actor, change.now, chunk).await?;
    }
    Ok(())
}

/// Up to `limit` beads of a project after the id `after`, by id: what an export is made of.
pub async fn export_page<S: Statements>(
    statements: &S,
    project_id: &str,
    after: &str,
    limit: i64,
) -> Result<Vec<loom_domain::bead::Bead>, StoreError> {
    let sql = format!(
        "SELECT {} FROM bead WHERE project_id = ?1 AND id > ?2 AND deleted_at IS NULL ORDER BY id LIMIT ?3",
        super::COLUMNS
    );
    let parameters: Vec<Value> = vec![project_id.into(), after.into(), limit.into()];
    statements
        .query(&sql, parameters)
        .await?
        .iter()
        .map(super::from_row)
        .collect()
}

/// The comments on these beads, each with its bead, oldest first.
pub async fn comments_of<S: Statements>(
    statements: &S,
    bead_ids: &[&str],
) -> Result<Vec<(String, FileComment)>, StoreError> {
    let sql = "SELECT bead_id, id, author, content, created_at FROM comment \
               WHERE bead_id IN (SELECT value FROM json_each(?1)) ORDER BY bead_id, created_at, rowid";
    let rows = statements
        .query(sql, vec![to_json(&bead_ids).into()])
        .await?;
    rows.iter()
        .map(|row| {
            let comment = FileComment {
                id: row.text(1)?,
                author: row.text(2)?,
                content: row.text(3)?,
                created_at: Some(time(row, 4)?),
            };
            Ok((row.text(0)?, comment))
        })
        .collect()
}
