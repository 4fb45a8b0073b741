//! Triggers that note who writes what, and questions about the database that must have no answer.

use loom_platform::{DatabaseError, Statements};

/// Which task wrote what, in the order of the writes; and whatever was wrong at the moment it was written.
///
/// A trigger runs in the transaction of the statement that it watches, so what was rolled back is not in the record.
pub(crate) const TRIGGERS: &[&str] = &[
    "CREATE TABLE sim_write (sequence INTEGER PRIMARY KEY, what TEXT NOT NULL, run_id TEXT NOT NULL, step INTEGER, \
     task INTEGER NOT NULL, status TEXT NOT NULL, fence INTEGER NOT NULL)",
    "CREATE TABLE sim_wrong (what TEXT NOT NULL)",
    "CREATE TABLE sim_cap (scope TEXT NOT NULL, project_id TEXT, micro_usd INTEGER NOT NULL)",
    // A run changes hands.
    "CREATE TRIGGER sim_lease AFTER UPDATE OF status ON run WHEN NEW.status = 'running' AND OLD.status = 'queued' \
     BEGIN INSERT INTO sim_write (what, run_id, task, status, fence) \
     VALUES ('lease', NEW.id, simulated_task(), NEW.status, NEW.fence); END",
    // What a holder writes.
    "CREATE TRIGGER sim_hand_over AFTER UPDATE OF status ON run \
     WHEN NEW.status = 'queued' AND OLD.status = 'running' AND NEW.restarts = OLD.restarts \
     BEGIN INSERT INTO sim_write (what, run_id, task, status, fence) \
     VALUES ('hand over', NEW.id, simulated_task(), OLD.status, NEW.fence); END",
    "CREATE TRIGGER sim_wait AFTER UPDATE OF status ON run WHEN NEW.status = 'waiting' \
     BEGIN INSERT INTO sim_write (what, run_id, task, status, fence) \
     VALUES ('wait', NEW.id, simulated_task(), OLD.status, NEW.fence); END",
    "CREATE TRIGGER sim_branch AFTER UPDATE OF branch ON run \
     BEGIN INSERT INTO sim_write (what, run_id, task, status, fence) \
     VALUES ('branch', NEW.id, simulated_task(), NEW.status, NEW.fence); END",
    "CREATE TRIGGER sim_steps AFTER UPDATE OF steps ON run \
     BEGIN INSERT INTO sim_write (what, run_id, task, status, fence) \
     VALUES ('count of steps', NEW.id, simulated_task(), NEW.status, NEW.fence); END",
    "CREATE TRIGGER sim_step AFTER INSERT ON step \
     BEGIN INSERT INTO sim_write (what, run_id, step, task, status, fence) \
     SELECT 'new step', NEW.run_id, NEW.number, simulated_task(), status, fence FROM run WHERE id = NEW.run_id; END",
    "CREATE TRIGGER sim_step_changed AFTER UPDATE ON step \
     WHEN NEW.status <> OLD.status OR NEW.calls <> OLD.calls OR NEW.failures <> OLD.failures \
     BEGIN INSERT INTO sim_write (what, run_id, step, task, status, fence) \
     SELECT 'step', NEW.run_id, NEW.number, simulated_task(), status, fence FROM run WHERE id = NEW.run_id; END",
    "CREATE TRIGGER sim_action AFTER INSERT ON action_result \
     BEGIN INSERT INTO sim_write (what, run_id, step, task, status, fence) \
     SELECT 'action result', NEW.run_id, NEW.step, simulated_task(), status, fence FROM run WHERE id = NEW.run_id; END",
    "CREATE TRIGGER sim_usage AFTER INSERT ON usage \
     BEGIN INSERT INTO sim_write (what, run_id, step, task, status, fence) \
     SELECT 'usage', NEW.run_id, NEW.step, simulated_task(), status, fence FROM run WHERE id = NEW.run_id; END",
    // What a waiting run is told comes from whoever answers it, and it has no holder.
    "CREATE TRIGGER sim_message AFTER INSERT ON conversation_message \
     WHEN (SELECT status FROM run WHERE id = NEW.run_id) <> 'waiting' \
     BEGIN INSERT INTO sim_write (what, run_id, step, task, status, fence) \
     SELECT 'message', NEW.run_id, NEW.step, simulated_task(), status, fence FROM run WHERE id = NEW.run_id; END",
    "CREATE TRIGGER sim_comment AFTER INSERT ON comment WHEN NEW.run_id IS NOT NULL \
     BEGIN INSERT INTO sim_write (what, run_id, step, task, status, fence) \
     SELECT 'comment', NEW.run_id, NEW.step, simulated_task(), status, fence FROM run WHERE id = NEW.run_id; END",
    // I11, at each change of a budget: what is reserved and spent together stays under its cap.
    "CREATE TRIGGER sim_budget AFTER UPDATE ON budget WHEN NEW.reserved_micro_usd + NEW.spent_micro_usd > \
     OLD.reserved_micro_usd + OLD.spent_micro_usd \
     BEGIN INSERT INTO sim_wrong SELECT 'I11: the budget of ' || NEW.scope || ' ' || NEW.subject || ' is ' || \
     NEW.reserved_micro_usd || ' reserved and ' || NEW.spent_micro_usd || ' spent, over its cap of ' || micro_usd \
     FROM sim_cap WHERE scope = NEW.scope AND NEW.reserved_micro_usd + NEW.spent_micro_usd > micro_usd + NEW.granted_micro_usd \
     AND (project_id IS NULL OR project_id = CASE NEW.scope WHEN 'project' THEN NEW.subject \
     ELSE (SELECT project_id FROM bead WHERE id = NEW.subject) END); END",
];

const LIVE: &str = "('queued', 'running', 'waiting')";
/// The statuses in which a run has an agent.
const AT_WORK: &str = "('queued', 'running')";

/// What is wrong with the state of the database at this moment, with the invariant's number in front.
pub(crate) async fn wrong<S: Statements>(database: &S) -> Result<Vec<String>, DatabaseError> {
    let sql = format!(
        "SELECT what FROM sim_wrong \
         UNION ALL SELECT 'I1: bead ' || bead_id || ' has ' || COUNT(*) || ' live runs' \
           FROM run WHERE status IN {LIVE} GROUP BY bead_id HAVING COUNT(*) > 1 \
         UNION ALL SELECT 'I1: live run ' || run.id || ' is not the one that its bead names' \
           FROM run JOIN bead ON bead.id = run.bead_id WHERE run.status IN {LIVE} AND bead.run_id IS NOT run.id \
         UNION ALL SELECT 'I1: bead ' || bead.id || ' names run ' || run_id || ', which does not live' \
           FROM bead LEFT JOIN run ON run.id = bead.run_id WHERE bead.run_id IS NOT NULL \
           AND (run.id IS NULL OR run.status NOT IN {LIVE}) \
         UNION ALL SELECT 'I1: agent ' || agent.id || ' is ' || agent.status || ' with run ' || COALESCE(run.id, 'none') \
           FROM agent LEFT JOIN run ON run.agent_id = agent.id AND run.status IN {AT_WORK} \
           WHERE agent.current_run IS NOT run.id \
         UNION ALL SELECT 'I4: ' || one.id || ' and ' || other.id || ' change the same paths at the same time' \
           FROM run AS mine JOIN bead AS one ON one.id = mine.bead_id AND one.touches <> '[]' \
           JOIN run AS theirs ON theirs.project_id = mine.project_id AND theirs.id > mine.id \
           JOIN bead AS other ON other.id = theirs.bead_id AND other.touches <> '[]' \
           WHERE mine.status IN {AT_WORK} AND theirs.status IN {AT_WORK} \
         UNION ALL SELECT 'I12: run ' || run.id || ' is ' || run.status || ' and waits for bead ' || subject || ', which is ' || \
           COALESCE(bead.status, 'unknown') FROM run_wait JOIN run ON run.id = run_wait.run_id LEFT JOIN bead ON bead.id = subject \
           WHERE run_wait.kind = 'bead' AND (run.status <> 'waiting' OR bead.status IS NULL OR bead.status = 'closed') \
         UNION ALL SELECT 'I12: run ' || run_wait.run_id || ' waits for decision ' || subject || ', which is ' || \
           COALESCE(decision.status, 'unknown') FROM run_wait LEFT JOIN decision ON decision.id = subject \
           WHERE run_wait.kind = 'decision' AND decision.status IS NOT 'open' \
         UNION ALL SELECT 'I12: run ' || run.id || ' waits for nothing and is not resumable' FROM run WHERE run.status = 'waiting' \
           AND (resumable_at IS NULL) <> EXISTS (SELECT 1 FROM run_wait WHERE run_wait.run_id = run.id) \
         UNION ALL SELECT 'I2: bead ' || bead.id || ' has fence ' || bead.fence || ', its run ' || run.fence \
           FROM bead JOIN run ON run.id = bead.run_id WHERE bead.fence <> run.fence \
         UNION ALL SELECT 'I6: ' || COUNT(*) || ' events are numbered up to ' || MAX(sequence) \
           FROM event HAVING COUNT(*) <> MAX(sequence) \
         UNION ALL SELECT 'I11: bead ' || subject || ' has ' || reserved_micro_usd || ' reserved, its open calls ' || open \
           FROM (SELECT subject, reserved_micro_usd, COALESCE((SELECT SUM(step.reserved_micro_usd) FROM run JOIN step \
           ON step.run_id = run.id AND step.status = 'calling' WHERE run.bead_id = subject), 0) AS open \
           FROM budget WHERE scope = 'bead') WHERE reserved_micro_usd <> open \
         UNION ALL SELECT 'I11: the beads of project ' || subject || ' have not what it has reserved and spent' \
           FROM budget AS whole WHERE scope = 'project' AND (reserved_micro_usd, spent_micro_usd) <> \
           (SELECT SUM(reserved_micro_usd), SUM(spent_micro_usd) FROM budget JOIN bead ON bead.id = budget.subject \
           WHERE budget.scope = 'bead' AND bead.project_id = whole.subject) \
         UNION ALL SELECT 'I11: all beads together have not what the days have reserved and spent' WHERE \
           (SELECT COALESCE(SUM(reserved_micro_usd), 0) || ' ' || COALESCE(SUM(spent_micro_usd), 0) FROM budget WHERE scope = 'bead') \
           <> (SELECT COALESCE(SUM(reserved_micro_usd), 0) || ' ' || COALESCE(SUM(spent_micro_usd), 0) FROM budget WHERE scope = 'day')"
    );
    let rows = database.query(&sql, vec![]).await?;
    rows.iter().map(|row| row.text(0)).collect()
}

/// How many beads may still move without a person: those that a run works on or can go on with, and those that are ready or will be
/// within the hour, unless their project waits for a person to raise its budget; and the agents that are stuck, which are
/// tried again within the hour.
pub(crate) async fn moving<S: Statements>(database: &S) -> Result<i64, DatabaseError> {
    let sql = "SELECT (SELECT COUNT(*) FROM agent WHERE status = 'stuck') + COUNT(*) FROM bead WHERE \
               EXISTS (SELECT 1 FROM run WHERE run.id = run_id AND (run.status <> 'waiting' OR resumable_at IS NOT NULL)) \
               OR (status = 'in_progress' AND in_review = 0 AND run_id IS NULL) \
               OR (status = 'open' AND open_blockers = 0 AND open_decisions = 0 AND requires_human = 0 \
                   AND COALESCE(retry_at, 0) < unixepoch('now') * 1000 + 3600000 \
                   AND (retry_at IS NOT NULL OR NOT EXISTS (SELECT 1 FROM decision WHERE status = 'open' \
                       AND fingerprint = 'budget:project:' || bead.project_id)))";
    let row = database.query_one(sql, vec![]).await?;
    row.map_or(Ok(0), |row| row.integer(0))
}
