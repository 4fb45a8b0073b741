//! Faults put into the world on purpose, each of which must be noticed: what proves that the checks can fail.

use crate::flow::mutation::FlowMutation;

/// One thing that does not work as it must.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mutation {
    /// A run changes hands without its old holder being locked out.
    HoldersAreNotLockedOut,
    /// Somebody who does not hold a run writes its steps.
    StrangersWrite,
    /// A second run is opened beside a live one, without its bead knowing.
    BeadsHaveTwoRuns,
    /// The workspace takes whatever fence it is given.
    WorkspaceIgnoresFences,
    /// The workspace does everything again that it is asked again.
    WorkspaceForgetsKeys,
    /// TokenHub does not recognise a request that it has answered.
    HubForgetsKeys,
    /// The event of a run's end is not kept.
    EventsGoMissing,
    /// A bead's change of status is told wrongly.
    EventsAreWrong,
    /// A failed run is asked about twice.
    DecisionsMultiply,
    /// Money that was reserved is not given back.
    ReservationsLeak,
    /// Caps of budgets are not looked at.
    BudgetsHaveNoCap,
    /// Runs whose holder died are not found.
    LeasesNeverEnd,
    /// A run that has its answers goes on waiting.
    AnswersGetLost,
    /// One of those that only the second kind of schedule can notice.
    Flow(FlowMutation),
}

impl Mutation {
    pub(crate) const ALL: [Self; 13] = [
        Self::HoldersAreNotLockedOut,
        Self::StrangersWrite,
        Self::BeadsHaveTwoRuns,
        Self::WorkspaceIgnoresFences,
        Self::WorkspaceForgetsKeys,
        Self::HubForgetsKeys,
        Self::EventsGoMissing,
        Self::EventsAreWrong,
        Self::DecisionsMultiply,
        Self::ReservationsLeak,
        Self::BudgetsHaveNoCap,
        Self::LeasesNeverEnd,
        Self::AnswersGetLost,
    ];

    /// Those that show in nearly every schedule.
    pub(crate) const FREQUENT: [Self; 5] = [
        Self::StrangersWrite,
        Self::BeadsHaveTwoRuns,
        Self::HubForgetsKeys,
        Self::EventsGoMissing,
        Self::EventsAreWrong,
    ];

    /// The invariants that it breaks.
    pub(crate) fn breaks(self) -> &'static [&'static str] {
        match self {
            // The next lease has the fence of the one before, or the old holder goes on: whichever shows first.
            Self::HoldersAreNotLockedOut => &["I1", "I2"],
            Self::StrangersWrite | Self::WorkspaceIgnoresFences => &["I2"],
            Self::BeadsHaveTwoRuns => &["I1"],
            Self::WorkspaceForgetsKeys | Self::HubForgetsKeys => &["I7"],
            Self::EventsGoMissing | Self::EventsAreWrong => &["I6"],
            Self::DecisionsMultiply => &["I10"],
            Self::ReservationsLeak | Self::BudgetsHaveNoCap => &["I11"],
            Self::LeasesNeverEnd => &["liveness"],
            Self::AnswersGetLost => &["I12"],
            Self::Flow(mutation) => mutation.breaks(),
        }
    }

    /// The triggers that bring it about, where it is in the database.
    pub(crate) fn sql(self) -> &'static [&'static str] {
        match self {
            Self::HoldersAreNotLockedOut => &[
                // Whoever leases a run after its holder was taken for dead gives that holder its fence back.
                "CREATE TRIGGER mutation AFTER UPDATE OF status ON run \
                 WHEN NEW.status = 'running' AND OLD.status = 'queued' AND NEW.restarts > 0 \
                 BEGIN UPDATE run SET fence = OLD.fence - 1 WHERE id = NEW.id; END",
                "CREATE TRIGGER mutation_bead AFTER UPDATE OF fence ON bead WHEN NEW.run_id IS NOT NULL \
                 BEGIN UPDATE bead SET fence = COALESCE((SELECT fence FROM run WHERE id = NEW.run_id), NEW.fence) WHERE id = NEW.id; END",
            ],
            Self::BeadsHaveTwoRuns => &[
                "DROP INDEX run_live_of_bead",
                "DROP INDEX run_working_of_agent",
                "CREATE TRIGGER mutation AFTER UPDATE OF steps ON run WHEN NEW.steps = 1 AND NEW.id NOT LIKE '%-twin' \
                 BEGIN INSERT INTO run (id, bead_id, project_id, agent_id, attempt, status, fence, lease_until, created_at) \
                 VALUES (NEW.id || '-twin', NEW.bead_id, NEW.project_id, NEW.agent_id, NEW.attempt, 'queued', NEW.fence, \
                 NEW.lease_until, NEW.created_at); END",
            ],
            Self::EventsGoMissing => &[
                "CREATE TRIGGER mutation AFTER INSERT ON event WHEN NEW.kind = 'run.ended' \
                 BEGIN DELETE FROM event WHERE sequence = NEW.sequence; END",
            ],
            Self::EventsAreWrong => &[
                "CREATE TRIGGER mutation AFTER INSERT ON event WHEN NEW.kind = 'bead.status_change' \
                 AND json_extract(NEW.data, '$.status') = 'blocked' \
                 BEGIN UPDATE event SET data = json_set(data, '$.status', 'closed') WHERE sequence = NEW.sequence; END",
            ],
            Self::DecisionsMultiply => &[
                "CREATE TRIGGER mutation AFTER INSERT ON decision WHEN NEW.id NOT LIKE '%-twin' \
                 BEGIN INSERT INTO decision (id, bead_id, project_id, kind, fingerprint, question, options, context, \
                 requester, status, created_at, deadline_at) VALUES (NEW.id || '-twin', NEW.bead_id, NEW.project_id, \
                 NEW.kind, NEW.fingerprint || '-twin', NEW.question, NEW.options, NEW.context, NEW.requester, 'open', \
                 NEW.created_at, NEW.deadline_at); \
                 UPDATE bead SET open_decisions = open_decisions + 1 WHERE id = NEW.bead_id; \
                 INSERT INTO event (kind, actor, bead_id, data, created_at) VALUES ('decision.created', 'twin', NEW.bead_id, \
                 json_object('decision_id', NEW.id || '-twin'), NEW.created_at); END",
            ],
            Self::ReservationsLeak => &[
                "CREATE TRIGGER mutation AFTER UPDATE OF reserved_micro_usd ON budget \
                 WHEN NEW.reserved_micro_usd = 0 AND OLD.reserved_micro_usd > 0 AND NEW.scope = 'bead' \
                 BEGIN UPDATE budget SET reserved_micro_usd = 1 WHERE scope = NEW.scope AND subject = NEW.subject; END",
            ],
            Self::BudgetsHaveNoCap => &[
                "CREATE TRIGGER mutation AFTER UPDATE OF spent_micro_usd ON budget WHEN NEW.spent_micro_usd > OLD.spent_micro_usd \
                 BEGIN UPDATE project SET budget_micro_usd = budget_micro_usd * 2 WHERE budget_micro_usd IS NOT NULL; END",
            ],
            Self::LeasesNeverEnd => &[
                "CREATE TRIGGER mutation AFTER UPDATE OF lease_until ON run WHEN NEW.lease_until < 9000000000000 \
                 BEGIN UPDATE run SET lease_until = 9000000000000 WHERE id = NEW.id; END",
            ],
            Self::AnswersGetLost => &[
                "CREATE TRIGGER mutation AFTER UPDATE OF resumable_at ON run WHEN NEW.resumable_at IS NOT NULL \
                 BEGIN UPDATE run SET resumable_at = NULL WHERE id = NEW.id; END",
            ],
            Self::Flow(mutation) => mutation.sql(),
            Self::StrangersWrite
            | Self::WorkspaceIgnoresFences
            | Self::WorkspaceForgetsKeys
            | Self::HubForgetsKeys => &[],
        }
    }
}
