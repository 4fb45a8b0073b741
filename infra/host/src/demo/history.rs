//! The way of the bead through its workflow, as Loom keeps it.

use super::api::Api;
use serde_json::Value;

/// The way through the bug workflow when nothing is sent back.
const STRAIGHT: [&str; 4] = [
    "investigate.success",
    "pm_review.approved",
    "apply_fix.success",
    "commit_and_push.success",
];

/// An execution and its history.
pub(super) struct History {
    /// How the execution stands.
    pub(super) status: String,
    records: Vec<Value>,
}

impl History {
    /// That of the newest execution of a bead.
    pub(super) async fn of(api: &Api, bead_id: &str) -> Result<Self, String> {
        let path = format!("/api/v1/workflows/executions?bead_id={bead_id}");
        let executions = api.get(&path).await?;
        let Some(execution) = executions.get(0) else {
            return Err(format!("{bead_id} follows no workflow"));
        };
        let id = text(execution, "id");
        let path = format!("/api/v1/workflows/executions/{id}/history?limit=1000");
        let records = api.get(&path).await?;
        Ok(Self {
            status: text(execution, "status").to_owned(),
            records: records.as_array().cloned().unwrap_or_default(),
        })
    }

    /// What the work at the nodes came to, in order: `node.outcome`.
    pub(super) fn stops(&self) -> Vec<String> {
        self.records
            .iter()
            .filter(|record| ["advanced", "escalated"].contains(&text(record, "type")))
            .map(|record| format!("{}.{}", text(record, "from"), text(record, "outcome")))
            .collect()
    }

    /// Whether the fix was approved and handed over: without any detour if it `is_straight`, else after the last
    /// investigation and before the last change.
    pub(super) fn is_sound(&self, is_straight: bool) -> bool {
        let stops = self.stops();
        if is_straight {
            return self.status == "completed" && stops == STRAIGHT;
        }
        let last = |stop: &str| stops.iter().rposition(|one| one == stop);
        let [investigated, approved, applied, handed_over] = STRAIGHT.map(last);
        self.status == "completed"
            && approved.is_some()
            && investigated < approved
            && approved < applied
            && handed_over == stops.len().checked_sub(1)
    }

    /// The agent that approved last, and whether the work that it approved was another's. A person has no id.
    pub(super) fn approval(&self) -> Option<(&str, bool)> {
        let at = self
            .records
            .iter()
            .rposition(|record| text(record, "outcome") == "approved")?;
        let approver = text(self.records.get(at)?, "agent_id");
        let author = self
            .records
            .get(..at)?
            .iter()
            .rfind(|record| text(record, "from") == "investigate")
            .map(|record| text(record, "agent_id"));
        Some((approver, Some(approver) != author))
    }
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn history(stops: &[(&str, &str)]) -> History {
        let record = |(stop, agent): &(&str, &str)| {
            let (from, outcome) = stop.split_once('.').unwrap();
            json!({"type": "advanced", "from": from, "outcome": outcome, "agent_id": agent})
        };
        let mut records = vec![json!({"type": "started", "node": "investigate"})];
        records.extend(stops.iter().map(record));
        History {
            status: "completed".to_owned(),
            records,
        }
    }

    #[test]
    fn a_detour_is_sound_but_not_straight() {
        let agents = ["a", "b", "c", "c"];
        let straight: Vec<(&str, &str)> = STRAIGHT.into_iter().zip(agents).collect();
        assert!(history(&straight).is_sound(true) && history(&straight).is_sound(false));
        let mut detour = vec![("investigate.failure", "a"), ("pm_review.rejected", "b")];
        detour.extend(&straight);
        assert!(!history(&detour).is_sound(true) && history(&detour).is_sound(false));
        assert_eq!(history(&detour).approval(), Some(("b", true)));
        for missing in 0..straight.len() {
            let mut other = straight.clone();
            other.remove(missing);
            let is_needed = missing > 0;
            assert_eq!(history(&other).is_sound(false), !is_needed, "{other:?}");
        }
    }

    #[test]
    fn who_approves_own_work_is_found_out() {
        let own = [("investigate.success", "a"), ("pm_review.approved", "a")];
        assert_eq!(history(&own).approval(), Some(("a", false)));
        assert_eq!(history(&own[..1]).approval(), None);
    }
}
