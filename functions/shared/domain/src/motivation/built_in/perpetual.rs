//! Tasks that come back for ever. A project has one only when somebody enabled it there.

use super::{BuiltIn, DAY, HOUR, WEEK, wakes};

/// How often: the interval, and a cool-down that is so much shorter that none of its times falls into it.
type Every = (&'static str, i64);

const HOURLY: Every = (r#"{"minutes":60}"#, 55);
const DAILY: Every = (r#"{"minutes":1440}"#, DAY - 2 * HOUR);
const WEEKLY: Every = (r#"{"minutes":10080}"#, WEEK - 2 * HOUR);

const fn perpetual(
    id: &'static str,
    role: &'static str,
    tag: &'static str,
    title: &'static str,
    description: &'static str,
    every: Every,
) -> BuiltIn {
    let interval = ("scheduled_interval", every.0);
    let mut built_in = wakes(id, role, title, description, interval, every.1, 40);
    built_in = built_in.files(tag, title, description, 3);
    built_in.is_perpetual = true;
    built_in
}

pub(super) const ALL: &[BuiltIn] = &[
    perpetual(
        "perpetual-cfo-daily-budget-review",
        "cfo",
        "daily-budget-review",
        "Daily budget review",
        "Compare what was spent since yesterday with the budget, and say what stands out.",
        DAILY,
    ),
    perpetual(
        "perpetual-cfo-weekly-cost-report",
        "cfo",
        "weekly-cost-report",
        "Weekly cost report",
        "Report what the week cost by agent, model and kind of work, next to the week before.",
        WEEKLY,
    ),
    perpetual(
        "perpetual-qa-daily-test-run",
        "qa-engineer",
        "daily-test-run",
        "Daily test run",
        "Run all tests. File a bead for each failure that has none yet.",
        DAILY,
    ),
    perpetual(
        "perpetual-qa-weekly-integration-tests",
        "qa-engineer",
        "weekly-integration-tests",
        "Weekly integration tests",
        "Run the integration tests, and write those that are missing for what changed this week.",
        WEEKLY,
    ),
    perpetual(
        "perpetual-qa-weekly-regression-tests",
        "qa-engineer",
        "weekly-regression-tests",
        "Weekly regression tests",
        "Check that each bug closed this week has a test that would notice it again.",
        WEEKLY,
    ),
    perpetual(
        "perpetual-pr-github-activity-check",
        "public-relations-manager",
        "github-activity-check",
        "Check the activity on GitHub",
        "Look for issues, comments and pull requests of the last hour that nobody has answered.",
        HOURLY,
    ),
    perpetual(
        "perpetual-pr-daily-community-report",
        "public-relations-manager",
        "daily-community-report",
        "Daily community report",
        "Sum up what people outside asked for, reported and contributed since yesterday.",
        DAILY,
    ),
    perpetual(
        "perpetual-docs-daily-docs-audit",
        "documentation-manager",
        "daily-docs-audit",
        "Daily documentation audit",
        "Compare the documentation with what changed since yesterday, and correct it.",
        DAILY,
    ),
    perpetual(
        "perpetual-docs-weekly-docs-consistency",
        "documentation-manager",
        "weekly-docs-consistency",
        "Weekly documentation consistency check",
        "Look for names, commands and links in the documentation that no longer fit each other or the program.",
        WEEKLY,
    ),
    perpetual(
        "perpetual-devops-daily-infra-health",
        "devops-engineer",
        "daily-infra-health",
        "Daily check of the infrastructure",
        "Check that build, tests and deployment scripts work, and how long they take.",
        DAILY,
    ),
    perpetual(
        "perpetual-devops-weekly-security-audit",
        "devops-engineer",
        "weekly-security-audit",
        "Weekly security audit",
        "Check the dependencies for known weaknesses, and the repository for secrets.",
        WEEKLY,
    ),
    perpetual(
        "perpetual-projm-daily-standup",
        "project-manager",
        "daily-standup",
        "Daily stand-up",
        "Sum up what was finished since yesterday, what is being worked on, and what is held up by what.",
        DAILY,
    ),
    perpetual(
        "perpetual-projm-weekly-sprint-planning",
        "project-manager",
        "weekly-sprint-planning",
        "Weekly sprint planning",
        "Choose what should be done this week, and set priorities, deadlines and dependencies accordingly.",
        WEEKLY,
    ),
    perpetual(
        "perpetual-housekeeping-hourly-cleanup",
        "housekeeping-bot",
        "hourly-cleanup",
        "Hourly cleanup",
        "Remove what the last hour left behind: merged branches, temporary files, beads that are done and open.",
        HOURLY,
    ),
    perpetual(
        "perpetual-housekeeping-weekly-archival",
        "housekeeping-bot",
        "weekly-archival",
        "Weekly archival",
        "Look through what has been open and untouched for a month; close what nobody wants any more, with the reason.",
        WEEKLY,
    ),
];
