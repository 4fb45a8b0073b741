//! What an agent's pull request says.

use std::fmt::Write;

use crate::{money::dollars, prompt::cut};

/// The longest title, in characters: GitHub's own limit.
pub const TITLE_LIMIT: usize = 256;
/// The longest description by an agent, in bytes.
const DESCRIPTION: usize = 20_000;

/// What is known of the work when its pull request is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PullRequestFacts<'a> {
    /// The agent's description: what changed and why.
    pub description: &'a str,
    /// The bead.
    pub bead_id: &'a str,
    /// Its title.
    pub bead_title: &'a str,
    /// Where people read it.
    pub bead_url: &'a str,
    /// The issue that the bead was filed for, in the same repository.
    pub issue: Option<i64>,
    /// The agent.
    pub agent: &'a str,
    /// Its role.
    pub role: &'a str,
    /// What the bead has cost so far, in micro-US-dollars.
    pub cost_micro_usd: i64,
}

/// The title of a pull request: one line, cut to what GitHub takes.
pub fn pull_request_title(title: &str) -> String {
    let line: String = title
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    line.trim().chars().take(TITLE_LIMIT).collect()
}

/// The body of a pull request, in Markdown: what and why, for which bead and issue, how it was tested, and at what cost.
pub fn pull_request_body(facts: &PullRequestFacts<'_>) -> String {
    let mut body = cut::middle(facts.description.trim(), DESCRIPTION).into_owned();
    if body.is_empty() {
        body = facts.bead_title.trim().to_owned();
    }
    let _ = write!(
        body,
        "\n\n---\n\n**Bead:** [{}]({}) {}",
        facts.bead_id,
        facts.bead_url,
        inline(facts.bead_title)
    );
    if let Some(issue) = facts.issue {
        let _ = write!(body, "\n**Issue:** closes #{issue}");
    }
    body.push_str("\n**Tests:** the checks of this pull request");
    let _ = write!(
        body,
        "\n\n**Agent:** {} ({})\n**Cost so far:** {}",
        inline(facts.agent),
        facts.role,
        dollars(facts.cost_micro_usd)
    );
    body
}

/// Text that others wrote, as it can stand within a line of Markdown.
fn inline(text: &str) -> String {
    cut::one_line(text, 200).replace(['`', '<', '>', '[', ']', '@'], " ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn facts() -> PullRequestFacts<'static> {
        PullRequestFacts {
            description: "Adds instead of subtracting.",
            bead_id: "bd-7",
            bead_title: "The sum is wrong",
            bead_url: "http://loom.test/beads/bd-7",
            issue: Some(12),
            agent: "ada",
            role: "engineering-manager",
            cost_micro_usd: 60_300,
        }
    }

    #[test]
    fn a_body_says_what_why_how_and_at_what_cost() {
        let body = pull_request_body(&facts());
        for part in [
            "Adds instead",
            "[bd-7](http://loom.test/beads/bd-7) The sum is wrong",
            "closes #12",
            "the checks of this",
            "ada (engineering-manager)",
            "$0.0603",
        ] {
            assert!(body.contains(part), "{part} in {body}");
        }
        let bare = PullRequestFacts {
            description: " ",
            issue: None,
            ..facts()
        };
        let body = pull_request_body(&bare);
        assert!(body.starts_with("The sum is wrong\n"), "{body}");
        assert!(!body.contains("closes"), "{body}");
    }

    proptest! {
        #[test]
        fn a_title_is_one_line_that_fits(title in any::<String>()) {
            let title = pull_request_title(&title);
            prop_assert!(title.chars().count() <= TITLE_LIMIT && !title.contains('\n'));
        }
    }
}
