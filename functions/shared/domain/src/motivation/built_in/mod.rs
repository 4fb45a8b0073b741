//! The motivations that Loom ships, as data.
//!
//! Each is a template: by itself it watches nothing and never fires. A project gets one of its own when it is enabled
//! for it (`POST /api/v1/motivations/{id}/enable` with the project). Those that are [default](BuiltIn::is_default) are
//! given to every open project by the sweep; they cost nothing until they fire, and none of them files work again and
//! again by itself.

mod delivery;
mod leadership;
mod outreach;
mod perpetual;
mod quality;

#[cfg(test)]
mod tests;

use super::{BeadTemplate, Breaker, Condition, Motivation, MotivationKind, MotivationStatus};
use crate::{Refusal, bead::Priority, time::Timestamp};

const HOUR: i64 = 60;
const DAY: i64 = 24 * HOUR;
const WEEK: i64 = 7 * DAY;

/// A shipped motivation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BuiltIn {
    /// Stable: the same in all versions of Loom.
    pub id: &'static str,
    /// What people call it.
    pub name: &'static str,
    /// What it is for.
    pub description: &'static str,
    /// The canonical role that it is for.
    pub role: &'static str,
    /// The condition's name.
    pub condition: &'static str,
    /// The condition's parameters, as JSON.
    pub parameters: &'static str,
    /// In minutes.
    pub cooldown_minutes: i64,
    /// 0 to 100.
    pub priority: i64,
    /// The bead that it files.
    pub bead: Option<BuiltInBead>,
    /// Whether the role is woken.
    pub wake: bool,
    /// A task that comes back for ever.
    pub is_perpetual: bool,
}

/// The bead that a shipped motivation files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BuiltInBead {
    /// Its tag, which also names what kind of work it is.
    pub tag: &'static str,
    /// Its title.
    pub title: &'static str,
    /// What is to be done.
    pub description: &'static str,
    /// 0 to 3.
    pub priority: i64,
}

/// One that wakes its role and files nothing; the other functions add to it.
const fn wakes(
    id: &'static str,
    role: &'static str,
    name: &'static str,
    description: &'static str,
    condition: (&'static str, &'static str),
    cooldown_minutes: i64,
    priority: i64,
) -> BuiltIn {
    BuiltIn {
        id,
        name,
        description,
        role,
        condition: condition.0,
        parameters: condition.1,
        cooldown_minutes,
        priority,
        bead: None,
        wake: true,
        is_perpetual: false,
    }
}

impl BuiltIn {
    const fn files(
        mut self,
        tag: &'static str,
        title: &'static str,
        description: &'static str,
        priority: i64,
    ) -> Self {
        self.bead = Some(BuiltInBead {
            tag,
            title,
            description,
            priority,
        });
        self
    }

    /// Whether every open project gets it: it is not perpetual, and it does not file beads merely because time passes
    /// or nothing happens.
    pub fn is_default(&self) -> bool {
        let of_time = matches!(
            self.condition,
            "scheduled_interval"
                | "quarter_boundary"
                | "month_boundary"
                | "system_idle"
                | "project_idle"
                | "agent_idle"
        );
        let files_by_itself = self.bead.is_some() && of_time;
        !(self.is_perpetual || files_by_itself)
    }

    /// It as a motivation: the template itself, or that of a project, which is active from `now` on.
    pub fn motivation(
        &self,
        project_id: Option<&str>,
        now: Timestamp,
    ) -> Result<Motivation, Refusal> {
        let parameters = serde_json::from_str(self.parameters).unwrap_or_default();
        let condition = Condition::parse(self.condition, &parameters)?;
        let next = project_id.and_then(|_| super::next_fire_at(&condition, None, now));
        Ok(Motivation {
            id: instance_id(self.id, project_id),
            name: self.name.to_owned(),
            description: self.description.to_owned(),
            kind: condition.kind(),
            condition,
            role: self.role.to_owned(),
            project_id: project_id.map(str::to_owned),
            status: match project_id {
                Some(_) => MotivationStatus::Active,
                None => MotivationStatus::Template,
            },
            cooldown_minutes: self.cooldown_minutes,
            priority: self.priority,
            bead_template: self.bead.map(|bead| BeadTemplate {
                title: bead.title.to_owned(),
                description: bead.description.to_owned(),
                kind: "task".to_owned(),
                priority: Priority::new(bead.priority).unwrap_or(Priority::DEFAULT),
                tags: vec![bead.tag.to_owned()],
            }),
            wake_agent: self.wake,
            is_built_in: true,
            built_in: project_id.map(|_| self.id.to_owned()),
            is_perpetual: self.is_perpetual,
            next_fire_at: next,
            not_before: None,
            last_triggered_at: None,
            trigger_count: 0,
            breaker: Breaker::default(),
            last_skip: None,
            version: 1,
            created_at: now,
            updated_at: now,
            enabled_at: project_id.map(|_| now),
            disabled_at: None,
        })
    }

    /// What kind of condition it has.
    pub fn kind(&self) -> Option<MotivationKind> {
        Condition::NAMES
            .iter()
            .find(|(_, names)| names.contains(&self.condition))
            .map(|(kind, _)| *kind)
    }
}

/// The id of a project's own; without a project, the template's.
pub fn instance_id(built_in: &str, project_id: Option<&str>) -> String {
    match project_id {
        Some(project) => format!("{built_in}.{project}"),
        None => built_in.to_owned(),
    }
}

/// Every shipped motivation, by role group.
pub fn all() -> impl Iterator<Item = &'static BuiltIn> {
    [
        leadership::ALL,
        delivery::ALL,
        quality::ALL,
        outreach::ALL,
        perpetual::ALL,
    ]
    .into_iter()
    .flatten()
}

/// The shipped motivation `id`.
pub fn find(id: &str) -> Option<&'static BuiltIn> {
    all().find(|built_in| built_in.id == id)
}
