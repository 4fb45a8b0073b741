//! Whether anything is going on, and when it will be.

use loom_platform::{Platform, Statements, native::simulation::SimPlatform};

/// What a world would do if nobody intervened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// Somebody works, or can begin to, or a person is asked.
    Busy,
    /// Nothing happens before a timer is due, in so many milliseconds.
    Until(i64),
    /// Nothing happens any more.
    Still,
}

/// The pace at this moment. `people` says whether they answer what is asked.
pub(super) async fn pace(observer: &SimPlatform, people: bool) -> Pace {
    let sql = "SELECT \
        (SELECT COUNT(*) FROM run WHERE status IN ('queued', 'running') OR (status = 'waiting' AND resumable_at IS NOT NULL)) \
        + (SELECT COUNT(*) FROM bead WHERE status = 'open' AND open_blockers = 0 AND open_decisions = 0 AND requires_human = 0 \
           AND retry_at IS NULL AND NOT EXISTS (SELECT 1 FROM budget WHERE scope = 'project' AND subject = bead.project_id \
           AND is_withheld = 1) AND NOT EXISTS (SELECT 1 FROM decision WHERE status = 'open' \
           AND fingerprint = 'budget:project:' || bead.project_id)) \
        + (SELECT COUNT(*) FROM decision WHERE status = 'open') * ?1, \
        (SELECT MIN(due_at) FROM timer WHERE (kind <> 'decision_deadline' OR ?1 = 0) AND NOT (kind = 'workflow_node' AND EXISTS \
         (SELECT 1 FROM workflow_execution JOIN bead ON bead.id = bead_id JOIN sim_node ON sim_node.workflow_id = workflow_execution.workflow_id \
         AND sim_node.version = workflow_version AND sim_node.node = workflow_execution.node \
         WHERE workflow_execution.id = substr(subject, 1, 36) AND bead.status = 'blocked' AND open_decisions = 0 AND sim_node.type <> 'wait'))), \
        CAST(unixepoch('subsec') * 1000 AS INTEGER)";
    let row = observer
        .database()
        .query_one(sql, vec![people.into()])
        .await
        .unwrap()
        .unwrap();
    let now = row.integer(2).unwrap();
    match (row.integer(0).unwrap(), row.optional_integer(1).unwrap()) {
        (0, None) => Pace::Still,
        (0, Some(due)) => Pace::Until((due - now).max(0)),
        _ => Pace::Busy,
    }
}
