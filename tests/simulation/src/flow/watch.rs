//! What must hold of executions and decisions at every moment: triggers that look at each claim, and questions about the
//! database that must have no answer.

use loom_platform::{DatabaseError, Statements};

/// The nodes of all workflows, so that SQL need not read definitions again and again.
pub(crate) const NODES: &str = "INSERT OR IGNORE INTO sim_node SELECT workflow.id, version, json_extract(node.value, '$.node_key'), \
    json_extract(node.value, '$.node_type'), json_extract(node.value, '$.role_required'), \
    json_extract(node.value, '$.wait'), \
    COALESCE(json_extract(node.value, '$.wait.timer_minutes'), json_extract(node.value, '$.timeout_minutes'), 0) \
    FROM workflow, json_each(definition, '$.nodes') AS node";

/// Where a live execution stands that lets nobody work.
const NOBODY_WORKS: &str = "(workflow_execution.status = 'escalated' OR json_extract(state, '$.is_paused') \
    OR sim_node.type = 'wait' OR (sim_node.type IN ('approval', 'verify') AND sim_node.role = 'ceo'))";

const AT_NODE: &str = "workflow_execution JOIN sim_node ON sim_node.workflow_id = workflow_execution.workflow_id \
    AND sim_node.version = workflow_version AND sim_node.node = workflow_execution.node";

/// Created with the schema, beside those of the other kind.
pub(crate) const TRIGGERS: &[&str] = &[
    "CREATE TABLE sim_node (workflow_id TEXT NOT NULL, version INTEGER NOT NULL, node TEXT NOT NULL, type TEXT NOT NULL, \
     role TEXT, wait TEXT, minutes INTEGER NOT NULL, PRIMARY KEY (workflow_id, version, node)) WITHOUT ROWID",
    "CREATE TRIGGER sim_question AFTER INSERT ON decision BEGIN INSERT INTO sim_wrong \
     SELECT 'question: ' || fingerprint || ' was open ' || COUNT(*) || ' times' FROM decision \
     WHERE fingerprint = NEW.fingerprint AND status = 'open' GROUP BY fingerprint HAVING COUNT(*) > 1; END",
    // What people say of beads beside their answers: `open` and `closed` release what is held, `blocked` holds.
    "CREATE TABLE sim_word (sequence INTEGER PRIMARY KEY, bead_id TEXT NOT NULL, word TEXT NOT NULL, at INTEGER NOT NULL)",
    "CREATE INDEX sim_word_of_bead ON sim_word (bead_id, at)",
    // The beads that a person keeps blocked, by the answers and the words alone: those of a dangerous question until
    // that is allowed, or a person says otherwise later, by a word or an answer to what was asked since; and those that a
    // person blocked, until a person says anything else.
    "CREATE VIEW sim_held AS SELECT bead_id, what FROM ( \
     SELECT bead_id, 'decision ' || id AS what, COALESCE(decided_at, created_at) AS since, status = 'open' AS is_open, \
     COALESCE(decided_at, created_at) AS asked_since FROM decision WHERE kind = 'high_risk' \
     AND (status IN ('open', 'expired') OR decision = 'needs_more_info') \
     UNION ALL SELECT bead_id, 'a person', at, 0, 0 FROM sim_word WHERE word = 'blocked') AS held \
     WHERE NOT EXISTS (SELECT 1 FROM sim_word WHERE sim_word.bead_id = held.bead_id AND word <> 'blocked' AND at >= since) \
     AND (is_open OR NOT EXISTS (SELECT 1 FROM decision WHERE decision.bead_id = held.bead_id AND decider = 'person' \
     AND decided_at >= since AND created_at >= asked_since AND CASE kind \
     WHEN 'high_risk' THEN decision NOT IN ('deny', 'needs_more_info') \
     WHEN 'budget_override' THEN decision = 'approve' \
     ELSE kind IN ('escalation', 'attempts_exhausted') AND decision <> 'approve' END))",
    // Nothing that is held is dispatched.
    "CREATE TRIGGER sim_claim AFTER INSERT ON run BEGIN \
     INSERT INTO sim_wrong SELECT 'held: run ' || NEW.id || ' was opened for bead ' || id || ', which ' || open_decisions || \
     ' decisions hold' FROM bead WHERE id = NEW.bead_id AND open_decisions > 0; \
     INSERT INTO sim_wrong SELECT 'held: run ' || NEW.id || ' was opened for bead ' || bead_id || ', whose execution ' || \
     workflow_execution.id || ' is ' || workflow_execution.status || \
     CASE WHEN json_extract(state, '$.is_paused') THEN ', paused' ELSE '' END || ' at ' || workflow_execution.node \
     FROM workflow_execution JOIN sim_node ON sim_node.workflow_id = workflow_execution.workflow_id \
     AND sim_node.version = workflow_version AND sim_node.node = workflow_execution.node \
     WHERE bead_id = NEW.bead_id AND workflow_execution.status IN ('active', 'escalated') AND \
     (workflow_execution.status = 'escalated' OR json_extract(state, '$.is_paused') OR sim_node.type = 'wait' \
     OR (sim_node.type IN ('approval', 'verify') AND sim_node.role = 'ceo')); \
     INSERT INTO sim_wrong SELECT 'held: run ' || NEW.id || ' was opened for bead ' || bead_id || ', which ' || what || ' keeps blocked' \
     FROM sim_held WHERE bead_id = NEW.bead_id; \
     INSERT INTO sim_wrong SELECT 'author: run ' || NEW.id || ' judges at ' || workflow_execution.node || ' what its own agent did' \
     FROM workflow_execution JOIN sim_node ON sim_node.workflow_id = workflow_execution.workflow_id \
     AND sim_node.version = workflow_version AND sim_node.node = workflow_execution.node \
     WHERE bead_id = NEW.bead_id AND workflow_execution.status = 'active' AND sim_node.type IN ('approval', 'verify') \
     AND NEW.agent_id = (SELECT json_extract(record, '$.agent_id') FROM workflow_history WHERE execution_id = workflow_execution.id \
     AND json_extract(record, '$.type') IN ('advanced', 'escalated') AND json_extract(record, '$.outcome') IN ('success', 'failure') \
     AND json_extract(record, '$.agent_id') IS NOT NULL ORDER BY workflow_history.version DESC LIMIT 1); END",
];

/// What is wrong with the state of the database at this moment, with the invariant's name in front.
pub(crate) async fn wrong<S: Statements>(database: &S) -> Result<Vec<String>, DatabaseError> {
    let live = "workflow_execution.status IN ('active', 'escalated')";
    let stay = "'workflow:' || workflow_execution.id || ':' || json_extract(state, '$.stay')";
    let timer = "'workflow_node' AND subject = workflow_execution.id || ':' || json_extract(state, '$.stay')";
    let works = "workflow_execution.status = 'active' AND NOT json_extract(state, '$.is_paused')";
    let sql = format!(
        "SELECT 'execution: bead ' || bead_id || ' follows ' || COUNT(*) || ' executions' FROM workflow_execution \
           WHERE {live} GROUP BY bead_id HAVING COUNT(*) > 1 \
         UNION ALL SELECT 'execution: ' || workflow_execution.id || ' is ' || workflow_execution.status || ' and its bead ' || bead.id || \
           ' (' || bead.status || ') names ' || COALESCE(execution_id, 'none') \
           FROM workflow_execution JOIN bead ON bead.id = bead_id WHERE {live} \
           AND (bead.execution_id IS NOT workflow_execution.id OR bead.status = 'closed') \
         UNION ALL SELECT 'execution: bead ' || bead.id || ' names ' || execution_id || ', which is ' || \
           COALESCE(workflow_execution.status, 'unknown') FROM bead LEFT JOIN workflow_execution ON workflow_execution.id = execution_id \
           WHERE execution_id IS NOT NULL AND (workflow_execution.id IS NULL OR NOT {live}) \
         UNION ALL SELECT 'history: ' || id || ' is at version ' || version || ' and has ' || count || ' records up to ' || COALESCE(most, 0) \
           FROM (SELECT id, version, (SELECT COUNT(*) FROM workflow_history WHERE execution_id = id) AS count, \
           (SELECT MAX(version) FROM workflow_history WHERE execution_id = id) AS most FROM workflow_execution) \
           WHERE version IS NOT count OR version IS NOT most \
         UNION ALL SELECT 'question: bead ' || bead.id || ' counts ' || open_decisions || ' decisions, there are ' || COUNT(decision.id) \
           FROM bead LEFT JOIN decision ON decision.bead_id = bead.id AND decision.status = 'open' \
           GROUP BY bead.id HAVING open_decisions <> COUNT(decision.id) \
         UNION ALL SELECT 'question: ' || fingerprint || ' is open ' || COUNT(*) || ' times' FROM decision \
           WHERE status = 'open' GROUP BY fingerprint HAVING COUNT(*) > 1 \
         UNION ALL SELECT 'question: decision ' || id || ' (' || fingerprint || ') is open and has no deadline' FROM decision \
           WHERE status = 'open' AND NOT EXISTS (SELECT 1 FROM timer WHERE timer.kind = 'decision_deadline' AND subject = decision.id) \
         UNION ALL SELECT 'question: ' || fingerprint || ' is open, and its execution is ' || workflow_execution.status || ' at ' || \
           workflow_execution.node || ' in stay ' || json_extract(state, '$.stay') \
           FROM decision JOIN workflow_execution ON workflow_execution.id = execution_id WHERE decision.status = 'open' \
           AND CASE decision.kind WHEN 'workflow_escalation' THEN workflow_execution.status <> 'escalated' \
           ELSE NOT ({works}) OR fingerprint <> {stay} END \
         UNION ALL SELECT 'held: bead ' || bead.id || ' is ' || bead.status || ' and run ' || run.id || ' is ' || run.status \
           FROM run JOIN bead ON bead.id = run.bead_id WHERE run.status IN ('queued', 'running', 'waiting') AND bead.status <> 'in_progress' \
         UNION ALL SELECT 'held: bead ' || bead.id || ' is open although ' || what || ' keeps it blocked' \
           FROM sim_held JOIN bead ON bead.id = bead_id WHERE bead.status = 'open' \
         UNION ALL SELECT 'held: run ' || run.id || ' is ' || run.status || ' although decision ' || fingerprint || ' holds its bead' \
           FROM run JOIN decision ON decision.bead_id = run.bead_id AND decision.status = 'open' AND decision.kind <> 'question' \
           WHERE run.status IN ('queued', 'running', 'waiting') \
         UNION ALL SELECT 'held: run ' || run.id || ' is ' || run.status || ' although execution ' || workflow_execution.id || ' is ' || \
           workflow_execution.status || ' at ' || workflow_execution.node FROM {AT_NODE} JOIN run ON run.bead_id = workflow_execution.bead_id \
           WHERE {live} AND run.status IN ('queued', 'running', 'waiting') AND {NOBODY_WORKS} AND NOT json_extract(state, '$.is_paused') \
         UNION ALL SELECT 'way on: ' || workflow_execution.id || ' is at ' || workflow_execution.node || ' for at most ' || minutes || \
           ' minutes and has no timer' FROM {AT_NODE} WHERE {works} AND minutes > 0 \
           AND NOT EXISTS (SELECT 1 FROM timer WHERE timer.kind = {timer}) \
           AND NOT EXISTS (SELECT 1 FROM decision WHERE decision.status = 'open' AND fingerprint = {stay}) \
         UNION ALL SELECT 'way on: ' || workflow_execution.id || ' waits for ' || wait || ' at ' || workflow_execution.node || \
           ', which is there' FROM {AT_NODE} WHERE {works} AND sim_node.type = 'wait' \
           AND (json_extract(state, '$.signals.' || json_extract(wait, '$.signal')) IS NOT NULL \
           OR (json_extract(wait, '$.children') AND EXISTS (SELECT 1 FROM bead WHERE parent = bead_id AND deleted_at IS NULL) \
           AND NOT EXISTS (SELECT 1 FROM bead WHERE parent = bead_id AND deleted_at IS NULL AND status <> 'closed'))) \
         UNION ALL SELECT 'way on: ' || workflow_execution.id || ' waits for a person at ' || workflow_execution.node || \
           ' and nobody is asked' FROM {AT_NODE} WHERE {works} AND sim_node.type IN ('approval', 'verify') AND role = 'ceo' \
           AND NOT EXISTS (SELECT 1 FROM decision WHERE decision.status = 'open' AND fingerprint = {stay}) \
         UNION ALL SELECT 'way on: ' || workflow_execution.id || ' is escalated and nobody is or was asked' FROM workflow_execution \
           WHERE workflow_execution.status = 'escalated' AND NOT EXISTS (SELECT 1 FROM decision \
           WHERE fingerprint = 'workflow-escalation:' || workflow_execution.id AND decision.status IN ('open', 'expired')) \
         UNION ALL SELECT 'way on: ' || workflow_execution.id || ' is at ' || workflow_execution.node || ', its bead ' || bead.id || \
           ' is blocked and nobody is or was asked' FROM {AT_NODE} JOIN bead ON bead.id = bead_id WHERE {works} AND bead.status = 'blocked' \
           AND sim_node.type <> 'wait' AND json_extract(context, '$.held_by_plan') IS NULL \
           AND NOT EXISTS (SELECT 1 FROM decision WHERE decision.bead_id = bead.id AND (decision.status IN ('open', 'expired') \
           OR decision.kind IN ('high_risk', 'budget_override'))) \
           AND NOT EXISTS (SELECT 1 FROM sim_word WHERE sim_word.bead_id = bead.id AND word = 'blocked') \
         UNION ALL SELECT 'way on: the timer of ' || subject || ' is left over' FROM timer WHERE kind = 'workflow_node' \
           AND NOT EXISTS (SELECT 1 FROM workflow_execution WHERE {works} AND timer.kind = {timer})"
    );
    let rows = database.query(&sql, vec![]).await?;
    rows.iter().map(|row| row.text(0)).collect()
}
