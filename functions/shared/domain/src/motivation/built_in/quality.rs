//! QA, code review, documentation, housekeeping.

use super::{BuiltIn, DAY, HOUR, wakes};

pub(super) const ALL: &[BuiltIn] = &[
    wakes(
        "qa-engineer-bead-completed",
        "qa-engineer",
        "Bead Completed - QA Review",
        "Tells of beads that were closed and may want a second look.",
        ("bead_completed", "{}"),
        10,
        70,
    ),
    wakes(
        "qa-engineer-release-approaching",
        "qa-engineer",
        "Release Approaching - QA Sweep",
        "When a bead of type release is due within three days, has everything tested once more.",
        (
            "deadline_approach",
            r#"{"days":3,"bead":{"type":"release"}}"#,
        ),
        DAY,
        80,
    )
    .files(
        "qa-sweep",
        "QA sweep before the release",
        "Run all tests, try what was changed since the last release as a user would, and file a bead for each defect \
         that must be mended before the release.",
        1,
    ),
    wakes(
        "qa-engineer-test-failure",
        "qa-engineer",
        "Test Failure - Investigation",
        "Tells of runs that ended with failing tests.",
        ("test_failure", "{}"),
        15,
        85,
    ),
    wakes(
        "code-reviewer-pull-request-opened",
        "code-reviewer",
        "Pull Request Opened - Code Review",
        "Tells of new pull requests.",
        ("github_pr_opened", "{}"),
        5,
        85,
    ),
    wakes(
        "code-reviewer-bead-in-progress",
        "code-reviewer",
        "Bead In Progress - Review Check",
        "Tells of beads that are being worked on and will want a review.",
        ("bead_status_changed", r#"{"status":"in_progress"}"#),
        30,
        50,
    ),
    wakes(
        "documentation-manager-feature-completed",
        "documentation-manager",
        "Feature Completed - Documentation Update",
        "Tells of features that were finished and may want documentation.",
        ("bead_completed", r#"{"bead":{"type":"feature"}}"#),
        30,
        60,
    ),
    wakes(
        "documentation-manager-release-approaching",
        "documentation-manager",
        "Release Approaching - Docs Review",
        "When a bead of type release is due within five days, has the documentation read.",
        (
            "deadline_approach",
            r#"{"days":5,"bead":{"type":"release"}}"#,
        ),
        DAY,
        65,
    )
    .files(
        "docs-review",
        "Review the documentation before the release",
        "Compare the documentation with what the program does now, and correct what is wrong or missing.",
        2,
    ),
    wakes(
        "documentation-manager-system-idle",
        "documentation-manager",
        "System Idle - Documentation Improvements",
        "When no work has happened for a while, there is time to improve the documentation.",
        ("system_idle", r#"{"minutes":45}"#),
        4 * HOUR,
        40,
    ),
    wakes(
        "housekeeping-bot-system-idle-cleanup",
        "housekeeping-bot",
        "System Idle - Cleanup",
        "When no work has happened for a while, has things tidied up.",
        ("system_idle", r#"{"minutes":20}"#),
        2 * HOUR,
        30,
    )
    .files(
        "system-cleanup",
        "Tidy up while nothing else is done",
        "Look for branches that were merged, files that nothing uses, and beads that were done and left open. Remove or \
         close what is certain, and leave the rest.",
        3,
    ),
    wakes(
        "housekeeping-bot-daily-maintenance",
        "housekeeping-bot",
        "Daily Maintenance",
        "Once a day, reminds the housekeeping bot.",
        ("scheduled_interval", r#"{"minutes":1440}"#),
        22 * HOUR,
        30,
    ),
];
