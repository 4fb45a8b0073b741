//! Whether an approved pull request of an agent's is merged now.

/// How the checks of a pull request's head stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChecksStand {
    /// Nothing checks it.
    None,
    /// Some are at work.
    Pending,
    /// All have passed.
    Passed,
    /// These have failed.
    Failed(Vec<String>),
}

/// What GitHub says about a pull request that somebody has approved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeFacts {
    /// Whether it is open.
    pub is_open: bool,
    /// Whether it is a draft.
    pub is_draft: bool,
    /// Whether its head is still the commit that was approved.
    pub is_approved_head: bool,
    /// GitHub's word for what is in the way: `clean`, `unstable`, `has_hooks`, `blocked`, `behind`, `dirty`, `draft` or
    /// `unknown`.
    pub state: String,
    /// Its checks.
    pub checks: ChecksStand,
    /// How many people approve it, by their last verdict on this head.
    pub approvals: usize,
    /// How many must.
    pub required_approvals: usize,
    /// Who asks for changes, by their last verdict.
    pub changes_requested_by: Option<String>,
}

/// What is done with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MergeStep {
    /// It is merged.
    Merge,
    /// It is looked at again later; why.
    Later(String),
    /// The agent has to work on it again; why.
    Rework(String),
    /// The approval counts no more; why.
    Drop(String),
}

/// Decides what is done with an approved pull request.
pub fn merge_step(facts: &MergeFacts) -> MergeStep {
    if !facts.is_open {
        return MergeStep::Drop("It is closed.".to_owned());
    }
    if !facts.is_approved_head {
        return MergeStep::Drop("It has newer commits than the approved one.".to_owned());
    }
    if let Some(by) = &facts.changes_requested_by {
        return MergeStep::Drop(format!("{by} asks for changes."));
    }
    if let ChecksStand::Failed(names) = &facts.checks {
        return MergeStep::Rework(format!("These checks have failed: {}.", names.join(", ")));
    }
    if facts.state == "dirty" {
        return MergeStep::Rework(
            "It conflicts with the base branch, which has changed meanwhile.".to_owned(),
        );
    }
    if facts.checks == ChecksStand::Pending {
        return MergeStep::Later("Its checks are not over yet.".to_owned());
    }
    if facts.is_draft {
        return MergeStep::Later("It is a draft.".to_owned());
    }
    let missing = facts.required_approvals.saturating_sub(facts.approvals);
    if missing > 0 {
        return MergeStep::Later(format!("It needs {missing} more approval(s)."));
    }
    match facts.state.as_str() {
        "blocked" => {
            MergeStep::Later("The protection of the base branch asks for more.".to_owned())
        }
        "unknown" => MergeStep::Later("GitHub is still finding out whether it fits.".to_owned()),
        _ => MergeStep::Merge,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready() -> MergeFacts {
        MergeFacts {
            is_open: true,
            is_draft: false,
            is_approved_head: true,
            state: "clean".to_owned(),
            checks: ChecksStand::Passed,
            approvals: 1,
            required_approvals: 1,
            changes_requested_by: None,
        }
    }

    #[test]
    fn only_what_is_approved_checked_and_fitting_is_merged() {
        assert_eq!(merge_step(&ready()), MergeStep::Merge);
        let unchecked = MergeFacts {
            checks: ChecksStand::None,
            ..ready()
        };
        assert_eq!(merge_step(&unchecked), MergeStep::Merge);

        let failed = ChecksStand::Failed(vec!["test".to_owned()]);
        type Change = fn(&mut MergeFacts);
        let later: [Change; 4] = [
            |facts| facts.checks = ChecksStand::Pending,
            |facts| facts.is_draft = true,
            |facts| facts.required_approvals = 2,
            |facts| facts.state = "blocked".to_owned(),
        ];
        for change in later {
            let mut facts = ready();
            change(&mut facts);
            assert!(
                matches!(merge_step(&facts), MergeStep::Later(_)),
                "{facts:?}"
            );
        }
        for facts in [
            MergeFacts {
                checks: failed,
                ..ready()
            },
            MergeFacts {
                state: "dirty".to_owned(),
                ..ready()
            },
        ] {
            assert!(
                matches!(merge_step(&facts), MergeStep::Rework(_)),
                "{facts:?}"
            );
        }
        let dropped: [Change; 3] = [
            |facts| facts.is_open = false,
            |facts| facts.is_approved_head = false,
            |facts| facts.changes_requested_by = Some("ann".to_owned()),
        ];
        for change in dropped {
            let mut facts = ready();
            change(&mut facts);
            assert!(
                matches!(merge_step(&facts), MergeStep::Drop(_)),
                "{facts:?}"
            );
        }
    }
}
