use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::{
    BeadTemplate, Breaker, Condition, Motivation, MotivationKind, MotivationStatus, next_fire_at,
};
use crate::{Refusal, bead::BeadInput, role::Role, time::Timestamp};

/// What is asked for when a motivation is made or changed. What is absent stays, or takes its default.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MotivationInput {
    /// Required when it is made: 1 to 200 characters.
    pub name: Option<String>,
    /// At most 4 KiB.
    pub description: Option<String>,
    /// May be left out: the condition tells. If given, it must be the condition's.
    #[serde(rename = "type")]
    pub kind: Option<MotivationKind>,
    /// Required when it is made.
    pub condition: Option<String>,
    /// The condition's parameters, all of them.
    pub parameters: Option<Map<String, Value>>,
    /// Any spelling of a role; required when it is made.
    pub role: Option<String>,
    /// Required when it is made; it cannot change.
    pub project_id: Option<String>,
    /// 0 to 525,600; default 5.
    pub cooldown_minutes: Option<i64>,
    /// 0 to 100; default 50.
    pub priority: Option<i64>,
    /// `null` removes it.
    #[serde(deserialize_with = "nullable")]
    pub bead_template: Option<Option<BeadTemplate>>,
    /// Default: whether there is no bead template.
    pub wake_agent: Option<bool>,
}

fn nullable<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<BeadTemplate>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

fn refusal() -> Refusal {
    Refusal::invalid(
        "invalid_fields",
        "The motivation has fields that cannot be accepted.",
    )
}

impl MotivationInput {
    /// A new motivation of a project, active; the store gives it its id and its times.
    pub fn create(self, now: Timestamp) -> Result<Motivation, Refusal> {
        let mut missing = refusal();
        for (field, is_missing) in [
            ("name", self.name.is_none()),
            ("condition", self.condition.is_none()),
            ("role", self.role.is_none()),
            ("project_id", self.project_id.is_none()),
        ] {
            if is_missing {
                missing = missing.field(field, "is required");
            }
        }
        if !missing.fields.is_empty() {
            return Err(missing);
        }
        let wakes = self
            .wake_agent
            .unwrap_or(!matches!(self.bead_template, Some(Some(_))));
        let blank = Motivation {
            id: String::new(),
            name: String::new(),
            description: String::new(),
            kind: MotivationKind::Calendar,
            condition: Condition::MonthBoundary {},
            role: String::new(),
            project_id: self.project_id.clone(),
            status: MotivationStatus::Active,
            cooldown_minutes: 5,
            priority: 50,
            bead_template: None,
            wake_agent: wakes,
            is_built_in: false,
            built_in: None,
            is_perpetual: false,
            next_fire_at: None,
            not_before: None,
            last_triggered_at: None,
            trigger_count: 0,
            breaker: Breaker::default(),
            last_skip: None,
            version: 1,
            created_at: now,
            updated_at: now,
            enabled_at: Some(now),
            disabled_at: None,
        };
        self.apply(blank, now)
    }

    /// The motivation with these changes.
    pub fn apply(self, mut motivation: Motivation, now: Timestamp) -> Result<Motivation, Refusal> {
        let mut refusal = refusal();
        let mut wrong =
            |field: &str, problem: String| refusal.fields.insert(field.to_owned(), problem);
        if let Some(name) = self.name {
            motivation.name = name.trim().to_owned();
            let length = motivation.name.chars().count();
            if !(1..=200).contains(&length) || motivation.name.chars().any(char::is_control) {
                wrong("name", "must be one line of 1 to 200 characters".into());
            }
        }
        if let Some(description) = self.description {
            if description.len() > 4096 {
                wrong("description", "must be at most 4 KiB".into());
            }
            motivation.description = description;
        }
        if let Some(role) = self.role {
            match Role::parse_any(&role) {
                Ok(role) => motivation.role = role.as_str().to_owned(),
                Err(problem) => {
                    wrong("role", problem.message);
                }
            }
        }
        if self.project_id.is_some() && self.project_id != motivation.project_id {
            wrong(
                "project_id",
                "cannot change: make another motivation in the other project".into(),
            );
        }
        if let Some(minutes) = self.cooldown_minutes {
            if !(0..=525_600).contains(&minutes) {
                wrong("cooldown_minutes", "must be 0 to 525,600".into());
            }
            motivation.cooldown_minutes = minutes;
        }
        if let Some(priority) = self.priority {
            if !(0..=100).contains(&priority) {
                wrong("priority", "must be 0 to 100".into());
            }
            motivation.priority = priority;
        }
        if let Some(template) = self.bead_template {
            if let Some(problem) = template.as_ref().and_then(template_problem) {
                wrong("bead_template", problem);
            }
            motivation.bead_template = template;
        }
        if let Some(wakes) = self.wake_agent {
            motivation.wake_agent = wakes;
        }
        if motivation.bead_template.is_none() && !motivation.wake_agent {
            wrong(
                "wake_agent",
                "must be true when there is no bead_template, or it does nothing".into(),
            );
        }
        if self.condition.is_some() || self.parameters.is_some() {
            let (name, parameters) = motivation.condition.parts();
            let same = self.condition.as_ref().is_none_or(|new| *new == name);
            let kept = match parameters {
                Value::Object(kept) if same => kept,
                _ => Map::new(),
            };
            let name = self.condition.unwrap_or(name);
            match Condition::parse(&name, &self.parameters.unwrap_or(kept)) {
                Ok(condition) if condition != motivation.condition || motivation.id.is_empty() => {
                    motivation.next_fire_at = next_fire_at(&condition, None, now);
                    motivation.kind = condition.kind();
                    motivation.condition = condition;
                }
                Ok(_) => {}
                Err(problem) => refusal.fields.extend(problem.fields),
            }
        }
        if self.kind.is_some_and(|kind| kind != motivation.kind) && refusal.fields.is_empty() {
            let problem = format!(
                "the condition is of type {}; leave the type out",
                motivation.kind.as_str()
            );
            refusal.fields.insert("type".to_owned(), problem);
        }
        if refusal.fields.is_empty() {
            Ok(motivation)
        } else {
            Err(refusal)
        }
    }
}

/// What is wrong with a template: the checks of a bead, and room for the role before the title.
fn template_problem(template: &BeadTemplate) -> Option<String> {
    if template.title.chars().count() > 400 {
        return Some("title must be at most 400 characters".to_owned());
    }
    let input = BeadInput {
        project_id: Some("any".to_owned()),
        title: Some(template.title.clone()),
        description: Some(template.description.clone()),
        kind: Some(template.kind.clone()),
        tags: Some(template.tags.clone()),
        ..BeadInput::default()
    };
    let fields = input.checked_new().err()?.fields;
    let problems: Vec<String> = fields
        .into_iter()
        .map(|(field, problem)| format!("{field} {problem}"))
        .collect();
    Some(problems.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn input(json: Value) -> MotivationInput {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn a_motivation_has_its_defaults() {
        let now = Timestamp(1_000);
        let made = input(json!({
            "name": " Look at the queue ", "condition": "scheduled_interval", "parameters": {"minutes": 60},
            "role": "QA", "project_id": "p",
        }))
        .create(now)
        .unwrap();
        assert_eq!(made.name, "Look at the queue");
        assert_eq!(made.role, "qa-engineer");
        assert_eq!(made.kind, MotivationKind::Interval);
        assert_eq!((made.cooldown_minutes, made.priority), (5, 50));
        assert!(made.wake_agent, "it has no bead, so it wakes");
        assert_eq!(made.next_fire_at, Some(now));
        let json = serde_json::to_value(&made).unwrap();
        assert_eq!(json["type"], "interval");
        assert_eq!(json["condition"], "scheduled_interval");
        assert_eq!(json["parameters"], json!({"minutes": 60}));
        assert_eq!(json["breaker"]["state"], "closed");
    }

    #[test]
    fn each_wrong_field_is_named() {
        let good =
            json!({"name": "n", "condition": "month_boundary", "role": "cfo", "project_id": "p"});
        for (change, field) in [
            (json!({"name": " "}), "name"),
            (json!({"name": null}), "name"),
            (json!({"condition": "full_moon"}), "condition"),
            (json!({"parameters": {"days": 3}}), "parameters"),
            (
                json!({"condition": "deadline_approach", "parameters": {"days": 0}}),
                "parameters.days",
            ),
            (
                json!({"condition": "scheduled_interval", "parameters": {"minutes": 1}}),
                "parameters.minutes",
            ),
            (json!({"condition": "scheduled_interval"}), "parameters"),
            (json!({"role": "x"}), "role"),
            (json!({"priority": 101}), "priority"),
            (json!({"cooldown_minutes": -1}), "cooldown_minutes"),
            (json!({"wake_agent": false}), "wake_agent"),
            (json!({"type": "idle"}), "type"),
            (json!({"bead_template": {"title": ""}}), "bead_template"),
        ] {
            let mut body = good.clone();
            for (key, value) in change.as_object().unwrap() {
                body[key] = value.clone();
            }
            let refusal = input(body).create(Timestamp(0)).unwrap_err();
            assert!(
                refusal.fields.contains_key(field),
                "{change}: {:?}",
                refusal.fields
            );
        }
    }

    #[test]
    fn every_condition_is_read_and_written() {
        for (kind, names) in Condition::NAMES {
            for name in *names {
                let parameters = match *name {
                    "time_reached" => json!({"at": "2027-01-01T00:00:00Z"}),
                    "scheduled_interval" => json!({"minutes": 60}),
                    "cost_exceeded" => json!({"period": "day", "threshold_micro_usd": 1}),
                    _ => json!({}),
                };
                let condition = Condition::parse(name, parameters.as_object().unwrap()).unwrap();
                assert_eq!(condition.kind(), *kind, "{name}");
                let (written, parameters) = condition.parts();
                assert_eq!(written, *name);
                let again = Condition::parse(&written, parameters.as_object().unwrap());
                assert_eq!(again, Ok(condition), "{name}");
            }
        }
    }
}
