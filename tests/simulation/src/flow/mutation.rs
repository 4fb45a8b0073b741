//! Faults put into this kind of world on purpose, each of which must be noticed.

/// One thing that does not work as it must.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FlowMutation {
    /// Deciding does not look whether somebody has decided.
    DecisionsAreDecidedTwice,
    /// The time limit of a node is not set.
    NodeTimersGetLost,
    /// The deadline of a question is not set.
    DeadlinesGetLost,
    /// Nobody remembers whose work is judged.
    AuthorsJudge,
    /// The question of a stay that was left stays open.
    QuestionsAreNotWithdrawn,
    /// A bead gets a second execution beside the first.
    ExecutionsStartTwice,
    /// A record of a history is not kept.
    HistoryLosesRecords,
    /// The state of an execution is not what its history says.
    VisitsAreForgotten,
    /// A bead is opened although its execution is paused.
    PausedBeadsAreOpened,
    /// A question does not hold its bead.
    QuestionsHoldNothing,
    /// Nobody remembers that a person keeps a bead blocked.
    HoldsAreForgotten,
    /// The end of a wait lets go of a bead that a person keeps blocked.
    WaitsRelease,
    /// The answer of an agent does.
    AgentsRelease,
    /// Nobody asks about an escalated execution.
    EscalationsAreNotAsked,
    /// The parts of an epic close, and it is not told.
    ParentsAreNotTold,
    /// What motivations file on a day is not counted: noticed in a week of failures.
    DaysAreNotCounted,
    /// The failures of a motivation are forgotten: noticed in a week of failures.
    BreakersNeverOpen,
}

impl FlowMutation {
    pub(crate) const ALL: [Self; 15] = [
        Self::DecisionsAreDecidedTwice,
        Self::NodeTimersGetLost,
        Self::DeadlinesGetLost,
        Self::AuthorsJudge,
        Self::QuestionsAreNotWithdrawn,
        Self::ExecutionsStartTwice,
        Self::HistoryLosesRecords,
        Self::VisitsAreForgotten,
        Self::PausedBeadsAreOpened,
        Self::QuestionsHoldNothing,
        Self::HoldsAreForgotten,
        Self::WaitsRelease,
        Self::AgentsRelease,
        Self::EscalationsAreNotAsked,
        Self::ParentsAreNotTold,
    ];

    /// Those that show in nearly every schedule.
    pub(crate) const FREQUENT: [Self; 4] = [
        Self::NodeTimersGetLost,
        Self::ExecutionsStartTwice,
        Self::HistoryLosesRecords,
        Self::VisitsAreForgotten,
    ];

    /// The invariants that it breaks.
    pub(crate) fn breaks(self) -> &'static [&'static str] {
        match self {
            Self::DecisionsAreDecidedTwice => &["answer"],
            Self::NodeTimersGetLost => &["way on"],
            Self::DeadlinesGetLost | Self::QuestionsAreNotWithdrawn => &["question"],
            Self::AuthorsJudge => &["author"],
            Self::ExecutionsStartTwice => &["execution"],
            Self::HistoryLosesRecords | Self::VisitsAreForgotten => &["history"],
            // Where it is resumed before anybody claims it, only its events tell.
            Self::PausedBeadsAreOpened => &["held", "I6"],
            Self::QuestionsHoldNothing => &["question", "held"],
            Self::HoldsAreForgotten | Self::WaitsRelease | Self::AgentsRelease => &["held"],
            // Where the bead ends before anybody looks, only the events tell.
            Self::EscalationsAreNotAsked => &["way on", "answer"],
            Self::ParentsAreNotTold => &["liveness"],
            Self::DaysAreNotCounted | Self::BreakersNeverOpen => &["I9"],
        }
    }

    /// The triggers that bring it about, where it is in the database.
    pub(crate) fn sql(self) -> &'static [&'static str] {
        match self {
            Self::DecisionsAreDecidedTwice => &[],
            Self::NodeTimersGetLost => &[
                "CREATE TRIGGER mutation AFTER INSERT ON timer WHEN NEW.kind = 'workflow_node' \
                 BEGIN DELETE FROM timer WHERE kind = NEW.kind AND subject = NEW.subject; END",
                "DELETE FROM timer WHERE kind = 'workflow_node'",
            ],
            Self::DeadlinesGetLost => &[
                "CREATE TRIGGER mutation AFTER INSERT ON timer WHEN NEW.kind = 'decision_deadline' \
                 BEGIN DELETE FROM timer WHERE kind = NEW.kind AND subject = NEW.subject; END",
            ],
            Self::AuthorsJudge => &[
                "CREATE TRIGGER mutation AFTER UPDATE OF author_agent ON bead WHEN NEW.author_agent IS NOT NULL \
                 BEGIN UPDATE bead SET author_agent = NULL WHERE id = NEW.id; END",
            ],
            Self::QuestionsAreNotWithdrawn => &[
                // The count of the bead goes down afterwards, as if it had been withdrawn.
                "CREATE TRIGGER mutation AFTER UPDATE OF status ON decision \
                 WHEN NEW.decision = 'withdrawn' AND NEW.kind IN ('workflow_approval', 'workflow_escalation') \
                 BEGIN UPDATE decision SET status = 'open', decided_at = NULL, decision = NULL WHERE id = NEW.id; \
                 UPDATE bead SET open_decisions = open_decisions + 1 WHERE id = NEW.bead_id; END",
            ],
            Self::ExecutionsStartTwice => &[
                "DROP INDEX workflow_execution_live",
                "CREATE TRIGGER mutation AFTER INSERT ON workflow_history WHEN NEW.execution_id NOT LIKE '%-twin' AND NEW.version = 2 \
                 BEGIN INSERT INTO workflow_execution SELECT id || '-twin', workflow_id, workflow_version, workflow_type, bead_id, \
                 project_id, version, 'active', node, cycle_count, state, started_at, updated_at, NULL \
                 FROM workflow_execution WHERE id = NEW.execution_id; END",
            ],
            Self::HistoryLosesRecords => &[
                "CREATE TRIGGER mutation AFTER INSERT ON workflow_history WHEN NEW.version = 2 \
                 BEGIN DELETE FROM workflow_history WHERE execution_id = NEW.execution_id AND version = 2; END",
            ],
            Self::VisitsAreForgotten => &[
                "CREATE TRIGGER mutation AFTER UPDATE OF state ON workflow_execution \
                 WHEN json_extract(NEW.state, '$.visits') <> '{}' \
                 BEGIN UPDATE workflow_execution SET state = json_set(state, '$.visits', json('{}')) WHERE id = NEW.id; END",
            ],
            Self::PausedBeadsAreOpened => &[
                "CREATE TRIGGER mutation AFTER INSERT ON event WHEN NEW.kind = 'bead.status_change' \
                 AND json_extract(NEW.data, '$.reason') = 'workflow_paused' \
                 BEGIN UPDATE bead SET status = 'open', held_by = NULL WHERE id = NEW.bead_id; END",
            ],
            Self::QuestionsHoldNothing => &[
                "CREATE TRIGGER mutation AFTER UPDATE OF open_decisions ON bead WHEN NEW.open_decisions = 1 AND OLD.open_decisions = 0 \
                 BEGIN UPDATE bead SET open_decisions = 0, status = 'open', held_by = NULL WHERE id = NEW.id AND run_id IS NULL; END",
            ],
            Self::HoldsAreForgotten => &[
                "CREATE TRIGGER mutation AFTER UPDATE OF held_by ON bead WHEN NEW.held_by IS NOT NULL \
                 BEGIN UPDATE bead SET held_by = NULL WHERE id = NEW.id; END",
            ],
            Self::WaitsRelease => &[
                "CREATE TRIGGER mutation AFTER INSERT ON workflow_history WHEN json_extract(NEW.record, '$.from') IN \
                 (SELECT node FROM sim_node WHERE type IN ('wait', 'approval')) \
                 BEGIN UPDATE bead SET held_by = NULL WHERE id = (SELECT bead_id FROM workflow_execution WHERE id = NEW.execution_id); END",
            ],
            Self::AgentsRelease => &[
                "CREATE TRIGGER mutation AFTER UPDATE OF decision ON decision WHEN NEW.decider LIKE 'agent:%' \
                 BEGIN UPDATE bead SET held_by = NULL WHERE id = NEW.bead_id; END",
            ],
            Self::EscalationsAreNotAsked => &[
                "CREATE TRIGGER mutation AFTER INSERT ON event WHEN NEW.kind = 'decision.created' \
                 AND json_extract(NEW.data, '$.kind') = 'workflow_escalation' \
                 BEGIN UPDATE decision SET status = 'decided', decided_at = 0 WHERE id = json_extract(NEW.data, '$.decision_id'); \
                 DELETE FROM timer WHERE subject = json_extract(NEW.data, '$.decision_id'); \
                 UPDATE bead SET open_decisions = open_decisions - 1 WHERE id = NEW.bead_id; END",
            ],
            Self::ParentsAreNotTold => &[
                // Those that close look for the parent that they had when they were filed.
                "CREATE TRIGGER mutation AFTER INSERT ON bead WHEN NEW.parent IS NOT NULL AND (SELECT kind FROM bead WHERE id = NEW.parent) = 'epic' \
                 BEGIN UPDATE bead SET parent = NULL WHERE id = NEW.id; END",
            ],
            Self::BreakersNeverOpen => &[
                "CREATE TRIGGER mutation AFTER UPDATE OF breaker_failures ON motivation WHEN NEW.breaker_failures > 0 \
                 BEGIN UPDATE motivation SET breaker = 'closed', breaker_failures = 0, breaker_retry_at = NULL WHERE id = NEW.id; END",
            ],
            Self::DaysAreNotCounted => &[
                "CREATE TRIGGER mutation AFTER INSERT ON motivation_day BEGIN UPDATE motivation_day SET filed = 0, fired = 0; END",
                "CREATE TRIGGER mutation_again AFTER UPDATE OF fired ON motivation_day WHEN NEW.fired > 0 \
                 BEGIN UPDATE motivation_day SET filed = 0, fired = 0; END",
            ],
        }
    }
}
