use std::collections::BTreeMap;

use loom_domain::workflow::{ExecutionStatus, Outcome, Record};

use super::evidence::FlowEvidence;
use crate::{evidence::Evidence, runner::Sum, world::World};

/// What a schedule of this kind went through: the proof that it was not idle.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FlowReport {
    pub(crate) schedules: u64,
    pub(crate) polls: u64,
    /// How often each thing happened, by name.
    pub(crate) counts: BTreeMap<String, u64>,
    pub(crate) fingerprint: u64,
}

/// What must have happened over many schedules, or they no longer reach what they are for.
pub(super) const REACHED: &[&str] = &[
    "crashes",
    "closed",
    "execution completed",
    "execution failed",
    "execution cancelled",
    "outcome success",
    "outcome failure",
    "outcome approved",
    "outcome rejected",
    "outcome timeout",
    "escalated asked",
    "escalated revisit_limit",
    "record attempt_failed",
    "record signalled",
    "record paused",
    "record resumed",
    "record restarted",
    "record accepted",
    "decided workflow_approval",
    "decided workflow_escalation",
    "decided escalation",
    "decided question",
    "expired workflow_approval",
    "expired workflow_escalation",
    "races",
    "refused already_decided",
    "refused decision_expired",
    "refused execution_ended",
    "refused execution_paused",
    "refused signal_not_awaited",
    "refused execution_live",
    "motivated beads",
    "held by a decision",
    "held by a person",
    "released",
];

impl Sum for FlowReport {
    fn add(&mut self, other: Self) {
        self.schedules += other.schedules;
        self.polls += other.polls;
        self.fingerprint ^= other.fingerprint;
        for (name, count) in other.counts {
            *self.counts.entry(name).or_default() += count;
        }
    }
}

impl FlowReport {
    pub(super) fn count(&self, name: &str) -> u64 {
        self.counts.get(name).copied().unwrap_or(0)
    }

    pub(super) fn of(world: &World, evidence: &Evidence, flow: &FlowEvidence) -> Self {
        let mut report = Self {
            schedules: 1,
            polls: world.simulation.polls(),
            counts: BTreeMap::new(),
            fingerprint: world.simulation.fingerprint(),
        };
        report.more("crashes", u64::from(world.simulation.crashes()));
        report.more("races", world.office.races());
        for (code, count) in world.office.refusals() {
            report.more(&format!("refused {code}"), count);
        }
        for run in &evidence.runs {
            report.more("runs", 1);
            let reason = run.reason.as_deref().unwrap_or("none");
            report.more(&format!("run {} {reason}", run.status), 1);
        }
        for bead in &evidence.beads {
            report.more(&bead.status, 1);
            let fingerprint = bead.fingerprint.as_deref().unwrap_or_default();
            if fingerprint.starts_with("motivation") {
                report.more("motivated beads", 1);
            }
        }
        for event in &evidence.events {
            let Some(held_by) = event.data.get("held_by") else {
                continue;
            };
            let by = held_by.as_str().and_then(|by| by.split_once(':'));
            match by {
                Some((who, _)) => report.more(&format!("held by a {who}"), 1),
                None => report.more("released", 1),
            }
        }
        for question in &flow.questions {
            report.more(&format!("{} {}", question.status, question.kind), 1);
        }
        for story in &flow.stories {
            report.more(&format!("execution {}", story.stored.status.as_str()), 1);
            report.more(
                "live at the end",
                u64::from(matches!(
                    story.stored.status,
                    ExecutionStatus::Active | ExecutionStatus::Escalated
                )),
            );
            for record in &story.history {
                report.tell(&record.record);
            }
        }
        report
    }

    fn tell(&mut self, record: &Record) {
        let name = match record {
            Record::Started { .. } => "record started",
            Record::Advanced { .. } => "record advanced",
            Record::AttemptFailed { .. } => "record attempt_failed",
            Record::Escalated { code, .. } => {
                self.more(&format!("escalated {code}"), 1);
                "record escalated"
            }
            Record::Signalled { .. } => "record signalled",
            Record::Paused {} => "record paused",
            Record::Resumed { .. } => "record resumed",
            Record::Restarted { .. } => "record restarted",
            Record::Accepted { .. } => "record accepted",
            Record::Cancelled { .. } => "record cancelled",
        };
        self.more(name, 1);
        if let Record::Advanced { outcome, .. } = record {
            self.more(&format!("outcome {}", Outcome::as_str(*outcome)), 1);
        }
    }

    fn more(&mut self, name: &str, count: u64) {
        if count > 0 {
            *self.counts.entry(name.to_owned()).or_default() += count;
        }
    }
}
