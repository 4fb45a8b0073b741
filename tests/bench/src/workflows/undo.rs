use std::{path::Path, time::Duration};

use rusqlite::{Connection, TransactionBehavior, params};

use crate::Result;

/// Takes transitions back, by hand.
pub(super) struct Undo {
    hand: Connection,
    node: &'static str,
    before: Vec<Before>,
}

/// An execution as it was.
struct Before {
    id: String,
    version: i64,
    cycle_count: i64,
    state: String,
    timer: String,
}

impl Undo {
    /// Remembers executions that have just come to `node`, each with the version that it has.
    pub(super) fn new(
        database: &Path,
        node: &'static str,
        executions: &[(String, i64)],
    ) -> Result<Self> {
        let hand = Connection::open(database)?;
        hand.busy_timeout(Duration::from_secs(30))?;
        let before = executions
            .iter()
            .map(|(id, version)| {
                let sql = "SELECT cycle_count, state, subject FROM workflow_execution JOIN timer \
                           ON kind = 'workflow_node' AND substr(subject, 1, length(?1)) = ?1 \
                           WHERE workflow_execution.id = ?1 AND version = ?2";
                let before = hand.query_row(sql, params![id, version], |row| {
                    Ok(Before {
                        id: id.clone(),
                        version: *version,
                        cycle_count: row.get(0)?,
                        state: row.get(1)?,
                        timer: row.get(2)?,
                    })
                });
                before.map_err(Into::into)
            })
            .collect::<Result<_>>()?;
        Ok(Self { hand, node, before })
    }

    /// Takes back one transition, which added one record, of the execution at `index`.
    pub(super) fn undo(&mut self, index: usize) -> Result<()> {
        let before = &self.before[index];
        let tx = self
            .hand
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let added = tx.execute(
            "DELETE FROM workflow_history WHERE execution_id = ?1 AND version > ?2",
            params![before.id, before.version],
        )?;
        if added != 1 {
            return Err(format!("a transition added {added} records").into());
        }
        tx.execute(
            "UPDATE workflow_execution SET version = ?2, status = 'active', node = ?3, cycle_count = ?4, state = ?5 \
             WHERE id = ?1",
            params![before.id, before.version, self.node, before.cycle_count, before.state],
        )?;
        tx.execute(
            "UPDATE timer SET subject = ?2 WHERE kind = 'workflow_node' AND substr(subject, 1, length(?1)) = ?1",
            params![before.id, before.timer],
        )?;
        tx.commit()?;
        Ok(())
    }
}
