use serde::{Deserialize, Serialize};

use crate::Refusal;

/// Where a bead stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BeadStatus {
    /// Waits to be worked on.
    Open,
    /// Is being worked on, or reviewed.
    InProgress,
    /// Waits for a person.
    Blocked,
    /// Done, or given up.
    Closed,
}

impl BeadStatus {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::Open, Self::InProgress, Self::Blocked, Self::Closed];

    /// The word in JSON and SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::InProgress => "in_progress",
            Self::Blocked => "blocked",
            Self::Closed => "closed",
        }
    }

    /// The status that [`as_str`](Self::as_str) names.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// Every legal change, as data. A status may always stay what it is.
const TRANSITIONS: &[(BeadStatus, &[BeadStatus])] = &[
    (
        BeadStatus::Open,
        &[
            BeadStatus::InProgress,
            BeadStatus::Blocked,
            BeadStatus::Closed,
        ],
    ),
    (
        BeadStatus::InProgress,
        &[BeadStatus::Open, BeadStatus::Blocked, BeadStatus::Closed],
    ),
    (
        BeadStatus::Blocked,
        &[BeadStatus::Open, BeadStatus::InProgress, BeadStatus::Closed],
    ),
    (BeadStatus::Closed, &[BeadStatus::Open]),
];

/// Whether a bead may go from one status to the other; the refusal names both.
pub fn transition(id: &str, from: BeadStatus, to: BeadStatus) -> Result<(), Refusal> {
    let allowed = TRANSITIONS
        .iter()
        .find(|(status, _)| *status == from)
        .map_or(&[][..], |(_, next)| next);
    if from == to || allowed.contains(&to) {
        return Ok(());
    }
    let next: Vec<_> = allowed.iter().map(|status| status.as_str()).collect();
    Err(Refusal::conflict(
        "illegal_transition",
        format!(
            "Bead {id} is {} and cannot become {}. From here it can become: {}.",
            from.as_str(),
            to.as_str(),
            next.join(", ")
        ),
    )
    .detail("from", from.as_str())
    .detail("to", to.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_table() {
        use BeadStatus::{Blocked, Closed, InProgress, Open};
        for from in BeadStatus::ALL {
            for to in BeadStatus::ALL {
                let legal = from == to || from != Closed || to == Open;
                assert_eq!(
                    transition("bd-1", from, to).is_ok(),
                    legal,
                    "{from:?} → {to:?}"
                );
            }
        }
        let refusal = transition("bd-1", Closed, InProgress).unwrap_err();
        assert_eq!(refusal.code, "illegal_transition");
        assert_eq!(
            (
                refusal.details["from"].as_str(),
                refusal.details["to"].as_str()
            ),
            (Some("closed"), Some("in_progress"))
        );
        let _ = (Open, Blocked);
    }
}
