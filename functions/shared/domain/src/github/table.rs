//! What each webhook event of GitHub does: the table.

/// What an event of GitHub does, as far as its name and action say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Does {
    /// Files a bead for an issue, unless there is one.
    FileIssue,
    /// The bead of an issue follows it; none is filed, except where the project's label was what was missing.
    FollowIssue,
    /// A comment: goes to the conversation of a bead, and its `/loom` lines are commands.
    Converse,
    /// A pull request that wants a review, or is taken note of when it is Loom's own.
    ReviewPullRequest,
    /// What is known of a pull request follows it, and its end has its outcome.
    FollowPullRequest,
    /// A review of a person: approves the work of the bead that owns the branch, or sends it back.
    Judge,
    /// Checks of a commit are over: runs that wait for them go on, and a broken base branch is a bug.
    EndChecks,
    /// The base branch has moved.
    Push,
    /// A release was published.
    Release,
    /// The repository has another name, or is out of use: its project is kept in step.
    Repository,
    /// Nothing but being recorded.
    Record,
}

/// One line of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// The event's name, as in `X-GitHub-Event`; `*` is every other.
    pub event: &'static str,
    /// The payload's `action`; `*` is every other, and none.
    pub action: &'static str,
    /// What it does.
    pub does: Does,
    /// The same as a sentence.
    pub says: &'static str,
}

const fn rule(event: &'static str, action: &'static str, does: Does, says: &'static str) -> Rule {
    Rule {
        event,
        action,
        does,
        says,
    }
}

const FOLLOWS: &str = "The issue's bead takes over its title, text, labels and what they mean.";
const CHECKS: &str = "Runs that wait for the checks of the commit go on and look. On the base branch a failure is one \
                      bug bead per workflow, and a success closes it if nobody has begun.";

/// What each event does. The first line that fits holds; event and action names are those of GitHub's documentation
/// (docs.github.com, "Webhook events and payloads").
///
/// | event | action | what it does |
/// |---|---|---|
/// | `issues` | `opened`, `reopened`, `labeled` | files one bead for the issue, or opens the one that there is again |
/// | | any other | the bead follows: title, text, labels, closed with the reason, transferred, deleted |
/// | `issue_comment`, `pull_request_review_comment` | `created` | the bead's conversation; `/loom` commands |
/// | `pull_request` | `opened`, `reopened`, `ready_for_review`, `synchronize`, `review_requested` | one review bead, which a new push opens again; Loom's own are linked to their beads |
/// | | `closed` | merged: the bead that owns the branch is closed with the commit; else it is blocked with a question |
/// | `pull_request_review` | `submitted` | approves the work of the bead that owns the branch, or sends it back |
/// | `check_run`, `check_suite`, `workflow_run` | `completed` | waiting runs go on; a broken base branch is one bug |
/// | `status` | | the same |
/// | `push` | | the base branch has moved: `github.pushed` |
/// | `release` | `published` | `release.published` |
/// | `repository` | `renamed`, `transferred`, `archived`, `deleted`, … | the project is kept in step |
/// | every other | | recorded |
pub const TABLE: &[Rule] = &[
    rule(
        "issues",
        "opened",
        Does::FileIssue,
        "One bead is filed for the issue.",
    ),
    rule(
        "issues",
        "reopened",
        Does::FileIssue,
        "The issue's bead is opened again, or filed.",
    ),
    rule(
        "issues",
        "labeled",
        Does::FollowIssue,
        "The issue's bead follows; where the project asks for a label, this is when the bead is filed.",
    ),
    rule("issues", "edited", Does::FollowIssue, FOLLOWS),
    rule("issues", "unlabeled", Does::FollowIssue, FOLLOWS),
    rule(
        "issues",
        "closed",
        Does::FollowIssue,
        "The issue's bead is closed, with the reason.",
    ),
    rule(
        "issues",
        "transferred",
        Does::FollowIssue,
        "The issue's bead is closed: the issue is in another repository now.",
    ),
    rule(
        "issues",
        "deleted",
        Does::FollowIssue,
        "The issue's bead is closed: the issue was deleted.",
    ),
    rule("issues", "*", Does::FollowIssue, FOLLOWS),
    rule(
        "issue_comment",
        "created",
        Does::Converse,
        "The comment goes to the conversation of the bead, and its /loom lines are commands of people with write access.",
    ),
    rule(
        "pull_request_review_comment",
        "created",
        Does::Converse,
        "The comment goes to the conversation of the bead, with its file and line.",
    ),
    rule(
        "pull_request",
        "opened",
        Does::ReviewPullRequest,
        "One review bead is filed for the code reviewer; a draft waits, and a pull request of Loom's own is linked to its bead.",
    ),
    rule(
        "pull_request",
        "reopened",
        Does::ReviewPullRequest,
        "The review bead is opened again; of Loom's own, the question about its end is withdrawn and the work goes on.",
    ),
    rule(
        "pull_request",
        "ready_for_review",
        Does::ReviewPullRequest,
        "The draft that waited gets its review bead.",
    ),
    rule(
        "pull_request",
        "synchronize",
        Does::ReviewPullRequest,
        "The same review bead is opened again for the new commit.",
    ),
    rule(
        "pull_request",
        "review_requested",
        Does::ReviewPullRequest,
        "The review bead is filed, or opened again where Loom itself is asked.",
    ),
    rule(
        "pull_request",
        "closed",
        Does::FollowPullRequest,
        "Merged: the bead that owns the branch is closed with the commit. Not merged: it is blocked, with one question. A review bead is closed.",
    ),
    rule(
        "pull_request",
        "*",
        Does::FollowPullRequest,
        "What is known of the pull request follows it.",
    ),
    rule(
        "pull_request_review",
        "submitted",
        Does::Judge,
        "An approval or a request for changes by a person with write access decides what the bead that owns the branch waits for, or sends it back to work; else it is part of the conversation.",
    ),
    rule("check_run", "completed", Does::EndChecks, CHECKS),
    rule("check_suite", "completed", Does::EndChecks, CHECKS),
    rule("workflow_run", "completed", Does::EndChecks, CHECKS),
    rule("status", "*", Does::EndChecks, CHECKS),
    rule(
        "push",
        "*",
        Does::Push,
        "On the base branch: beads kept in the repository are read again.",
    ),
    rule(
        "release",
        "published",
        Does::Release,
        "Motivations hear of the release.",
    ),
    rule(
        "repository",
        "renamed",
        Does::Repository,
        "The project's repository has the new name.",
    ),
    rule(
        "repository",
        "transferred",
        Does::Repository,
        "The project's repository has the new owner.",
    ),
    rule(
        "repository",
        "archived",
        Does::Repository,
        "The project is closed: nothing can be pushed any more.",
    ),
    rule(
        "repository",
        "deleted",
        Does::Repository,
        "The project is closed: its repository is gone.",
    ),
    rule(
        "repository",
        "unarchived",
        Does::Repository,
        "It is noted; a person opens the project again.",
    ),
    rule(
        "*",
        "*",
        Does::Record,
        "It is recorded, and motivations hear of it as webhook.received.",
    ),
];

/// The line of the table that holds for an event and the action of its payload (empty when it has none).
pub fn rule_for(event: &str, action: &str) -> Option<&'static Rule> {
    TABLE.iter().find(|rule| {
        (rule.event == event || rule.event == "*") && (rule.action == action || rule.action == "*")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_has_a_line_and_no_line_is_hidden() {
        assert_eq!(rule_for("star", "created").unwrap().does, Does::Record);
        assert_eq!(rule_for("", "").unwrap().does, Does::Record);
        assert_eq!(
            rule_for("issue_comment", "edited").unwrap().does,
            Does::Record
        );
        assert_eq!(
            rule_for("issues", "pinned").unwrap().does,
            Does::FollowIssue
        );
        for rule in TABLE {
            assert_eq!(rule_for(rule.event, rule.action), Some(rule), "{rule:?}");
            assert!(rule.says.ends_with('.'), "{rule:?}");
        }
    }
}
