//! Whether a pull request of an agent's is merged now, and what is in the way: for the run that merges its own branch, and
//! for an approved one that nobody works on.

use std::fmt;

/// How the checks of a pull request's head stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChecksStand {
    /// Nothing checks it.
    None,
    /// These are at work; the others may have failed already.
    Pending(Vec<String>),
    /// All have passed.
    Passed,
    /// All are over, and these have failed.
    Failed(Vec<String>),
}

impl ChecksStand {
    /// How checks stand together: each with its name, and whether it has passed, if it is over. What has failed is told
    /// once all are over, so that all of it is mended at once.
    pub fn of<'a>(checks: impl IntoIterator<Item = (&'a str, Option<bool>)>) -> Self {
        let (mut is_any, mut pending, mut failed) = (false, Vec::new(), Vec::new());
        for (name, passed) in checks {
            is_any = true;
            match passed {
                None => pending.push(name.to_owned()),
                Some(false) => failed.push(name.to_owned()),
                Some(true) => {}
            }
        }
        if !pending.is_empty() {
            Self::Pending(pending)
        } else if !failed.is_empty() {
            Self::Failed(failed)
        } else if is_any {
            Self::Passed
        } else {
            Self::None
        }
    }
}

/// The last verdict of somebody other than the author.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Who.
    pub login: String,
    /// Whether it approves; else it asks for changes.
    pub approves: bool,
    /// Whether it is about the head; so it is where the commit is not known.
    pub is_of_head: bool,
    /// Whether they may write to the repository.
    pub may_write: bool,
}

/// What GitHub says about a pull request by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullFacts {
    /// Whether it is open.
    pub is_open: bool,
    /// Whether it is a draft.
    pub is_draft: bool,
    /// Whether its head is the commit that is to be merged.
    pub is_expected_head: bool,
    /// Whether it conflicts with its base branch, as far as GitHub knows.
    pub conflicts: bool,
    /// GitHub's word for what is in the way: `clean`, `unstable`, `has_hooks`, `blocked`, `behind`, `dirty`, `draft` or
    /// `unknown`.
    pub state: String,
}

/// What GitHub says about a pull request and the work in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeFacts {
    /// The pull request.
    pub pull: PullFacts,
    /// Its checks.
    pub checks: ChecksStand,
    /// What reviewers say of it.
    pub verdicts: Vec<Verdict>,
    /// How many people who may write must approve its head.
    pub required_approvals: usize,
}

/// What is in the way of a merge. Reads as a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// It is closed.
    Closed,
    /// Its head is another commit than the one that is to be merged.
    OtherHead,
    /// It is a draft.
    Draft,
    /// It does not fit the base branch any more.
    Conflict,
    /// This person asks for changes.
    ChangesRequested(String),
    /// These checks are not over.
    ChecksPending(Vec<String>),
    /// These checks have failed.
    ChecksFailed(Vec<String>),
    /// People still have to approve it.
    Approvals {
        /// How many do.
        given: usize,
        /// How many must.
        required: usize,
    },
    /// The rules of the base branch ask for something else.
    Protected,
    /// GitHub has not found out yet whether it fits.
    Unknown,
}

impl fmt::Display for Obstacle {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => to.write_str("It is closed; a person has to open it again."),
            Self::OtherHead => to.write_str("It has other commits than the expected ones."),
            Self::Draft => {
                to.write_str("It is a draft; a person has to mark it as ready for review.")
            }
            Self::Conflict => {
                to.write_str("It conflicts with the base branch, which has changed meanwhile.")
            }
            Self::ChangesRequested(login) => write!(
                to,
                "{login} has asked for changes; they have to be made and reviewed again."
            ),
            Self::ChecksPending(names) => {
                write!(to, "These checks are not over yet: {}.", names.join(", "))
            }
            Self::ChecksFailed(names) => {
                write!(to, "These checks have failed: {}.", names.join(", "))
            }
            Self::Approvals { given, required } => write!(
                to,
                "It has {given} of {required} approvals of its newest commit by people who may write; it waits for a \
                 review."
            ),
            Self::Protected => to.write_str("The protection of the base branch asks for more."),
            Self::Unknown => to.write_str("GitHub is still finding out whether it fits."),
        }
    }
}

/// What is done with an approved pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MergeStep {
    /// It is merged.
    Merge,
    /// It is looked at again later.
    Later(Obstacle),
    /// The agent has to work on it again.
    Rework(Obstacle),
    /// The approval counts no more.
    Drop(Obstacle),
}

impl PullFacts {
    /// What is in the way whatever checks and reviewers say: there is no need to ask them then.
    pub fn obstacle(&self) -> Option<Obstacle> {
        if !self.is_open {
            Some(Obstacle::Closed)
        } else if !self.is_expected_head {
            Some(Obstacle::OtherHead)
        } else if self.is_draft {
            Some(Obstacle::Draft)
        } else {
            self.conflicts.then_some(Obstacle::Conflict)
        }
    }
}

impl MergeFacts {
    /// What is in the way of a merge, if anything is. Only the verdicts of people who may write count, as for GitHub's
    /// own rules: anybody may review a public repository. And only approvals of the head do.
    pub fn obstacle(&self) -> Option<Obstacle> {
        if let Some(obstacle) = self.pull.obstacle() {
            return Some(obstacle);
        }
        let mut given = 0;
        for verdict in self.verdicts.iter().filter(|verdict| verdict.may_write) {
            if !verdict.approves {
                return Some(Obstacle::ChangesRequested(verdict.login.clone()));
            }
            given += usize::from(verdict.is_of_head);
        }
        match &self.checks {
            ChecksStand::Pending(names) => return Some(Obstacle::ChecksPending(names.clone())),
            ChecksStand::Failed(names) => return Some(Obstacle::ChecksFailed(names.clone())),
            // A repository that checks nothing is merged without.
            ChecksStand::Passed | ChecksStand::None => {}
        }
        let required = self.required_approvals;
        if given < required {
            return Some(Obstacle::Approvals { given, required });
        }
        match self.pull.state.as_str() {
            "blocked" => Some(Obstacle::Protected),
            "unknown" => Some(Obstacle::Unknown),
            _ => None,
        }
    }
}

/// Decides what is done with an approved pull request.
pub fn merge_step(facts: &MergeFacts) -> MergeStep {
    let Some(obstacle) = facts.obstacle() else {
        return MergeStep::Merge;
    };
    match obstacle {
        Obstacle::Closed | Obstacle::OtherHead | Obstacle::ChangesRequested(_) => {
            MergeStep::Drop(obstacle)
        }
        Obstacle::Conflict | Obstacle::ChecksFailed(_) => MergeStep::Rework(obstacle),
        Obstacle::Draft
        | Obstacle::ChecksPending(_)
        | Obstacle::Approvals { .. }
        | Obstacle::Protected
        | Obstacle::Unknown => MergeStep::Later(obstacle),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(login: &str) -> Verdict {
        Verdict {
            login: login.to_owned(),
            approves: true,
            is_of_head: true,
            may_write: true,
        }
    }

    fn ready() -> MergeFacts {
        MergeFacts {
            pull: PullFacts {
                is_open: true,
                is_draft: false,
                is_expected_head: true,
                conflicts: false,
                state: "clean".to_owned(),
            },
            checks: ChecksStand::Passed,
            verdicts: vec![verdict("ann")],
            required_approvals: 1,
        }
    }

    type Change = fn(&mut MergeFacts);

    fn step(change: Change) -> MergeStep {
        let mut facts = ready();
        change(&mut facts);
        merge_step(&facts)
    }

    #[test]
    fn only_what_is_approved_checked_and_fitting_is_merged() {
        let merged: [Change; 3] = [
            |_| {},
            |facts| facts.checks = ChecksStand::None,
            |facts| facts.pull.state = "unstable".to_owned(),
        ];
        for change in merged {
            assert_eq!(step(change), MergeStep::Merge);
        }
        let later: [Change; 5] = [
            |facts| facts.checks = ChecksStand::Pending(vec!["test".to_owned()]),
            |facts| facts.pull.is_draft = true,
            |facts| facts.required_approvals = 2,
            |facts| facts.pull.state = "blocked".to_owned(),
            |facts| facts.pull.state = "unknown".to_owned(),
        ];
        for change in later {
            let step = step(change);
            assert!(matches!(step, MergeStep::Later(_)), "{step:?}");
        }
        let rework: [Change; 2] = [
            |facts| facts.checks = ChecksStand::Failed(vec!["test".to_owned()]),
            |facts| facts.pull.conflicts = true,
        ];
        for change in rework {
            let step = step(change);
            assert!(matches!(step, MergeStep::Rework(_)), "{step:?}");
        }
        let dropped: [Change; 3] = [
            |facts| facts.pull.is_open = false,
            |facts| facts.pull.is_expected_head = false,
            |facts| {
                facts.verdicts.push(Verdict {
                    approves: false,
                    ..verdict("bob")
                });
            },
        ];
        for change in dropped {
            let step = step(change);
            assert!(matches!(step, MergeStep::Drop(_)), "{step:?}");
        }
    }

    #[test]
    fn verdicts_count_of_people_who_may_write_and_approvals_of_the_head_alone() {
        let waits = MergeStep::Later(Obstacle::Approvals {
            given: 0,
            required: 1,
        });
        let not_counted: [Change; 2] = [
            |facts| facts.verdicts[0].may_write = false,
            |facts| facts.verdicts[0].is_of_head = false,
        ];
        for change in not_counted {
            assert_eq!(step(change), waits);
        }
        let stranger: Change = |facts| {
            facts.verdicts.push(Verdict {
                approves: false,
                may_write: false,
                ..verdict("mallory")
            });
        };
        assert_eq!(step(stranger), MergeStep::Merge);
    }

    #[test]
    fn checks_are_waited_for_until_all_are_over() {
        let stand =
            |checks: &[(&'static str, Option<bool>)]| ChecksStand::of(checks.iter().copied());
        let (passed, failed, pending) = (("a", Some(true)), ("b", Some(false)), ("c", None));
        assert_eq!(stand(&[]), ChecksStand::None);
        assert_eq!(stand(&[passed]), ChecksStand::Passed);
        assert_eq!(
            stand(&[passed, failed]),
            ChecksStand::Failed(vec!["b".to_owned()])
        );
        assert_eq!(
            stand(&[passed, failed, pending]),
            ChecksStand::Pending(vec!["c".to_owned()])
        );
    }
}
